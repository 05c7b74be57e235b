import type { HealthCheck } from '../model/service.ts'

/** Variables that send requests through a proxy, as curl, Docker's command line and most libraries read them. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']

/** Whether a proxy stands between people and the peer of this machine; nothing where none is set. */
export function proxyChecks(env: Readonly<Record<string, string | undefined>>): readonly HealthCheck[] {
  const set = PROXY_VARIABLES.find(name => (env[name] ?? '') !== '')
  if (set === undefined) return []
  const name = 'proxy'
  const excluded = new Set((env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map(host => host.trim()))
  if (['*', '127.0.0.1', 'localhost', '127.0.0.0/8'].some(host => excluded.has(host))) {
    return [{ name, ok: true, message: `${set} is set, and not used for this machine; cares itself uses none` }]
  }
  return [
    {
      name,
      ok: false,
      message: `${set} is set: cares uses no proxy, but curl would ask it for a peer of this machine`,
      hint: 'export NO_PROXY=127.0.0.1,localhost and the hosts of the peers; a registry behind it is the engine’s business: /etc/docker/daemon.json'
    }
  ]
}

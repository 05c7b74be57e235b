import type { Peer } from '../../model/rest.ts'
import type { HealthCheck } from '../../model/service.ts'

/** What Docker numbers its networks from, unless it is told otherwise (172.31 is what others use it for). */
const DOCKER = /^\/ip4\/172\.(1[7-9]|2\d|30)\./
const LOOPBACK = /^\/(ip4\/127\.|ip6\/::1\/)/

/** Whether other machines can reach a peer by what it announces. */
export function addressCheck(self: Pick<Peer, 'addresses'>, others: readonly Pick<Peer, 'addresses'>[]): HealthCheck {
  const name = 'addresses'
  const { addresses } = self
  const elsewhere = (pattern: RegExp): boolean =>
    others.some(other => other.addresses.some(address => !pattern.test(address) && !LOOPBACK.test(address)))
  const list = addresses.slice(0, SHOWN).join(' ') + (addresses.length > SHOWN ? ` and ${addresses.length - SHOWN} more` : '')
  if (addresses.every(address => LOOPBACK.test(address))) {
    const message = `announces ${list === '' ? 'nothing' : list}: only peers on this machine can dial it`
    if (!elsewhere(LOOPBACK)) return { name, ok: true, message }
    return { name, ok: false, message, hint: 'cares peer --listen /ip4/0.0.0.0/tcp/4001' }
  }
  if (addresses.every(address => DOCKER.test(address) || LOOPBACK.test(address)) && elsewhere(DOCKER)) {
    const hint = 'publish its port (docker run -p 4001:4001 …) and name the host: cares peer --announce /ip4/HOST/tcp/4001'
    return { name, ok: false, message: `announces ${list}, of a Docker network: other machines cannot dial it`, hint }
  }
  return { name, ok: true, message: `announces ${list}` }
}

const SHOWN = 3

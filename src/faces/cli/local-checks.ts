import { constants } from 'node:fs'
import { access, readFile, stat, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import type { HealthCheck } from '../../model/service.ts'
import { formatBytes } from '../../model/units.ts'
import type { PeerSettings } from './environment.ts'

/** The oldest Node that strips types and has the SQLite that the store needs. */
const NODE_MAJOR_MIN = 24

/** Clocks that differ by more make logs and ages hard to read; nothing else depends on them. */
const CLOCK_SKEW_MS_MAX = 5_000

/** Room for the log, its snapshots and the answers that are kept for a while. */
const FREE_BYTES_MIN = 2 ** 30

/** A call takes two sockets, and a peer serves a thousand calls at once, besides connections to peers and the engine. */
const FILES_MIN = 4_096

/** A local engine accepts at once, and a peer within a few round trips. */
const CONNECT_TIMEOUT_MS = 2_000

/** Whether a peer could work on this machine, one check after the other. Never throws: what fails is a check that does not hold. */
export async function localChecks(
  settings: PeerSettings,
  {
    nodeVersion,
    peerRuns,
    timeout,
    signal
  }: { nodeVersion: string; peerRuns: boolean; timeout: (ms: number) => AbortSignal; signal: AbortSignal }
): Promise<HealthCheck[]> {
  const checks = [
    nodeCheck(nodeVersion),
    ...(await settings.inspect()),
    await dataCheck(settings.data),
    ...(await spaceCheck(settings.data)),
    ...(await filesCheck())
  ]
  // A running peer holds its ports: that is as it should be.
  if (!peerRuns) {
    checks.push(await portCheck('api port', settings.http.host, settings.http.port, '--http HOST:PORT'))
    for (const address of settings.listen) {
      const match = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address)
      if (match !== null) checks.push(await portCheck('peer port', match[1] ?? '', Number(match[2]), '--listen MADDR'))
    }
    const dials = settings.bootstrap.map(id => bootstrapCheck(id, AbortSignal.any([signal, timeout(CONNECT_TIMEOUT_MS)])))
    checks.push(...(await Promise.all(dials)).flat())
  }
  const engine = dockerEndpoint(settings.dockerHost)
  if (settings.runtime === 'docker' && engine !== null) {
    checks.push(await dockerCheck(engine, AbortSignal.any([signal, timeout(CONNECT_TIMEOUT_MS)])))
  }
  return checks
}

/** Whether this machine's clock agrees with the peer's. */
export function clockCheck(hereMs: number, thereMs: number): HealthCheck {
  const skewMs = Math.abs(hereMs - thereMs)
  const ok = skewMs <= CLOCK_SKEW_MS_MAX
  return {
    name: 'clock',
    ok,
    message: ok ? 'agrees with the peer' : `${Math.round(skewMs / 1_000)}s apart from the peer's`,
    hint: ok ? undefined : 'set both clocks by NTP: timedatectl set-ntp true'
  }
}

/** Where an engine listens: a socket of this machine, or a port of any. */
type DockerEndpoint = { readonly path: string } | { readonly host: string; readonly port: number }

/** Null: the engine is reached another way, and only a running peer can tell. */
function dockerEndpoint(dockerHost: string | null): DockerEndpoint | null {
  const path = dockerHost === null ? '/var/run/docker.sock' : /^(?:unix:\/\/)?(\/.*)$/.exec(dockerHost)?.[1]
  if (path !== undefined) return { path }
  const [, host = '', port = ''] = /^(?:tcp|https?):\/\/\[?([^/]+?)\]?:(\d+)\/?$/.exec(dockerHost ?? '') ?? []
  return host === '' ? null : { host, port: Number(port) }
}

function nodeCheck(version: string): HealthCheck {
  const ok = Number(version.replace(/^v/, '').split('.')[0]) >= NODE_MAJOR_MIN
  return { name: 'node', ok, message: version, hint: ok ? undefined : `install Node.js ${NODE_MAJOR_MIN} or newer` }
}

/** Whether the disk of the data directory has room; nothing where that cannot be told. */
async function spaceCheck(data: string): Promise<HealthCheck[]> {
  try {
    const { bavail, bsize } = await statfs(await nearestExisting(data))
    const free = bavail * bsize
    const ok = free >= FREE_BYTES_MIN
    const hint = ok ? undefined : 'remove what is not needed (docker image prune), or name another disk: cares peer --data DIR'
    return [{ name: 'space', ok, message: `${formatBytes(free)} free for data`, hint }]
  } catch {
    return []
  }
}

/** How many files and sockets this process may have open; nothing on systems that do not tell so. */
async function filesCheck(): Promise<HealthCheck[]> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(limits) ?? []
  if (soft === undefined) return []
  const ok = soft === 'unlimited' || Number(soft) >= FILES_MIN
  return [
    {
      name: 'open files',
      ok,
      message: `${soft} allowed`,
      hint: ok ? undefined : 'ulimit -n 65536; for a service of systemd: LimitNOFILE=65536'
    }
  ]
}

/** Whether somebody answers where the cluster is to be joined; nothing for addresses that are not dialled by TCP. */
async function bootstrapCheck(clusterId: string, signal: AbortSignal): Promise<HealthCheck[]> {
  const [, host = '', port = ''] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/.exec(clusterId) ?? []
  if (host === '') return []
  const name = 'bootstrap'
  try {
    await reach({ host, port: Number(port) }, signal)
    return [{ name, ok: true, message: `somebody answers at ${host}:${port}` }]
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'ECONNREFUSED'
        ? 'nothing listens there'
        : code === 'ENOTFOUND'
          ? 'there is no such host'
          : signal.aborted
            ? 'no answer'
            : message
    const hint =
      'check that the peer of the cluster id runs, and that no firewall stands between; try another peer of the cluster: cares id'
    return [{ name, ok: false, message: `${host}:${port} cannot be reached: ${reason}`, hint }]
  }
}

/** Resolves when a connection has been accepted. */
async function reach(endpoint: DockerEndpoint, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const connection = connect({ ...endpoint, signal })
    connection.once('connect', () => {
      connection.destroy()
      resolve()
    })
    connection.once('error', reject)
  })
}

/** The directory, or, before the first start, the nearest that exists above it, must be writable. */
async function dataCheck(data: string): Promise<HealthCheck> {
  try {
    const place = await nearestExisting(data)
    if (!(await stat(place)).isDirectory()) throw new Error(`${place} is not a directory`)
    await access(place, constants.W_OK)
    return { name: 'data', ok: true, message: data }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EACCES' ? 'permission denied' : code === 'EROFS' ? 'the disk is read-only' : message
    return {
      name: 'data',
      ok: false,
      message: `cannot write ${data}: ${reason}`,
      hint: 'cares peer --data DIR, or change who may write there'
    }
  }
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path)
    return path
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error
    return await nearestExisting(dirname(path))
  }
}

async function portCheck(name: string, host: string, port: number, flag: string): Promise<HealthCheck> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, exclusive: true }, resolve)
    })
    return { name, ok: true, message: `${host}:${port} is free` }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'in use by another program' : code === 'EACCES' ? 'not allowed for this user' : message
    return { name, ok: false, message: `${host}:${port} is ${reason}`, hint: `cares peer ${flag}` }
  } finally {
    server.close()
  }
}

async function dockerCheck(endpoint: DockerEndpoint, signal: AbortSignal): Promise<HealthCheck> {
  const place = 'path' in endpoint ? endpoint.path : `${endpoint.host}:${endpoint.port}`
  try {
    await reach(endpoint, signal)
    return { name: 'docker', ok: true, message: `answers at ${place}` }
  } catch (error) {
    return await dockerFailure(place, error as NodeJS.ErrnoException)
  }
}

async function dockerFailure(socket: string, { code, message }: NodeJS.ErrnoException): Promise<HealthCheck> {
  const failed = { name: 'docker', ok: false }
  if (code === 'ENOENT') {
    return {
      ...failed,
      message: `there is no ${socket}`,
      hint: `install and start Docker, or: cares peer --runtime process (no isolation); in a container: docker run -v ${socket}:${socket} …`
    }
  }
  if (code === 'EACCES') {
    const gid = await stat(socket).then(
      found => found.gid,
      () => undefined
    )
    return {
      ...failed,
      message: `cannot use ${socket}: permission denied${gid === undefined ? '' : ` (socket gid ${gid}, this process ${process.getgid?.() ?? '?'})`}`,
      hint: `in a container: docker run --group-add ${gid ?? 'GID'} …; else: sudo usermod -aG docker USER, and log in again`
    }
  }
  const reason = code === 'ECONNREFUSED' ? 'nobody answers' : message
  return { ...failed, message: `cannot use ${socket}: ${reason}`, hint: 'start Docker: sudo systemctl start docker' }
}

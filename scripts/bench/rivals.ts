/**
 * CARES beside etcd and Serf on this machine, each with three members and its own defaults: how long until another leads after the leader was killed
 * or frozen, how long until the others call a killed member gone, and what an idle member costs. The systems are measured in turn.
 *
 *   apt-get install etcd-server serf
 *   npx node scripts/bench/rivals.ts [RUNS] [IDLE_SECONDS]
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Cluster as ClusterState, PeerList } from '../../src/model/rest.ts'
import { Cluster, json } from '../../test/e2e/cluster.ts'
import { cpuSeconds, mean, quantile, residentMiB } from './measure.ts'

const RUNS = Number(process.argv[2] ?? 5)
const IDLE_SECONDS = Number(process.argv[3] ?? 20)
/** How exactly a time can be told. */
const LOOK_EVERY_MS = 5
const WAIT_MS_MAX = 60_000
const SETTLING_MS = 10_000
const NAMES = ['a', 'b', 'c'] as const

const run = promisify(execFile)
const root = await mkdtemp(join(tmpdir(), 'cares-rivals-'))

/** One system that is compared. Members are told by their place: 0, 1, 2. */
interface System {
  readonly name: string
  /** Brings up those that do not run, and resolves once all three agree. */
  settled(): Promise<void>
  pids(): readonly number[]
  signal(member: number, signal: NodeJS.Signals): Promise<void>
  /** Which member leads, as one of the others sees it; undefined when none does. Left out where nobody leads. */
  readonly leader?: (seenBy: number) => Promise<number | undefined>
  /** Whether `member` is called gone by the one that is asked. Left out where nobody says so. */
  readonly isGone?: (member: number, seenBy: number) => Promise<boolean>
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Milliseconds until `isSo`; what cannot be asked yet is not so yet. */
async function until(isSo: () => Promise<boolean>): Promise<number> {
  const startMs = performance.now()
  while (performance.now() - startMs < WAIT_MS_MAX) {
    if (await isSo().catch(() => false)) return performance.now() - startMs
    await sleep(LOOK_EVERY_MS)
  }
  throw new Error(`nothing happened within ${WAIT_MS_MAX} ms`)
}

/** Programs that are started again after they were killed. */
class Members {
  readonly #start: (member: number) => ChildProcess
  readonly #children: (ChildProcess | undefined)[] = []

  constructor(start: (member: number) => ChildProcess) {
    this.#start = start
  }

  startAll(): void {
    for (const member of NAMES.keys()) {
      const child = this.#children[member]
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) this.#children[member] = this.#start(member)
    }
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(child => child?.pid ?? [])
  }

  async signal(member: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children[member]
    if (child === undefined) return
    child.kill(signal)
    if (signal === 'SIGKILL' && child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  async stop(): Promise<void> {
    for (const member of NAMES.keys()) await this.signal(member, 'SIGKILL')
  }
}

async function createEtcd(): Promise<System> {
  const clients = await Promise.all(NAMES.map(freePort))
  const peers = await Promise.all(NAMES.map(freePort))
  const initial = NAMES.map((name, i) => `${name}=http://127.0.0.1:${peers[i]}`).join(',')
  const members = new Members(member => {
    const [client, peer] = [`http://127.0.0.1:${clients[member]}`, `http://127.0.0.1:${peers[member]}`]
    const name = NAMES[member] ?? ''
    const urls = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer]
    const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', initial]
    return spawn('etcd', ['--name', name, '--data-dir', join(root, `etcd-${name}`), ...urls, ...cluster], { stdio: 'ignore' })
  })
  const ids = new Map<string, number>()
  const status = async (member: number): Promise<{ self: string; leader: string }> => {
    const response = await fetch(`http://127.0.0.1:${clients[member]}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(500)
    })
    const { header, leader = '0' } = (await response.json()) as { header: { member_id: string }; leader?: string }
    return { self: header.member_id, leader }
  }
  const leader = async (seenBy: number): Promise<number | undefined> => ids.get((await status(seenBy)).leader)
  return {
    name: 'etcd',
    pids: () => members.pids,
    signal: (member, signal) => members.signal(member, signal),
    leader,
    stop: () => members.stop(),
    settled: async () => {
      members.startAll()
      await until(async () => {
        for (const member of NAMES.keys()) ids.set((await status(member)).self, member)
        const seen = await Promise.all([0, 1, 2].map(leader))
        return seen[0] !== undefined && seen.every(other => other === seen[0])
      })
    }
  }
}

async function createSerf(): Promise<System> {
  const ports = await Promise.all(NAMES.map(freePort))
  const rpc = await Promise.all(NAMES.map(freePort))
  const members = new Members(member => {
    const places = ['-bind', `127.0.0.1:${ports[member]}`, '-rpc-addr', `127.0.0.1:${rpc[member]}`]
    const join = NAMES.keys().flatMap(other => (other === member ? [] : ['-retry-join', `127.0.0.1:${ports[other]}`]))
    return spawn('serf', ['agent', '-node', NAMES[member] ?? '', ...places, ...join, '-retry-interval', '1s'], { stdio: 'ignore' })
  })
  const statuses = async (seenBy: number): Promise<Map<string, string>> => {
    const { stdout } = await run('serf', ['members', '-format=json', '-rpc-addr', `127.0.0.1:${rpc[seenBy]}`])
    const { members: seen } = JSON.parse(stdout) as { members: { name: string; status: string }[] }
    return new Map(seen.map(({ name, status }) => [name, status]))
  }
  return {
    name: 'Serf',
    pids: () => members.pids,
    signal: (member, signal) => members.signal(member, signal),
    isGone: async (member, seenBy) => (await statuses(seenBy)).get(NAMES[member] ?? '') === 'failed',
    stop: () => members.stop(),
    settled: async () => {
      members.startAll()
      await until(async () => {
        const views = await Promise.all([0, 1, 2].map(statuses))
        return views.every(view => NAMES.every(name => view.get(name) === 'alive'))
      })
    }
  }
}

async function createCares(): Promise<System> {
  const cluster = await Cluster.start({ flags: ['--open', '--preset', 'lan'] })
  const nameOf = (member: number): string => `peer-${member}`
  const idOf = new Map(cluster.alive.map(({ id, name }) => [id, Number(name.slice('peer-'.length))]))
  return {
    name: 'CARES',
    pids: () => cluster.alive.map(({ pid }) => pid),
    signal: async (member, signal) => {
      const peer = cluster.peer(nameOf(member))
      peer.signal(signal)
      if (signal === 'SIGKILL') await peer.ended
    },
    leader: async seenBy => {
      const { orchestrator } = await json<ClusterState>(cluster.peer(nameOf(seenBy)), '/v1/cluster')
      return orchestrator === null ? undefined : idOf.get(orchestrator.id)
    },
    isGone: async (member, seenBy) => {
      const { items } = await json<PeerList>(cluster.peer(nameOf(seenBy)), '/v1/peers')
      return items.find(({ name }) => name === nameOf(member))?.state === 'gone'
    },
    stop: () => cluster.stop(),
    settled: async () => {
      for (const member of NAMES.keys()) {
        if (!cluster.alive.some(({ name }) => name === nameOf(member))) await cluster.add(nameOf(member))
      }
      await until(async () => {
        const orchestrator = await cluster.settled()
        return (await json<ClusterState>(orchestrator, '/v1/cluster')).voters.length === NAMES.length
      })
    }
  }
}

async function idle(system: System): Promise<string> {
  const before = system.pids().map(cpuSeconds)
  await sleep(IDLE_SECONDS * 1_000)
  const used = system.pids().map((pid, i) => ((cpuSeconds(pid) - (before[i] ?? 0)) / IDLE_SECONDS) * 100)
  return `${mean(used).toFixed(1)} % of a core, ${mean(system.pids().map(residentMiB)).toFixed(0)} MiB`
}

/** Milliseconds until another than the member that got `signal` leads, for whoever sees it first. */
async function failover(system: System, leader: NonNullable<System['leader']>, signal: NodeJS.Signals): Promise<number> {
  await system.settled()
  const first = (await leader(0)) ?? 0
  const others = [0, 1, 2].filter(member => member !== first)
  await system.signal(first, signal)
  const tookMs = await until(async () => {
    const seen = await Promise.all(others.map(member => leader(member).catch(() => undefined)))
    return seen.some(member => member !== undefined && member !== first)
  })
  if (signal === 'SIGSTOP') await system.signal(first, 'SIGCONT')
  return tookMs
}

/** Milliseconds until both others call a killed member that did not lead gone. */
async function death(system: System, isGone: NonNullable<System['isGone']>): Promise<number> {
  await system.settled()
  const leader = (await system.leader?.(0)) ?? 0
  const victim = leader === 2 ? 1 : 2
  const others = [0, 1, 2].filter(member => member !== victim)
  await system.signal(victim, 'SIGKILL')
  return until(async () => (await Promise.all(others.map(member => isGone(victim, member)))).every(Boolean))
}

const systems: System[] = []
const times = new Map<string, number[]>()
function note(what: string, system: System, ms: number): void {
  const key = `${what.padEnd(28)} ${system.name.padEnd(6)}`
  times.set(key, [...(times.get(key) ?? []), ms])
}

try {
  for (const create of [createCares, createEtcd, createSerf]) systems.push(await create())
  for (const system of systems) await system.settled()
  await sleep(SETTLING_MS)
  for (const system of systems) console.log(`${'idle member'.padEnd(28)} ${system.name.padEnd(6)} ${await idle(system)}`)
  for (let i = 0; i < RUNS; i++) {
    for (const system of systems) {
      if (system.leader !== undefined) {
        note('leader killed: another leads', system, await failover(system, system.leader, 'SIGKILL'))
        note('leader frozen: another leads', system, await failover(system, system.leader, 'SIGSTOP'))
      }
      if (system.isGone !== undefined) note('member killed: called gone', system, await death(system, system.isGone))
    }
  }
  for (const [what, values] of [...times].toSorted(([a], [b]) => a.localeCompare(b))) {
    const sorted = values.toSorted((a, b) => a - b)
    console.log(
      `${what} p50 ${quantile(sorted, 0.5).toFixed(0)} ms, max ${sorted.at(-1)?.toFixed(0)} ms (${sorted.map(ms => ms.toFixed(0)).join(' ')})`
    )
  }
} finally {
  for (const system of systems) await system.stop()
  await rm(root, { recursive: true, force: true })
}

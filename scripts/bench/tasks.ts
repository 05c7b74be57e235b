/**
 * Tasks a second, end to end, without containers: peers that all vote, with their real log on a real disk (SQLite, an fsync with every commit)
 * and their messages through the real codecs, in one process; the programs do nothing. What it measures is everything that CARES itself does for
 * a task. With one client, the time of an acknowledgement is that of a commit; with many, their turns are in it.
 *
 *     npx node scripts/bench/tasks.ts [--tasks 5000] [--clients 256] [--peers 1|3|5] [--store log|postgres]
 *
 * With `--store postgres`, tasks are kept by a PostgreSQL server of its own (Debian's), on the same disk, with its own defaults: an fsync with every commit.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { COST } from '../../src/core/scheduler/strategies/cost.ts'
import { createDaemon, type Daemon } from '../../src/daemon/daemon.ts'
import { foundCluster } from '../../src/daemon/agreement/found-cluster.ts'
import { newClusterUid, newInvocationId } from '../../src/daemon/new-ids.ts'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import { PRESETS } from '../../src/model/presets.ts'
import { createRandom } from '../../src/model/random.ts'
import { createFakeRuntime } from '../../src/simulate/fake-runtime.ts'
import { MemoryNetwork } from '../../src/simulate/memory-transport.ts'
import { PostgresTaskStore } from '../../src/store/postgres/postgres-task-store.ts'
import { SqliteStore } from '../../src/store/sqlite-store.ts'
import { decodeCommand, encodeCommand } from '../../src/wire/command-codec.ts'
import { postgresPrograms, startPostgres } from '../../test/support/postgres-server.ts'

const CAPACITY = { cpus: 64, memoryBytes: 2 ** 36, diskBytes: 2 ** 40 }

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '5000' },
    clients: { type: 'string', default: '256' },
    peers: { type: 'string', default: '3' },
    store: { type: 'string', default: 'log' }
  }
})
const PEERS = Array.from({ length: Number(values.peers) }, (_, index) => `peer-${index + 1}` as PeerId)
const [tasks, clients] = [Number(values.tasks), Number(values.clients)]

const silent: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, child: () => silent }
const clock = createSystemClock()
const network = new MemoryNetwork({}, { clock, log: silent })
const server =
  values.store === 'postgres' ? await startPostgres(postgresPrograms() ?? fail('install Debian’s package postgresql')) : undefined
const root = await mkdtemp(join(tmpdir(), 'cares-bench-tasks-'))
const daemons: Daemon[] = []
const stores: SqliteStore[] = []

async function start(self: PeerId, seed: PeerId | undefined): Promise<Daemon> {
  const store = new SqliteStore({ dataDir: join(root, self) })
  await store.start()
  stores.push(store)
  const loaded = await store.load()
  const persisted = seed === undefined ? await foundCluster(store, loaded, { self, uid: newClusterUid() }) : loaded
  const runtime = createFakeRuntime({ capacity: CAPACITY, clock })
  const profile = {
    id: self,
    name: self,
    session: persisted.session,
    addresses: [`/memory/${self}`],
    api: '127.0.0.1:0',
    version: '0.0.0',
    runtime: 'process',
    arch: 'amd64',
    capacity: CAPACITY,
    labels: {},
    usdPerHour: 0,
    startedAt: clock.timestamp()
  } as const
  const daemon: Daemon = createDaemon(
    { self, session: persisted.session, persisted, timings: PRESETS.lan, strategy: COST, private: true },
    {
      store,
      transport: network.transport(self),
      host: { capacity: CAPACITY, sample: async () => ({ cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }) },
      runtime,
      taskStore:
        server === undefined
          ? undefined
          : new PostgresTaskStore({ url: server.url('tasks') }, { cluster: () => daemon.service.cluster().uid, clock, log: silent }),
      clock,
      log: silent,
      random: createRandom(PEERS.indexOf(self) + 1),
      codec: { encode: encodeCommand, decode: decodeCommand },
      seeds: seed === undefined ? [] : [{ text: seed, dial: async () => seed }],
      profile: () => profile,
      clusterId: () => null,
      newInvocationId
    }
  )
  await daemon.start()
  return daemon
}

try {
  const [first = '' as PeerId] = PEERS
  for (const peer of PEERS) daemons.push(await start(peer, peer === first ? undefined : first))
  while (!daemons.every(({ service }) => service.cluster().voters.length === PEERS.length && service.ready().ready)) await clock.sleep(50)

  const signal = clock.timeout(600_000)
  let left = tasks
  const acknowledgedMs: number[] = []
  const startedMs = clock.nowMs()
  const cpu = process.cpuUsage()
  const ids: string[] = []
  const client = async (at: number): Promise<void> => {
    const { service } = daemons[at % daemons.length] as Daemon
    while (left-- > 0) {
      const askedMs = clock.nowMs()
      const { task } = await service.tasks.submit({ image: 'nothing', cpus: 0.01, memoryBytes: 2 ** 24 }, { signal })
      acknowledgedMs.push(clock.nowMs() - askedMs)
      ids.push(task.id)
    }
  }
  await Promise.all(Array.from({ length: clients }, async (_, at) => client(at)))
  const submittedMs = clock.nowMs() - startedMs
  const { service } = daemons[0] as Daemon
  for (const id of ids) {
    const { state } = await service.tasks.waitFor(id, { signal })
    if (state !== 'succeeded') throw new Error(`task ${id} is ${state}`)
  }
  const tookMs = clock.nowMs() - startedMs
  const { user, system } = process.cpuUsage(cpu)
  const sorted = acknowledgedMs.sort((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1)
  const perSecond = (ms: number): string => (tasks / (ms / 1_000)).toFixed(0)
  process.stdout.write(
    [
      `${tasks} tasks, ${clients} clients, ${PEERS.length} peers, all voters, in one process, tasks in ${server === undefined ? 'the log' : 'PostgreSQL'}; load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`,
      `end to end          ${perSecond(tookMs)} tasks/s (${(tookMs / 1_000).toFixed(1)} s)`,
      `acknowledged        ${perSecond(submittedMs)} tasks/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
      `cpu of all peers    ${((user + system) / 1_000 / tasks).toFixed(2)} ms a task`,
      ''
    ].join('\n')
  )
} finally {
  for (const daemon of daemons.reverse()) await daemon.stop()
  for (const store of stores) await store.stop()
  await server?.dispose()
  await rm(root, { recursive: true, force: true })
}

function fail(message: string): never {
  throw new Error(message)
}

/**
 * What large tables cost real peers: the memory that functions and tasks (that are over, with their results) take in a peer, and how long a peer that
 * joins is without them. The tables are agreed on by the peer's own consensus, on its own disk, while its process is down: so it takes seconds.
 *
 *   npx node scripts/bench/tables.ts [--functions 10000] [--tasks 100000]
 */
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Consensus } from '../../src/daemon/agreement/consensus.ts'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { Command } from '../../src/model/command.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import type { Transport } from '../../src/model/ports/transport.ts'
import { PRESETS } from '../../src/model/presets.ts'
import { createRandom } from '../../src/model/random.ts'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import type { TaskItem } from '../../src/model/rest-tasks.ts'
import type { TaskId, TaskSession } from '../../src/model/task.ts'
import { SqliteStore } from '../../src/store/sqlite-store.ts'
import { decodeCommand, encodeCommand } from '../../src/wire/command-codec.ts'
import { Cluster, json } from '../../test/e2e/cluster.ts'
import { eventually } from '../../test/support/eventually.ts'
import { sampleResult, sampleSubmit } from '../../test/support/sample-task.ts'
import { sampleFunction } from '../../test/support/samples.ts'
import { residentMiB } from './measure.ts'

/** Until what a start leaves behind is collected. */
const SETTLING_MS = 15_000
const JOINED_WITHIN_MS = 120_000
/** As in a busy cluster, whose clients' commits are gathered. */
const TASKS_PER_COMMAND = 100
/** Commands that wait at once. */
const WAITING_MAX = 256
const FIRST = 'first'

const { values } = parseArgs({ options: { functions: { type: 'string', default: '10000' }, tasks: { type: 'string', default: '100000' } } })
const [functions, tasks] = [Number(values.functions), Number(values.tasks)]
const clock = createSystemClock()
const at = clock.timestamp()
const silent: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {}, child: () => silent }

const cluster = await Cluster.start({ names: [FIRST], flags: ['--open', '--preset', 'lan'] })
try {
  const self = cluster.peer(FIRST).id as PeerId
  const emptyMiB = await residentOf(FIRST)
  await fill(self, functionCommands())
  const functionsMiB = await residentOf(FIRST)
  await fill(self, taskCommands(self))
  const allMiB = await residentOf(FIRST)
  console.log(
    `a peer with nothing holds ${emptyMiB.toFixed(0)} MiB; with ${functions} functions ${(functionsMiB - emptyMiB).toFixed(0)} MiB more; ` +
      `with ${tasks} tasks, too, ${(allMiB - emptyMiB).toFixed(0)} MiB more`
  )

  const { commitIndex } = await json<ClusterState>(cluster.peer(FIRST), '/v1/cluster')
  const startedMs = performance.now()
  const joiner = await cluster.add('joiner')
  const servesMs = performance.now() - startedMs
  await eventually(
    'the joining peer is current',
    async () => ((await json<ClusterState>(joiner, '/v1/cluster')).appliedIndex >= commitIndex ? true : undefined),
    { withinMs: JOINED_WITHIN_MS }
  )
  const currentMs = performance.now() - startedMs
  if (functions > 0) await json(joiner, `/v1/functions/${functionName(functions - 1)}`)
  if (tasks > 0) await json<TaskItem>(joiner, `/v1/tasks/${taskId(tasks - 1)}`)
  console.log(
    `a joining peer serves ${(servesMs / 1_000).toFixed(1)} s after its process was started, and is current after ${(currentMs / 1_000).toFixed(1)} s; ` +
      `it holds ${(await residentOf('joiner')).toFixed(0)} MiB; load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`
  )
} finally {
  await cluster.stop()
}

async function residentOf(name: string): Promise<number> {
  await sleep(SETTLING_MS)
  return residentMiB(cluster.peer(name).pid)
}

/** Stops the first peer, has it agree on these, and starts it again. */
async function fill(self: PeerId, commands: Iterable<Command>): Promise<void> {
  await cluster.peer(FIRST).stop()
  const startedMs = performance.now()
  const store = new SqliteStore({ dataDir: cluster.dataOf(FIRST) })
  await store.start()
  const persisted = await store.load()
  const nothing = (): void => {}
  const consensus = new Consensus(
    { self, timings: PRESETS.loopback, persisted },
    {
      store,
      transport: { self, sendConsensus: nothing } as unknown as Transport,
      clock,
      log: silent,
      random: createRandom(1),
      codec: { encode: encodeCommand, decode: decodeCommand },
      cluster: () => persisted.cluster,
      listener: { onRole: nothing, onConfiguration: nothing, onTables: nothing, onFenced: nothing }
    }
  )
  await consensus.start()
  while (!consensus.role.active) await clock.sleep(20)
  const signal = clock.timeout(600_000)
  let waiting: Promise<unknown>[] = []
  for (const command of commands) {
    waiting.push(consensus.propose(command, { signal }))
    if (waiting.length === WAITING_MAX) waiting = [await Promise.all(waiting)].map(async () => {})
  }
  await Promise.all(waiting)
  await consensus.stop()
  await store.stop()
  console.log(`agreed in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`)
  await cluster.add(FIRST)
  await cluster.settled()
}

function* functionCommands(): Generator<Command> {
  for (let i = 0; i < functions; i++) {
    const { digest, imageBytes, revision: _, updatedAt: __, ...spec } = sampleFunction({ name: functionName(i), env: { INDEX: String(i) } })
    yield { type: 'function-put', spec, digest, imageBytes, at }
  }
}

/** Each task is submitted, assigned and completed. */
function* taskCommands(worker: PeerId): Generator<Command> {
  const session = 'session' as TaskSession
  for (let from = 0; from < tasks; from += TASKS_PER_COMMAND) {
    const ids = Array.from({ length: Math.min(TASKS_PER_COMMAND, tasks - from) }, (_, i) => taskId(from + i))
    yield { type: 'tasks', changes: ids.map(id => sampleSubmit({ id, key: `key-${id}`, gateway: worker, at })) }
    yield { type: 'tasks', changes: ids.map(id => ({ type: 'assign', id, attempt: 1, worker, session, at })) }
    yield { type: 'tasks', changes: ids.map(id => ({ type: 'complete', id, attempt: 1, result: sampleResult(), at })) }
  }
}

function functionName(index: number): string {
  return `f${index}`
}

/** As long as real ones. */
function taskId(index: number): TaskId {
  return `t-${String(index).padStart(26, 'a')}` as TaskId
}

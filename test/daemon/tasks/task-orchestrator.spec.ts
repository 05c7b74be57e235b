import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { QueueOrder } from '../../../src/core/scheduler/admission/queue-order.ts'
import { leaseTimes } from '../../../src/core/tasks/leases.ts'
import { TaskOrchestrator } from '../../../src/daemon/tasks/task-orchestrator.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { valueAt } from '../../../src/model/shards.ts'
import type { TaskAnswer, TaskAsk, TaskId, TaskRecord, TaskSession, TaskSpec } from '../../../src/model/task.ts'
import { AgreedLog } from '../../support/agreed-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { sampleReceipt } from '../../support/samples.ts'
import { sampleResult, sampleSubmit, sampleTaskSpec } from '../../support/sample-task.ts'
import { createTestLog } from '../../support/test-log.ts'

const BIRCH = 'birch' as PeerId
const SESSION = 's-1' as TaskSession
const TIMES = leaseTimes({ leaseMs: 10_000, electionMs: 1_000 })
/** Nothing waits for as long as the orchestrator's only clockwork, which forgets old tasks once an hour. */
const HOURLY = 1

type Dispatch = Extract<TaskAsk, { type: 'dispatch' }>

/** An orchestrator with one worker, which has room for `room` attempts and takes every order. */
async function setup({ room = 1, order = 'interactive' }: { room?: number; order?: QueueOrder } = {}) {
  const learned: string[] = []
  const clock = new ManualClock()
  const log = new AgreedLog()
  const store = log.peer()
  const worker = { room, seq: 1, reserved: 0, asked: [] as TaskAsk[], refuses: false }
  const answer = (ask: TaskAsk): TaskAnswer => {
    worker.asked.push(ask)
    if (ask.type !== 'dispatch') return { type: 'stopped' }
    const refused = worker.refuses
      ? ask.orders.map(({ task: { id }, attempt }) => ({ task: id, attempt, code: 'busy' as const, message: 'no room' }))
      : []
    return { type: 'dispatched', refused }
  }
  const open = async (): Promise<unknown> => {
    let asked: TaskAsk
    return {
      send: async (ask: TaskAsk) => {
        asked = ask
      },
      end: () => {},
      receive: async () => answer(asked),
      abort: () => {}
    }
  }
  const view = (): PeerView =>
    ({
      profile: { id: BIRCH, capacity: { cpus: 8, memoryBytes: 2 ** 33 } },
      stats: { seq: worker.seq },
      state: 'alive',
      ageMs: 0
    }) as unknown as PeerView
  const orchestrator = new TaskOrchestrator(
    { term: 1, times: TIMES },
    {
      store,
      clock,
      log: createTestLog(),
      transport: { self: BIRCH, open } as unknown as Transport,
      views: () => [view()],
      order: () => order,
      predictMs: ({ spec: { name } }) => Number(name.slice('job-'.length)) || 1_000,
      learn: ({ id }, peer, sharing) => void learned.push(`${id} on ${peer}, sharing ${sharing}`),
      place: ({ spec }, exclude) => {
        const receipt = sampleReceipt({ at: clock.timestamp() })
        if (spec.cpus > view().profile.capacity.cpus) return { worker: null, receipt, reason: 'too large' }
        if (exclude.includes(BIRCH) || worker.reserved >= worker.room) return { worker: null, receipt, reason: 'no room' }
        worker.reserved++
        return { worker: BIRCH, receipt, reason: 'room', sharing: 1.5, reserved: { order: 0, release: () => void worker.reserved-- } }
      }
    }
  )
  store.onChange(task => orchestrator.onTask(task))
  const settle = async (ms = 0): Promise<void> => {
    clock.advance(ms)
    // Commits, orders and answers are a few promises each.
    for (let i = 0; i < 5; i++) await setImmediate()
  }
  await orchestrator.open()
  await orchestrator.onRenew(BIRCH, SESSION, [])
  return {
    clock,
    orchestrator,
    worker,
    learned,
    settle,
    submit: async (id: string, spec: Partial<TaskSpec> = {}, agoMs = 0) => {
      const at = new Date(Date.parse(clock.timestamp()) - agoMs).toISOString()
      await store.commit([sampleSubmit({ id: id as TaskId, at, spec: sampleTaskSpec(spec) })], { signal: new AbortController().signal })
      await settle()
    },
    task: (id: string): TaskRecord | undefined => valueAt(log.tables.tasks, id),
    dispatched: (): readonly string[] =>
      worker.asked.filter((ask): ask is Dispatch => ask.type === 'dispatch').flatMap(({ orders }) => orders.map(({ task }) => task.id)),
    succeed: async (id: string) => {
      await orchestrator.onReport([{ task: id as TaskId, attempt: 1, end: { type: 'succeeded', result: sampleResult() } }])
      await settle()
    },
    [Symbol.asyncDispose]: async () => orchestrator.close()
  }
}

describe('the orchestrator of tasks', () => {
  it('waits for nothing while there are no tasks, and again when all are over', async () => {
    await using it = await setup()
    assert.equal(it.clock.pending, HOURLY)
    await it.submit('t-1')
    await it.succeed('t-1')
    assert.equal(it.task('t-1')?.state, 'succeeded')
    await it.settle(TIMES.orchestratorMs + 10)
    await it.settle()
    assert.equal(it.clock.pending, HOURLY)
  })

  const lines: readonly { order: QueueOrder; waitedMs: number; given: readonly string[] }[] = [
    { order: 'interactive', waitedMs: 500, given: ['t-short', 't-middle', 't-long'] },
    { order: 'batch', waitedMs: 0, given: ['t-long', 't-middle', 't-short'] },
    { order: 'longest', waitedMs: 0, given: ['t-long', 't-middle', 't-short'] },
    // Aged: the short one has waited for so long that nobody passes it any more.
    { order: 'batch', waitedMs: 16_000, given: ['t-short', 't-long', 't-middle'] },
    { order: 'longest', waitedMs: 16_000, given: ['t-long', 't-middle', 't-short'] }
  ]
  for (const { order, waitedMs, given } of lines) {
    it(`gives waiting tasks out in the order of the strategy: ${order}, after ${waitedMs} ms`, async () => {
      await using it = await setup({ room: 0, order })
      // Of unlike needs: tasks that ask for the same wait for the same room.
      await it.submit('t-middle', { name: 'job-20000', cpus: 1 }, waitedMs)
      await it.submit('t-short', { name: 'job-100', cpus: 1, memoryBytes: 2 ** 20 }, waitedMs)
      await it.submit('t-long', { name: 'job-60000', cpus: 1, memoryBytes: 2 ** 21 }, waitedMs)
      it.worker.room = 3
      it.orchestrator.onViews()
      await it.settle()
      assert.deepEqual(it.dispatched(), given)
    })
  }

  it('learns from what brought a result, and knows how far it has shared its cores', async () => {
    await using it = await setup()
    await it.submit('t-1')
    await it.succeed('t-1')
    assert.deepEqual(it.learned, ['t-1 on birch, sharing 1.5'])
  })

  it('gives the next task out as soon as one has ended, with no time in between', async () => {
    await using it = await setup()
    await it.submit('t-1')
    await it.submit('t-2')
    assert.deepEqual(it.dispatched(), ['t-1'])
    await it.succeed('t-1')
    assert.deepEqual(it.dispatched(), ['t-1', 't-2'])
  })

  it('holds room for an attempt until the words of its worker include it, and no longer', async () => {
    await using it = await setup()
    await it.submit('t-1')
    it.orchestrator.onViews()
    assert.equal(it.worker.reserved, 1, 'older words')
    it.worker.seq++
    it.orchestrator.onViews()
    assert.equal(it.worker.reserved, 0, 'newer words')
    await it.succeed('t-1')
    assert.equal(it.worker.reserved, 0)
  })

  it('tries what nobody could have when a worker tells of room, or by itself after a second', async () => {
    await using it = await setup({ room: 0 })
    await it.submit('t-1')
    await it.settle(500)
    assert.deepEqual(it.dispatched(), [])
    it.worker.room = 1
    it.orchestrator.onViews()
    await it.settle()
    assert.deepEqual(it.dispatched(), ['t-1'])
    await it.submit('t-2')
    it.worker.room = 2
    await it.settle(1_001)
    assert.deepEqual(it.dispatched(), ['t-1', 't-2'])
  })

  for (const [what, count, cpusOf] of [
    ['many kinds of tasks', 300, (i: number) => 10 + i],
    ['a long line of tasks', 600, () => 10]
  ] as const) {
    it(`tries a task that stands behind ${what} that nobody can have`, async () => {
      await using it = await setup()
      for (let i = 0; i < count; i++) await it.submit(`t-large-${i}`, { cpus: cpusOf(i) }, 60_000)
      await it.submit('t-1')
      assert.match(it.orchestrator.explain('t-1' as TaskId).reasons.join('\n'), /not offered to any peer yet: \d+ tasks wait/)
      for (let second = 0; second < 5; second++) {
        await it.orchestrator.onRenew(BIRCH, SESSION, [])
        await it.settle(1_001)
      }
      assert.equal(it.dispatched()[0], 't-1')
    })
  }

  it('asks a worker that had no room again half a second later', async () => {
    await using it = await setup()
    it.worker.refuses = true
    await it.submit('t-1')
    it.worker.refuses = false
    assert.equal(it.task('t-1')?.state, 'queued')
    await it.settle(499)
    assert.deepEqual(it.dispatched(), ['t-1'])
    await it.settle(2)
    assert.deepEqual(it.dispatched(), ['t-1', 't-1'])
    assert.equal(it.task('t-1')?.failures, 0)
  })

  it('tries a failed task again after its pause', async () => {
    await using it = await setup()
    await it.submit('t-1')
    const failure = { code: 'function_failed', message: 'exit code 3' } as const
    await it.orchestrator.onReport([{ task: 't-1' as TaskId, attempt: 1, end: { type: 'failed', failure, counts: true, final: false } }])
    await it.settle(999)
    assert.deepEqual(it.dispatched(), ['t-1'])
    await it.settle(2)
    assert.deepEqual(it.dispatched(), ['t-1', 't-1'])
  })

  it('gives up what a silent worker had, when its lease has certainly ended and not before', async () => {
    await using it = await setup()
    await it.submit('t-1')
    await it.settle(TIMES.orchestratorMs)
    assert.equal(it.task('t-1')?.state, 'running')
    await it.settle(1)
    assert.deepEqual([it.task('t-1')?.state, it.task('t-1')?.attempts[0]?.failure?.code], ['queued', 'peer_lost'])
    assert.deepEqual(await it.orchestrator.onRenew(BIRCH, SESSION, []), { type: 'burned' })
  })

  it('puts that off with every renewal', async () => {
    await using it = await setup()
    await it.submit('t-1')
    for (let i = 0; i < 10; i++) {
      await it.settle(TIMES.orchestratorMs - 1)
      await it.orchestrator.onRenew(BIRCH, SESSION, [{ task: 't-1' as TaskId, attempt: 1 }])
    }
    assert.equal(it.task('t-1')?.state, 'running')
    await it.settle(TIMES.orchestratorMs + 1)
    await it.settle()
    assert.equal(it.task('t-1')?.state, 'queued')
  })
})

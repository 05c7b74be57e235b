import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { leaseTimes } from '../../../src/core/tasks/leases.ts'
import { TaskWorker } from '../../../src/daemon/tasks/task-worker.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Runtime } from '../../../src/model/ports/runtime.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { valuesOf } from '../../../src/model/shards.ts'
import type { AttemptReport, TaskAnswer, TaskAsk, TaskOrder, TaskSession } from '../../../src/model/task.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { sampleSubmit, tasksWith } from '../../support/sample-task.ts'
import { createTestLog } from '../../support/test-log.ts'

const ATLAS = 'atlas' as PeerId
const TIMES = leaseTimes({ leaseMs: 10_000, electionMs: 1_000 })

/** A worker whose orchestrator renews its lease unless it is silent, and whose programs run until they are aborted. */
async function setup() {
  const clock = new ManualClock()
  const orchestrator = { isSilent: false, burned: '', renewals: 0 }
  const engine = { ready: true, reason: '' }
  const [task] = valuesOf(tasksWith(sampleSubmit()).tasks)
  assert.ok(task)
  let sessions = 0
  let rooms = 0
  const aborted: string[] = []
  const open = async (): Promise<unknown> => {
    let asked: TaskAsk | undefined
    return {
      send: async (ask: TaskAsk) => {
        asked = ask
      },
      end: () => {},
      receive: async (): Promise<TaskAnswer | undefined> => {
        if (asked?.type === 'renew') orchestrator.renewals += 1
        if (orchestrator.isSilent) return undefined
        if (asked?.type === 'renew') return asked.session === orchestrator.burned ? { type: 'burned' } : { type: 'renewed', stop: [] }
        return { type: 'recorded' }
      },
      abort: () => {}
    }
  }
  const worker = new TaskWorker({
    clock,
    log: createTestLog(),
    times: TIMES,
    runtime: { check: async () => engine } as unknown as Runtime,
    transport: { self: ATLAS, open } as unknown as Transport,
    newSession: () => `s-${++sessions}` as TaskSession,
    orchestrator: () => ATLAS,
    term: () => 1,
    draining: () => false,
    onRoom: () => void rooms++,
    run: async ({ attempt }, { signal }) => {
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      aborted.push(String(attempt))
      const failure = { code: 'stale', message: '' } as const
      return { task: task.id, attempt, end: { type: 'failed', failure, counts: false, final: false } } satisfies AttemptReport
    }
  })
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    for (let i = 0; i < 5; i++) await setImmediate()
  }
  const order = (attempt: number, session = 's-1'): TaskOrder => ({ task, attempt, session: session as TaskSession })
  const refused = (orders: readonly TaskOrder[], term = 1): readonly string[] => {
    const answer = worker.onDispatch(ATLAS, term, orders)
    return answer.type === 'dispatched' ? answer.refused.map(({ code, attempt }) => `${code} ${attempt}`) : [answer.type]
  }
  return {
    clock,
    worker,
    orchestrator,
    engine,
    pass,
    order,
    refused,
    aborted,
    rooms: () => rooms,
    [Symbol.asyncDispose]: async () => worker.stop()
  }
}

describe('a worker of tasks', () => {
  it('does not begin an attempt that it has refused, though it could now: it may be on its way to another', async () => {
    await using it = await setup()
    await it.worker.start()
    assert.deepEqual(it.refused([it.order(1)]), ['stale 1'], 'before the lease has begun')
    await it.pass(0)
    assert.deepEqual(it.refused([it.order(1)]), ['stale 1'], 'after that')
    assert.deepEqual(it.refused([it.order(2)]), [])
    assert.equal(it.worker.running, 1)
  })

  it('does not count against an attempt that an earlier term has ordered it, too', async () => {
    await using it = await setup()
    await it.worker.start()
    await it.pass(0)
    assert.throws(() => it.refused([it.order(1)], 0), { code: 'stale' })
    assert.deepEqual(it.refused([it.order(1)]), [])
  })

  it('ends its work the moment its lease is over, and not while it is renewed', async () => {
    await using it = await setup()
    await it.worker.start()
    await it.pass(0)
    it.refused([it.order(1)])
    for (let i = 0; i < 20; i++) await it.pass(TIMES.renewMs)
    assert.deepEqual(it.aborted, [])
    it.orchestrator.isSilent = true
    await it.pass(TIMES.workerMs - 1)
    assert.deepEqual(it.aborted, [])
    await it.pass(1)
    assert.deepEqual(it.aborted, ['1'])
  })

  it('ends its work when its session was given up, and is another one only when that has certainly ended', async () => {
    await using it = await setup()
    await it.worker.start()
    await it.pass(0)
    it.refused([it.order(1)])
    it.orchestrator.burned = 's-1'
    await it.pass(TIMES.renewMs)
    assert.deepEqual(it.aborted, ['1'])
    assert.deepEqual(it.refused([it.order(2)]), ['stale 2'], 'of the old session')
    await it.pass(999)
    assert.deepEqual(it.refused([it.order(3, 's-2')]), ['stale 3'], 'before its containers are certainly gone')
    await it.pass(1)
    assert.deepEqual(it.refused([it.order(4, 's-2')]), [])
    assert.deepEqual(it.refused([it.order(5)]), ['stale 5'], 'of the old session, when there is another: it was given up with that')
  })

  it('does not say that it is another one before its engine has answered: programs of its earlier life may still run', async () => {
    await using it = await setup()
    it.engine.ready = false
    await it.worker.start()
    await it.pass(TIMES.renewMs)
    assert.equal(it.orchestrator.renewals, 0)
    it.engine.ready = true
    await it.pass(TIMES.renewMs)
    assert.equal(it.orchestrator.renewals, 1)
  })

  it('tells of its room whenever an attempt begins or ends', async () => {
    await using it = await setup()
    await it.worker.start()
    await it.pass(0)
    it.refused([it.order(1)])
    assert.equal(it.rooms(), 1)
    it.worker.onStop(1, [{ task: it.order(1).task.id, attempt: 1 }])
    await it.pass(0)
    assert.equal(it.rooms(), 2)
  })
})

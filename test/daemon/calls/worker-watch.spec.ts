import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Breaker } from '../../../src/daemon/calls/breaker.ts'
import { WorkerWatch } from '../../../src/daemon/calls/worker-watch.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Clock } from '../../../src/model/ports/clock.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { untilAborted } from '../../../src/model/until-aborted.ts'
import { dial } from '../../support/dial.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { createTestLog } from '../../support/test-log.ts'

const SELF = '12D3KooWSelf' as PeerId
const WORKER = '12D3KooWWorker' as PeerId
const LEADER = '12D3KooWLeader' as PeerId
const OTHER = '12D3KooWOther' as PeerId
const LOOK_MS = 250
const END_AFTER_MS = 3_000

describe('WorkerWatch', () => {
  let clock: ManualClock
  let silentWorkers: Breaker
  let watch: WorkerWatch
  let busy: PeerId[]
  let connected: PeerId[]
  /** Peers that answer nothing now. */
  let frozen: Set<PeerId>
  /** Resolves when they look again. */
  let thaw: PromiseWithResolvers<void>
  /** What those that were asked say of the worker. */
  let hearsWorker: Map<PeerId, boolean>
  let asked: string[]
  let told: { worker: PeerId; isConfirmed: boolean }[]
  let consensusSilentMs: number

  const createWatch = (by: Clock = clock): WorkerWatch => {
    const transport = {
      self: SELF,
      connected: () => connected,
      open: async (_: string, peer: PeerId, { signal }: { signal: AbortSignal }) => {
        if (!connected.includes(peer)) throw new CaresError('peer_unreachable', 'it cannot be reached')
        return dial('control', peer, async channel => {
          const request = await channel.receive()
          assert.equal(request?.type, 'reach')
          asked.push(request.peer === undefined ? peer : `${peer} about ${request.peer}`)
          while (frozen.has(peer)) await untilAborted(thaw.promise, AbortSignal.any([signal, channel.signal]))
          await channel.send({ type: 'reached', reached: request.peer === undefined || hearsWorker.get(peer) === true })
        }).channel
      }
    } as unknown as Transport
    return new WorkerWatch(
      { endAfterMs: END_AFTER_MS },
      {
        transport,
        clock: by,
        log: createTestLog(),
        orchestrator: () => LEADER,
        silentMs: peer => (peer === WORKER ? consensusSilentMs : Number.POSITIVE_INFINITY),
        silentWorkers,
        workers: () => busy,
        isIdle: () => busy.length === 0,
        onSilent: (worker, { isConfirmed }) => told.push({ worker, isConfirmed })
      }
    )
  }

  /** Lets time pass look by look, and what is said meanwhile arrive. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += LOOK_MS / 5) {
      clock.advance(LOOK_MS / 5)
      for (let i = 0; i < 6; i++) await turn()
    }
  }
  const freeze = (...peers: PeerId[]): void => peers.forEach(peer => frozen.add(peer))

  beforeEach(() => {
    clock = new ManualClock()
    silentWorkers = new Breaker({ openMs: 2_000 }, { clock })
    busy = [WORKER]
    connected = [LEADER, OTHER, WORKER]
    frozen = new Set()
    thaw = Promise.withResolvers()
    thaw.promise.catch(() => {})
    hearsWorker = new Map()
    asked = []
    told = []
    consensusSilentMs = Number.POSITIVE_INFINITY
    watch = createWatch()
  })

  afterEach(() => watch.stop())

  it('asks a worker of long calls now and then, and is content with any answer', async () => {
    watch.wake()
    await pass(10_000)
    assert.deepEqual([...new Set(asked)], [WORKER])
    assert.ok(asked.length <= 40, `${asked.length} questions in 10 s`)
    assert.deepEqual(told, [])
    assert.equal(silentWorkers.isOpen(WORKER), false)
  })

  it('asks nothing of a worker that consensus hears, and sets no timer once nothing is in flight', async () => {
    consensusSilentMs = 200
    watch.wake()
    watch.wake()
    assert.equal(clock.pending, 1)
    await pass(2_000)
    assert.deepEqual(asked, [])
    busy = []
    await pass(LOOK_MS)
    assert.equal(clock.pending, 0)
  })

  it('tells within a second that a worker has fallen silent, and first keeps new calls from it', async () => {
    watch.wake()
    await pass(1_000)
    freeze(WORKER)
    await pass(DOUBTED_AFTER_MS)
    assert.equal(silentWorkers.isOpen(WORKER), true)
    assert.deepEqual(told, [])
    await pass(1_000 - DOUBTED_AFTER_MS)
    assert.deepEqual(told, [{ worker: WORKER, isConfirmed: false }])
  })

  it('confirms after the silence that makes a peer suspect, when others do not hear the worker either', async () => {
    freeze(WORKER)
    watch.wake()
    await pass(END_AFTER_MS - LOOK_MS)
    assert.deepEqual(new Set(asked), new Set([WORKER, `${LEADER} about ${WORKER}`, `${OTHER} about ${WORKER}`]))
    assert.ok(told.every(({ isConfirmed }) => !isConfirmed))
    await pass(2 * LOOK_MS)
    assert.equal(told.at(-1)?.isConfirmed, true)
  })

  for (const [what, setUp] of [
    ['another peer hears the worker', () => hearsWorker.set(LEADER, true)],
    ['nobody else answers: this peer may be the one that is cut off', () => freeze(LEADER, OTHER)]
  ] as const) {
    it(`confirms nothing while ${what}`, async () => {
      setUp()
      freeze(WORKER)
      watch.wake()
      await pass(8_000)
      assert.ok(told.length > 0)
      assert.ok(told.every(({ isConfirmed }) => !isConfirmed))
    })
  }

  it('goes by its own word where there is nobody else to ask', async () => {
    connected = [WORKER]
    freeze(WORKER)
    watch.wake()
    await pass(END_AFTER_MS + 2 * LOOK_MS)
    assert.equal(told.at(-1)?.isConfirmed, true)
  })

  it('gives a worker new calls as soon as it is heard again, and more time from then on', async () => {
    freeze(WORKER)
    watch.wake()
    await pass(1_250)
    const before = told.length
    assert.ok(before > 0)
    frozen.clear()
    thaw.resolve()
    await pass(LOOK_MS)
    assert.equal(silentWorkers.isOpen(WORKER), false)
    thaw = Promise.withResolvers()
    freeze(WORKER)
    await pass(2_000)
    assert.equal(told.length, before, 'it was silent for more than a second before, and alive')
    await pass(1_500)
    assert.ok(told.length > before)
  })

  it('goes on asking a silent worker when its calls have gone, until it is no longer connected', async () => {
    freeze(WORKER)
    watch.wake()
    await pass(1_250)
    busy = []
    await pass(5_000)
    assert.equal(silentWorkers.isOpen(WORKER), true, 'no call is to try it out')
    connected = [LEADER, OTHER]
    await pass(2 * LOOK_MS)
    const before = asked.length
    await pass(3_000)
    assert.equal(asked.length, before)
    assert.equal(silentWorkers.isOpen(WORKER), false, 'whether it can be dialled again is for its next call to see')
  })

  it('blames nobody for the time in which this process stood still', async () => {
    let looks: (() => void | Promise<void>) | undefined
    let stoodStillMs = 0
    watch = createWatch({
      timestamp: () => clock.timestamp(),
      timeout: ms => clock.timeout(ms),
      sleep: (ms, options) => clock.sleep(ms, options),
      after: (ms, task) => clock.after(ms, task),
      nowMs: () => clock.nowMs() + stoodStillMs,
      every: (_, task) => {
        looks = task
        return { [Symbol.dispose]: () => (looks = undefined) }
      }
    })
    freeze(WORKER)
    watch.wake()
    const look = async (afterMs: number): Promise<void> => {
      stoodStillMs += afterMs
      await looks?.()
      for (let i = 0; i < 6; i++) await turn()
    }
    await look(LOOK_MS)
    await look(20_000)
    await look(20_000)
    assert.deepEqual(told, [])
    await look(LOOK_MS)
    assert.equal(told.length, 1, 'by looks it is silent, by now')
  })

  it('asks no more than ten workers at a look, each in its turn', async () => {
    busy = Array.from({ length: 25 }, (_, i) => `12D3KooWorker${i}` as PeerId)
    connected = busy
    watch.wake()
    await pass(LOOK_MS)
    assert.equal(asked.length, 10)
    await pass(2 * LOOK_MS)
    assert.equal(new Set(asked).size, 25)
  })
})

/** From the freeze to the first look, at which it is asked, and the time that it may owe its answer. */
const DOUBTED_AFTER_MS = LOOK_MS + 500

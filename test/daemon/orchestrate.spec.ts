import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { EventLog } from '../../src/daemon/event-log.ts'
import { Orchestrator, type OrchestratorComponents } from '../../src/daemon/orchestrate.ts'
import { CaresError, type ErrorCode } from '../../src/model/errors.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { ExecuteDown, ExecuteUp, InvokeDown } from '../../src/model/invocation.ts'
import type { RejectionReason } from '../../src/model/placement.ts'
import type { Channel, Transport } from '../../src/model/ports/transport.ts'
import { toRemoteError } from '../../src/model/remote-error.ts'
import { dial, type Dialled } from '../support/dial.ts'
import { ATLAS, BIRCH, sampleReceipt, sampleStats } from '../support/fake-service.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { sampleCall } from '../support/messages.ts'
import { sampleFunction } from '../support/samples.ts'
import { createTestLog } from '../support/test-log.ts'

const FIRST = '12D3KooWFirst' as PeerId
const SECOND = '12D3KooWSecond' as PeerId
const USAGE = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: 1, bytesOut: 2 }

type WorkChannel = Channel<ExecuteDown, ExecuteUp>
type Order = Extract<ExecuteUp, { type: 'order' }>['order']

async function answer(channel: WorkChannel): Promise<void> {
  await channel.send({ type: 'answer', head: { status: 200, headers: [], start: 'warm' } })
  await channel.send({ type: 'body', chunk: Buffer.from('ok') })
  await channel.send({ type: 'answer-end', end: { usage: USAGE } })
}

async function refuse(channel: WorkChannel, code: ErrorCode, started = false): Promise<void> {
  await channel.send({ type: 'failed', error: toRemoteError(new CaresError(code, `scripted ${code}`), { started }) })
}

describe('Orchestrator', () => {
  let clock: ManualClock
  let orchestrator: Orchestrator
  let active: boolean
  let term: number
  /** Workers to choose, in this order; those excluded are passed over. */
  let candidates: PeerId[]
  let rejection: RejectionReason
  let fits: boolean
  let reserved: number
  let observed: number
  let orders: { worker: PeerId; order: Order }[]
  let behave: (channel: WorkChannel, worker: PeerId, order: Order) => Promise<void>
  let lanes: Dialled<'execute'>[]
  let corrected: unknown[]

  beforeEach(() => {
    clock = createManualClock()
    active = true
    term = 3
    candidates = [FIRST, SECOND]
    rejection = 'slots'
    fits = true
    reserved = 0
    observed = 0
    orders = []
    lanes = []
    corrected = []
    behave = answer
    const placer: OrchestratorComponents['placer'] = {
      place: (_, call, options) => {
        const chosen = candidates.find(peer => !options.exclude.includes(peer)) ?? null
        const verdicts = [FIRST, SECOND].map(peer => ({
          peer,
          fits: false as const,
          reason: options.exclude.includes(peer) ? ('excluded' as const) : rejection
        }))
        const decision = { chosen, verdicts, skipped: 0, rejected: {} }
        return {
          ...sampleReceipt(),
          term,
          placement: call.fallback ? 'fallback' : 'orchestrator',
          round: call.round,
          try: options.try,
          decision
        }
      },
      reserve: () => {
        reserved++
        let released = false
        return {
          order: 1,
          release: () => {
            if (!released) reserved--
            released = true
          }
        }
      },
      session: () => 7,
      couldFit: () => fits,
      observe: () => void observed++,
      correct: (worker, session, stats) => void corrected.push([worker, session, stats])
    }
    const transport = {
      self: ATLAS,
      open: async (_: 'execute', worker: PeerId) => {
        const lane = dial('execute', worker, async channel => {
          const first = await channel.receive()
          assert.equal(first?.type, 'order')
          orders.push({ worker, order: first.order })
          await behave(channel, worker, first.order)
        })
        lanes.push(lane)
        return lane.channel
      }
    } as unknown as Transport
    orchestrator = new Orchestrator({
      transport,
      placer,
      clock,
      log: createTestLog(),
      events: new EventLog({ clock }),
      office: {
        isActive: () => active,
        orchestrator: () => (active ? ATLAS : SECOND),
        function: () => sampleFunction(),
        hasApplied: () => true,
        applied: async () => {}
      }
    })
  })

  async function call(remote = BIRCH, changes: { fallback?: boolean; body?: Uint8Array | undefined } = {}): Promise<Dialled<'invoke'>> {
    const lane = dial('invoke', remote, channel => orchestrator.serve(channel))
    await lane.channel.send({ ...(sampleCall(Buffer.from('hi')) as Extract<ReturnType<typeof sampleCall>, { type: 'call' }>), ...changes })
    return lane
  }

  /** Reads to the end and acknowledges every placement. */
  async function finish({ channel }: Dialled<'invoke'>): Promise<InvokeDown[]> {
    const messages: InvokeDown[] = []
    for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
      messages.push(message)
      if (message.type === 'placed') await channel.send({ type: 'placed-ack', attempt: message.attempt })
    }
    return messages
  }

  const typesOf = (messages: readonly InvokeDown[]): string[] => messages.map(({ type }) => type)

  function codeOf(messages: readonly InvokeDown[]): string | undefined {
    const last = messages.at(-1)
    return last?.type === 'failed' ? `${last.error.code}, started: ${last.error.started}` : undefined
  }

  async function turns(): Promise<void> {
    for (let i = 0; i < 5; i++) await turn()
  }

  afterEach(() => assert.equal(reserved, 0, 'a reservation was not released'))

  it('tells the gateway of the worker, and gives no order before the acknowledgement', async () => {
    const lane = await call()
    const placed = await lane.channel.receive()
    assert.equal(placed?.type, 'placed')
    await turns()
    assert.equal(orders.length, 0)
    assert.equal(reserved, 1, 'calls placed meanwhile must see this one')
    await lane.channel.send({ type: 'placed-ack', attempt: placed.attempt })
    assert.deepEqual(typesOf(await finish(lane)), ['answer', 'body', 'answer-end'])
    assert.deepEqual(
      orders.map(({ worker, order }) => [worker, order.attempt, order.session, order.term]),
      [[FIRST, { round: 1, try: 1 }, 7, 3]]
    )
    assert.equal(observed, 1)
  })

  it('gives no order when another attempt is acknowledged', async () => {
    const lane = await call()
    await lane.channel.receive()
    await lane.channel.send({ type: 'placed-ack', attempt: { round: 1, try: 2 } })
    assert.equal(codeOf(await finish(lane)), 'protocol, started: false')
    assert.equal(orders.length, 0)
  })

  it('gives no order when the gateway leaves before it acknowledges', async () => {
    const lane = await call()
    await lane.channel.receive()
    lane.channel.abort(new CaresError('cancelled', 'the client went away'))
    await turns()
    assert.equal(orders.length, 0)
  })

  it('tells of each further worker, too, before it tries it', async () => {
    behave = (channel, worker) => (worker === FIRST ? refuse(channel, 'busy') : answer(channel))
    const messages = await finish(await call())
    assert.deepEqual(typesOf(messages), ['placed', 'placed', 'answer', 'body', 'answer-end'])
    assert.deepEqual(
      messages.flatMap(message => (message.type === 'placed' ? [[message.worker, message.attempt.try]] : [])),
      [
        [FIRST, 1],
        [SECOND, 2]
      ]
    )
  })

  it('takes over what a worker says of itself that refuses, before it chooses again', async () => {
    const stats = sampleStats({ running: 4 })
    behave = async (channel, worker) => {
      if (worker === SECOND) {
        assert.deepEqual(corrected, [[FIRST, 7, stats]])
        return answer(channel)
      }
      const error = toRemoteError(new CaresError('busy', 'scripted busy'), { started: false })
      await channel.send({ type: 'failed', error, stats })
    }
    assert.deepEqual(typesOf(await finish(await call())).slice(0, 3), ['placed', 'placed', 'answer'])
  })

  it('learns nothing from a run of which a good part was lost', async () => {
    const usage = { queueMs: 0, pullMs: 0, startMs: 0, runMs: 9_000, bytesIn: 2, bytesOut: 2, disturbed: true } as const
    behave = async channel => {
      await channel.send({
        type: 'answer',
        head: { status: 200, headers: [], start: 'warm' },
        whole: { body: Buffer.from('hi'), end: { usage } }
      })
    }
    await finish(await call())
    assert.equal(observed, 0)
  })

  it('tries no other worker after one has withdrawn the call', async () => {
    behave = channel => refuse(channel, 'withdrawn')
    assert.equal(codeOf(await finish(await call())), 'withdrawn, started: false')
    assert.equal(orders.length, 1)
  })

  it('tries no other worker once the work may have started', async () => {
    behave = async () => {
      lanes.at(-1)?.cut()
      await turn()
    }
    assert.equal(codeOf(await finish(await call())), 'peer_lost, started: true')
    assert.equal(orders.length, 1)
  })

  it('tries no other worker once the body is on its way', async () => {
    behave = async channel => {
      await channel.send({ type: 'accepted' })
      await refuse(channel, 'busy')
    }
    const lane = await call(BIRCH, { body: undefined })
    assert.equal(codeOf(await finish(lane)), 'busy, started: false')
    assert.equal(orders.length, 1)
  })

  it('gives up at once when no peer could ever take the work', async () => {
    candidates = []
    fits = false
    assert.equal(codeOf(await finish(await call())), 'no_capacity, started: false')
  })

  for (const lasting of ['not_alive', 'not_pinned', 'no_runtime', 'draining'] as const) {
    it(`does not wait for a cure of ${lasting}`, async () => {
      candidates = []
      rejection = lasting
      assert.equal(codeOf(await finish(await call())), 'no_capacity, started: false')
    })
  }

  it('waits while all are only short of room, and places when there is some', async () => {
    candidates = []
    const answered = finish(await call())
    await turns()
    assert.equal(orchestrator.waiting, 1)
    candidates = [SECOND]
    orchestrator.onRoom()
    assert.equal(typesOf(await answered).at(-1), 'answer-end')
  })

  it('asks busy workers again after it has waited', async () => {
    let refusals = 2
    behave = channel => (refusals-- > 0 ? refuse(channel, 'busy') : answer(channel))
    const answered = finish(await call())
    await turns()
    assert.equal(orchestrator.waiting, 1)
    orchestrator.onRoom()
    assert.equal(typesOf(await answered).at(-1), 'answer-end')
  })

  it('ends a call that found no room at its deadline', async () => {
    candidates = []
    const answered = finish(await call())
    for (let i = 0; i < 61; i++) {
      await turns()
      clock.advance(500)
    }
    assert.equal(codeOf(await answered), 'timeout, started: false')
    assert.equal(orchestrator.waiting, 0)
  })

  it('places nothing any more once another peer leads, however long the call has waited', async () => {
    candidates = []
    const answered = finish(await call())
    await turns()
    active = false
    term = 4
    candidates = [FIRST]
    orchestrator.onRoom()
    assert.equal(codeOf(await answered), 'not_orchestrator, started: false')
    assert.equal(orders.length, 0)
  })

  it('orders in the term in which it placed, not in one that it has heard of since', async () => {
    const lane = await call()
    const placed = await lane.channel.receive()
    assert.equal(placed?.type, 'placed')
    term = 4
    await lane.channel.send({ type: 'placed-ack', attempt: placed.attempt })
    await finish(lane)
    assert.equal(orders[0]?.order.term, 3)
  })

  it('places by fallback for its own gateway only', async () => {
    active = false
    assert.equal(codeOf(await finish(await call(BIRCH, { fallback: true }))), 'protocol, started: false')
    assert.equal(typesOf(await finish(await call(ATLAS, { fallback: true }))).at(-1), 'answer-end')
    assert.equal(codeOf(await finish(await call(ATLAS))), 'not_orchestrator, started: false')
  })

  it('cancels the work when the gateway goes away', async () => {
    const ended = Promise.withResolvers<CaresError>()
    behave = async channel => {
      await channel.receive().catch((err: unknown) => ended.resolve(err as CaresError))
    }
    const lane = await call()
    const reading = finish(lane).catch(() => [])
    while (orders.length === 0) await turn()
    lane.channel.abort(new CaresError('cancelled', 'the client went away'))
    await reading
    assert.equal((await ended.promise).code, 'cancelled')
  })

  it('does not hold a call for a gateway that is silent beyond the deadline', async () => {
    const lane = await call()
    await turns()
    clock.advance(30_000 + 2_000)
    await turns()
    assert.equal(reserved, 0)
    assert.equal((lane.channel.signal.reason as CaresError).code, 'timeout')
  })
})

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { InvocationBook } from '../../../src/daemon/calls/invocation-book.ts'
import { Gateway } from '../../../src/daemon/calls/invoke.ts'
import { OrchestratorWatch } from '../../../src/daemon/members/orchestrator-watch.ts'
import { CaresError, type ErrorCode } from '../../../src/model/errors.ts'
import type { InvocationId, PeerId } from '../../../src/model/ids.ts'
import type { AnswerDown, ExecuteDown, ExecuteUp, InvokeDown, InvokeUp, Order } from '../../../src/model/invocation.ts'
import type { Channel, Transport } from '../../../src/model/ports/transport.ts'
import type { InvocationAnswer, InvocationRequest } from '../../../src/model/service.ts'
import { toRemoteError } from '../../../src/model/remote-error.ts'
import { untilAborted } from '../../../src/model/until-aborted.ts'
import { dial, type Dialled } from '../../support/dial.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ATLAS, sampleFunction, sampleReceipt, sampleStats } from '../../support/samples.ts'
import { createTestLog } from '../../support/test-log.ts'

const LEADER = '12D3KooWLeader' as PeerId
const WORKER = '12D3KooWWorker' as PeerId
const OTHER = '12D3KooWOther' as PeerId
const SESSION = 7
const USAGE = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: 1, bytesOut: 2 }
const ANSWER: readonly AnswerDown[] = [
  { type: 'answer', head: { status: 200, headers: [], start: 'warm' } },
  { type: 'body', chunk: Buffer.from('ok') },
  { type: 'answer-end', end: { usage: USAGE } }
]

type Call = Extract<InvokeUp, { type: 'call' }>
type Told = Exclude<InvokeUp, { type: 'call' }>
type PlacerChannel = Channel<InvokeDown, InvokeUp>
type WorkChannel = Channel<ExecuteDown, ExecuteUp>
type Placing = (channel: PlacerChannel, call: Call, lane: () => Dialled<'invoke'>) => Promise<void>
type Working = (channel: WorkChannel, order: Order, lane: () => Dialled<'execute'>) => Promise<void>

function failed(code: ErrorCode, started: boolean): Extract<AnswerDown, { type: 'failed' }> {
  return { type: 'failed', error: toRemoteError(new CaresError(code, `scripted ${code}`), { started }) }
}

async function send<Message>(channel: { send(message: Message): Promise<void> }, messages: readonly Message[]): Promise<void> {
  for (const message of messages) await channel.send(message)
}

/** A body whose client goes silent after these chunks. */
async function* silentAfter(...chunks: string[]): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) yield Buffer.from(chunk)
  await new Promise(() => {})
}

describe('Gateway', () => {
  let clock: ManualClock
  let gateway: Gateway
  let watch: OrchestratorWatch
  let silentMs: number
  let book: InvocationBook
  let idempotent: boolean
  /** Who was asked to place, in order. */
  let asked: { peer: PeerId; call: Call }[]
  /** What placers were told of their places. */
  let told: Told[]
  /** What was ordered, and from whom. */
  let orders: { worker: PeerId; order: Order }[]
  let attaches: Extract<ExecuteUp, { type: 'attach' }>[]
  /** Workers to which an exchange was opened, or should have been. */
  let dialled: PeerId[]
  /** Workers that refuse every connection, and those that answer none. */
  let unreachable: Set<PeerId>
  let silent: Set<PeerId>
  /** Workers that have frozen: they answer no question any more, and nobody hears them. */
  let frozen: Set<PeerId>
  /** What the leader does, and what this peer does by fallback. */
  let lead: Placing
  let fallBack: Placing
  /** What a worker does with an order, and with an attach. */
  let work: Working
  let onAttach: (channel: WorkChannel, lane: () => Dialled<'execute'>) => Promise<void>

  /** Places on each of these workers, until one does not refuse. */
  const placesOn =
    (...workers: PeerId[]): Placing =>
    async (channel, { round }) => {
      for (const [i, worker] of workers.entries()) {
        const attempt = { round, try: i + 1 }
        const receipt = sampleReceipt(attempt)
        await channel.send({ type: 'placed', worker, session: SESSION, attempt, term: 3, order: 40 + i, receipt })
        const end = await channel.receive()
        assert.ok(end !== undefined && end.type !== 'call')
        assert.deepEqual(end.attempt, attempt)
        told.push(end)
        if (end.type === 'done') return
      }
      await channel.send({ type: 'failed', error: toRemoteError(new CaresError('no_capacity', 'nobody is left'), { started: false }) })
    }
  const answering: Working = channel => send(channel, ANSWER)
  /** The connection breaks before a word of the worker has come. */
  const cutOff: Working = async (_channel, _order, lane) => lane().cut()

  beforeEach(() => {
    clock = new ManualClock()
    silentMs = 0
    watch = new OrchestratorWatch({ clock, silentMs: () => silentMs, lostAfterMs: () => 800 })
    idempotent = false
    asked = []
    told = []
    orders = []
    attaches = []
    dialled = []
    unreachable = new Set()
    silent = new Set()
    frozen = new Set()
    lead = placesOn(WORKER)
    fallBack = placesOn(WORKER)
    work = answering
    onAttach = channel => send(channel, ANSWER)
    const transport = {
      self: ATLAS,
      connected: () => [LEADER, WORKER, OTHER],
      open: async (protocol: 'invoke' | 'execute' | 'control', peer: PeerId, { signal }: { signal: AbortSignal }) => {
        if (protocol === 'invoke') {
          const lane: Dialled<'invoke'> = dial('invoke', peer, async channel => {
            const call = await channel.receive()
            assert.equal(call?.type, 'call')
            asked.push({ peer, call })
            await (peer === ATLAS ? fallBack : lead)(channel, call, () => lane)
          })
          return lane.channel
        }
        if (protocol === 'control') {
          return dial('control', peer, async channel => {
            const request = await channel.receive()
            assert.equal(request?.type, 'reach')
            if (frozen.has(peer)) await untilAborted(new Promise(() => {}), channel.signal)
            await channel.send({ type: 'reached', reached: !frozen.has(request.peer ?? peer) })
          }).channel
        }
        dialled.push(peer)
        if (silent.has(peer)) await untilAborted(new Promise(() => {}), signal)
        if (unreachable.has(peer)) throw new CaresError('peer_unreachable', `${peer} is out of reach`, { retryable: true })
        const lane: Dialled<'execute'> = dial('execute', peer, async channel => {
          const first = await channel.receive()
          if (first?.type === 'attach') {
            attaches.push(first)
            await onAttach(channel, () => lane)
          } else {
            assert.equal(first?.type, 'order')
            orders.push({ worker: peer, order: first.order })
            await work(channel, first.order, () => lane)
          }
        })
        return lane.channel
      }
    } as unknown as Transport
    book = new InvocationBook({ clock })
    let id = 0
    gateway = new Gateway({
      transport,
      clock,
      log: createTestLog(),
      watch,
      orchestrator: () => LEADER,
      random: () => 0,
      book,
      events: new EventLog({ clock }),
      newInvocationId: () => `i-${String(++id).padStart(26, '0')}` as InvocationId,
      findFunction: async () => sampleFunction({ idempotent }),
      resolvePeer: peer => peer as PeerId,
      appliedIndex: () => 0,
      silentMs: () => Number.POSITIVE_INFINITY,
      suspectAfterMs: 3_000
    })
  })

  function request(changes: Partial<InvocationRequest> = {}): InvocationRequest {
    const body = (async function* () {
      yield Buffer.from('hi')
    })()
    return { function: 'thumb', head: { method: 'POST', path: '/', query: '', headers: [], bodyBytes: 2 }, body, ...changes }
  }

  const invoke = (changes: Partial<InvocationRequest> = {}, signal = new AbortController().signal): Promise<InvocationAnswer> =>
    gateway.invoke(request(changes), { signal })

  async function outputOf(answer: Promise<InvocationAnswer>): Promise<string> {
    return Buffer.concat(await Array.fromAsync((await answer).body)).toString()
  }

  /** Lets time pass for attaches, whose jitter is a sleep. */
  async function settle<T>(promise: Promise<T>): Promise<T> {
    const pending = new Set([promise])
    const done = promise.finally(() => pending.clear())
    done.catch(() => {})
    for (let i = 0; i < 1_000 && pending.size > 0; i++) {
      await turn()
      clock.advance(0)
    }
    return done
  }

  /** Lets time pass in small steps, and what is said meanwhile arrive; gives back how much of it the call took. */
  const passUntil = async (over: Promise<unknown>, msMax: number): Promise<number> => {
    const state = { isOver: false }
    const end = (): boolean => (state.isOver = true)
    over.then(end, end)
    let passedMs = 0
    for (; passedMs < msMax && !state.isOver; passedMs += 50) {
      clock.advance(50)
      for (let i = 0; i < 10; i++) await turn()
    }
    return passedMs
  }

  const placers = (): readonly PeerId[] => asked.map(({ peer }) => peer)

  afterEach(() => assert.equal(gateway.inFlight, 0, 'a call was not ended'))

  describe('when the worker falls silent, though its connection stands', () => {
    /** It has begun, and freezes. */
    const freezes: Working = async channel => {
      frozen.add(WORKER)
      await untilAborted(new Promise(() => {}), channel.signal)
    }

    it('places a call that may be repeated elsewhere, within little more than a second', async () => {
      idempotent = true
      lead = async (channel, call, lane) => placesOn(...(call.round === 1 ? [WORKER] : [WORKER, OTHER]))(channel, call, lane)
      let cancelledBy: unknown
      work = async (channel, order, lane) => {
        if (order.attempt.round > 1) return send(channel, ANSWER)
        channel.signal.addEventListener('abort', () => void (cancelledBy = channel.signal.reason))
        return freezes(channel, order, lane)
      }
      const answer = outputOf(invoke())
      const tookMs = await passUntil(answer, 5_000)
      assert.equal(await answer, 'ok')
      assert.ok(tookMs <= 1_300, `${tookMs} ms`)
      assert.deepEqual(
        orders.map(({ worker }) => worker),
        [WORKER, OTHER]
      )
      assert.equal((cancelledBy as CaresError).code, 'cancelled', 'should it thaw, it is to stop')
    })

    it('keeps any other until others say the same, then ends it without a second order', async () => {
      work = freezes
      const answer = outputOf(invoke())
      const tookMs = await passUntil(answer, 10_000)
      await assert.rejects(answer, (error: CaresError) => error.code === 'peer_lost' && error.details['execution'] === 'unknown')
      assert.ok(tookMs >= 3_000 && tookMs <= 3_500, `${tookMs} ms`)
      assert.deepEqual([orders.length, attaches.length], [1, 0])
    })

    it('gives a call its answer when the worker comes back before that', async () => {
      const thawed = Promise.withResolvers<void>()
      work = async channel => {
        frozen.add(WORKER)
        await thawed.promise
        await send(channel, ANSWER)
      }
      const answer = outputOf(invoke())
      await passUntil(answer, 2_500)
      frozen.clear()
      thawed.resolve()
      assert.equal(await answer, 'ok')
      assert.equal(orders.length, 1)
    })

    it('ends an answer that had begun, which nobody can begin anew', async () => {
      idempotent = true
      work = async (channel, order, lane) => {
        await send(channel, ANSWER.slice(0, 2))
        await freezes(channel, order, lane)
      }
      const reading = invoke().then(answer => Array.fromAsync(answer.body))
      const tookMs = await passUntil(reading, 10_000)
      await assert.rejects(reading, { code: 'peer_lost' })
      assert.ok(tookMs >= 3_000, `${tookMs} ms`)
      assert.equal(orders.length, 1)
    })

    it('orders nothing from it while it is silent, and again once it is heard', async () => {
      idempotent = true
      lead = placesOn(WORKER, OTHER)
      work = async (channel, order, lane) => (orders.length === 1 ? freezes(channel, order, lane) : send(channel, ANSWER))
      const first = outputOf(invoke())
      await passUntil(first, 5_000)
      await first
      dialled.length = 0
      await outputOf(invoke())
      assert.deepEqual(dialled, [OTHER])
    })
  })

  it('places again by itself, in the next round, when the orchestrator is lost before it placed', async () => {
    lead = async (_channel, _call, lane) => lane().cut()
    const answer = await settle(invoke())
    assert.equal(await outputOf(Promise.resolve(answer)), 'ok')
    assert.deepEqual(placers(), [LEADER, ATLAS])
    assert.deepEqual(
      asked.map(({ call }) => [call.round, call.fallback]),
      [
        [1, false],
        [2, true]
      ]
    )
  })

  it('orders from the worker what was placed there, and tells the placer how it ended', async () => {
    assert.equal(await outputOf(invoke()), 'ok')
    const [{ worker, order } = {}] = orders
    assert.equal(worker, WORKER)
    assert.deepEqual(
      [order?.session, order?.term, order?.placer, order?.order, order?.attempt, order?.placement],
      [SESSION, 3, LEADER, 40, { round: 1, try: 1 }, 'orchestrator']
    )
    assert.equal(Buffer.from(order?.body ?? []).toString(), 'hi')
    await turn()
    assert.deepEqual(told, [{ type: 'done', attempt: { round: 1, try: 1 }, run: { start: 'warm', usage: USAGE }, untypical: false }])
  })

  it('says to the placer no more of a call than placing it needs', async () => {
    const headers = [
      ['x-cares-params', 'n=1'],
      ['authorization', 'Bearer secret'],
      ['traceparent', '00-1']
    ] as const
    await outputOf(invoke({ head: { method: 'POST', path: '/secret', query: '', headers, bodyBytes: 2 } }))
    const call = asked[0]?.call
    assert.deepEqual(call?.headers, [headers[0], headers[2]])
    assert.equal(call?.inputBytes, 2)
    assert.doesNotMatch(JSON.stringify(call), /secret/)
  })

  it('orders the revision that was placed, where that is another than it knows', async () => {
    const newer = sampleFunction({ revision: 2 })
    lead = async (channel, { round, revision }) => {
      assert.equal(revision, 1)
      const attempt = { round, try: 1 }
      await channel.send({
        type: 'placed',
        worker: WORKER,
        session: SESSION,
        attempt,
        term: 3,
        order: 1,
        receipt: sampleReceipt(),
        function: newer
      })
      await channel.receive()
    }
    assert.equal(await outputOf(invoke()), 'ok')
    assert.equal(orders[0]?.order.function.revision, 2)
  })

  it('goes on when its placer is lost after it placed, and asks nobody again', async () => {
    const isLost = Promise.withResolvers<void>()
    lead = async (channel, { round }, lane) => {
      const attempt = { round, try: 1 }
      await channel.send({ type: 'placed', worker: WORKER, session: SESSION, attempt, term: 3, order: 1, receipt: sampleReceipt() })
      await eventually('an order', () => orders.length > 0)
      lane().cut()
      isLost.resolve()
    }
    work = async channel => {
      await isLost.promise
      await send(channel, ANSWER)
    }
    assert.equal(await outputOf(invoke()), 'ok')
    assert.deepEqual(placers(), [LEADER])
    assert.equal(attaches.length, 0)
  })

  it('has a call placed elsewhere, by the same placer, when the worker refuses it', async () => {
    lead = placesOn(WORKER, OTHER)
    work = async (channel, order) => {
      const stats = sampleStats()
      await (order.attempt.try === 1 ? channel.send({ ...failed('busy', false), stats }) : send(channel, ANSWER))
    }
    assert.equal(await outputOf(invoke()), 'ok')
    await turn()
    assert.deepEqual(
      orders.map(({ worker }) => worker),
      [WORKER, OTHER]
    )
    assert.deepEqual(
      told.map(({ type }) => type),
      ['refused', 'done']
    )
    assert.deepEqual(told[0]?.type === 'refused' ? told[0].stats : undefined, sampleStats())
    assert.equal(asked.length, 1)
  })

  it('has a call placed elsewhere when the worker cannot be reached from here, though it can from the placer', async () => {
    lead = placesOn(WORKER, OTHER)
    unreachable.add(WORKER)
    assert.equal(await outputOf(invoke()), 'ok')
    await turn()
    assert.deepEqual(
      told.map(word => (word.type === 'refused' ? word.error.code : word.type)),
      ['peer_unreachable', 'done']
    )
    assert.deepEqual(placers(), [LEADER])
  })

  it('lets only one call in a while find out that a worker is silent', async () => {
    lead = placesOn(WORKER, OTHER)
    silent.add(WORKER)
    const first = outputOf(invoke())
    await eventually('a worker is dialled', () => dialled.length > 0)
    await passUntil(first, 2_000)
    assert.equal(await first, 'ok')
    assert.equal(await outputOf(invoke()), 'ok')
    assert.deepEqual(dialled, [WORKER, OTHER, OTHER])
    clock.advance(2_000)
    silent.clear()
    assert.equal(await outputOf(invoke()), 'ok')
    assert.equal(dialled.at(-1), WORKER)
  })

  it('says so when no worker can be reached from here', async () => {
    unreachable.add(WORKER)
    await assert.rejects(invoke(), { code: 'no_capacity' })
    assert.equal(orders.length, 0)
  })

  it('goes another round when the worker refuses and the placer is lost meanwhile', async () => {
    lead = async (channel, { round }, lane) => {
      const attempt = { round, try: 1 }
      await channel.send({ type: 'placed', worker: WORKER, session: SESSION, attempt, term: 3, order: 1, receipt: sampleReceipt() })
      await channel.receive()
      lane().cut()
    }
    work = async (channel, { attempt: { round } }) => {
      if (round === 1) await channel.send(failed('busy', false))
      else await send(channel, ANSWER)
    }
    assert.equal(await outputOf(invoke()), 'ok')
    assert.deepEqual(placers(), [LEADER, ATLAS])
  })

  it('does not place again what has failed', async () => {
    work = channel => channel.send(failed('function_failed', true))
    await assert.rejects(invoke(), { code: 'function_failed' })
    await turn()
    assert.equal(orders.length, 1)
    assert.deepEqual(told, [{ type: 'done', attempt: { round: 1, try: 1 }, untypical: false }])
  })

  it('takes the answer from the worker when the connection to it breaks, and goes on where it was', async () => {
    work = async (channel, _order, lane) => {
      await send(channel, ANSWER.slice(0, 2))
      await turn()
      lane().cut()
    }
    onAttach = async channel => {
      await channel.send(ANSWER[0] as AnswerDown)
      await channel.send({ type: 'body', chunk: Buffer.from('!') })
      await channel.send(ANSWER[2] as AnswerDown)
    }
    assert.equal(await settle(outputOf(invoke())), 'ok!')
    assert.deepEqual(
      attaches.map(({ round, session, offset }) => [round, session, offset]),
      [[1, SESSION, 2]]
    )
    assert.deepEqual(placers(), [LEADER])
  })

  it('asks for the answer again when that connection breaks, too, but not for ever', async () => {
    work = cutOff
    let breaks = 2
    onAttach = async (channel, lane) => {
      if (breaks-- > 0) lane().cut()
      else await send(channel, ANSWER)
    }
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.equal(attaches.length, 3)
    breaks = Number.POSITIVE_INFINITY
    await assert.rejects(settle(invoke()), { code: 'peer_lost' })
    assert.equal(attaches.length, 6)
  })

  it('places again, in the next round, when the worker promises that it never had the call', async () => {
    work = (channel, order, lane) => (order.attempt.round === 1 ? cutOff : answering)(channel, order, lane)
    onAttach = channel => channel.send({ type: 'unknown', session: SESSION })
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.deepEqual(
      orders.map(({ order }) => order.attempt.round),
      [1, 2]
    )
    assert.deepEqual(placers(), [LEADER, LEADER])
  })

  it('places again when the worker had refused the order', async () => {
    lead = placesOn(WORKER, OTHER)
    work = (channel, order, lane) => (order.attempt.try === 1 ? cutOff : answering)(channel, order, lane)
    onAttach = channel => channel.send(failed('busy', false))
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.deepEqual(
      orders.map(({ worker }) => worker),
      [WORKER, OTHER]
    )
  })

  const doubts: readonly { because: string; given: () => void }[] = [
    {
      because: 'the worker cannot be reached any more',
      given: () => {
        work = async (_channel, _order, lane) => {
          unreachable.add(WORKER)
          lane().cut()
        }
      }
    },
    {
      because: 'the worker has restarted since',
      given: () => (onAttach = channel => channel.send({ type: 'unknown', session: SESSION + 1 }))
    },
    { because: 'the worker has lost the answer', given: () => (onAttach = channel => channel.send(failed('peer_lost', true))) }
  ]
  for (const { because, given } of doubts) {
    it(`does not repeat a call when ${because}, unless it is idempotent`, async () => {
      work = cutOff
      given()
      await assert.rejects(settle(invoke()), (err: CaresError) => {
        assert.equal(err.code, 'peer_lost')
        assert.equal(err.details['execution'], 'unknown')
        return true
      })
      assert.equal(orders.length, 1)
      assert.deepEqual(
        told.map(word => word.type === 'done' && word.untypical),
        [true]
      )
      idempotent = true
      unreachable.clear()
      const before = work
      work = (channel, order, lane) => (order.attempt.round === 1 ? before : answering)(channel, order, lane)
      lead = (channel, call, lane) => placesOn(call.round === 1 ? WORKER : OTHER)(channel, call, lane)
      assert.equal(await settle(outputOf(invoke())), 'ok')
      assert.deepEqual(
        orders.map(({ worker }) => worker),
        [WORKER, WORKER, OTHER]
      )
    })
  }

  it('tells what the function did, also when the worker tells it over another connection', async () => {
    idempotent = true
    work = cutOff
    onAttach = channel => channel.send(failed('timeout', true))
    await assert.rejects(settle(invoke()), { code: 'timeout' })
    assert.equal(orders.length, 1)
  })

  it('cancels the work, and gives its place back, when the client goes away', async () => {
    const client = new AbortController()
    const cancelled = Promise.withResolvers<CaresError>()
    work = async channel => {
      client.abort(new CaresError('cancelled', 'the client went away'))
      await channel.receive().catch((err: unknown) => cancelled.resolve(err as CaresError))
    }
    await assert.rejects(invoke({}, client.signal), { code: 'cancelled' })
    assert.equal((await cancelled.promise).code, 'cancelled')
    await turn()
    assert.deepEqual(told, [{ type: 'done', attempt: { round: 1, try: 1 }, untypical: true }])
  })

  it('takes its place in the line back when the client goes away before there is a place', async () => {
    const client = new AbortController()
    const cancelled = Promise.withResolvers<CaresError>()
    lead = async channel => {
      await channel.send({ type: 'queued' })
      client.abort(new CaresError('cancelled', 'the client went away'))
      await channel.receive().catch((err: unknown) => cancelled.resolve(err as CaresError))
    }
    await assert.rejects(invoke({}, client.signal), { code: 'cancelled' })
    assert.equal((await cancelled.promise).code, 'cancelled')
  })

  it('does without a placer that falls silent while the call waits', async () => {
    await watch.start()
    lead = async channel => {
      await channel.send({ type: 'queued' })
      silentMs = 5_000
      await channel.receive()
    }
    const calling = outputOf(invoke())
    await eventually('the orchestrator is asked', () => asked.length > 0)
    await turn()
    clock.advance(1_000)
    assert.equal(await calling, 'ok')
    assert.deepEqual(placers(), [LEADER, ATLAS])
    await watch.stop()
  })

  it('does not mind the silence of a placer that has placed the call', async () => {
    await watch.start()
    const more = Promise.withResolvers<void>()
    work = async channel => {
      await more.promise
      await send(channel, ANSWER)
    }
    const calling = outputOf(invoke())
    await eventually('an order', () => orders.length > 0)
    silentMs = 5_000
    clock.advance(1_000)
    more.resolve()
    assert.equal(await calling, 'ok')
    assert.deepEqual(placers(), [LEADER])
    assert.equal(attaches.length, 0)
    await watch.stop()
  })

  it('stops asking peers that name each other as orchestrator', async () => {
    lead = async (channel, { round }) => {
      const orchestrator = round % 2 === 1 ? WORKER : LEADER
      const other = new CaresError('not_orchestrator', 'scripted', { details: { orchestrator } })
      await channel.send({ type: 'failed', error: toRemoteError(other, { started: false }) })
    }
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.equal(placers().length, 6)
    assert.equal(placers().at(-1), ATLAS)
  })

  it('ends a call at its deadline although its client sends nothing', async () => {
    const calling = invoke({ body: silentAfter(), timeoutMs: 1_000 })
    const rejected = assert.rejects(calling, { code: 'timeout' })
    await turn()
    clock.advance(1_600)
    await rejected
  })

  it('tells a call that ran out of time for having waited when to come back, and no other', async () => {
    const ranOut: Working = channel => channel.send(failed('timeout', true))
    work = ranOut
    await assert.rejects(outputOf(invoke({ timeoutMs: 5_000 })), (error: CaresError) => !('retryAfterMs' in error.details))
    const placed = Promise.withResolvers<void>()
    lead = async (channel, call, lane) => {
      await channel.send({ type: 'queued' })
      await placed.promise
      await placesOn(WORKER)(channel, call, lane)
    }
    const rejected = assert.rejects(outputOf(invoke()), (error: CaresError) => {
      assert.equal(error.code, 'timeout')
      assert.match(error.message, /of which 4s went by before there was room/)
      assert.equal(error.details['retryAfterMs'], 4_000)
      return true
    })
    await turn()
    clock.advance(4_000)
    placed.resolve()
    await rejected
  })

  it('ends an asynchronous call whose client sends nothing', async () => {
    const rejected = assert.rejects(gateway.invokeAsync(request({ body: silentAfter('h') }), { signal: new AbortController().signal }), {
      code: 'timeout'
    })
    await turn()
    clock.advance(31_000)
    await rejected
  })

  it('ends an answer although its client has not ended the request', async () => {
    work = async channel => {
      await channel.send({ type: 'accepted' })
      assert.equal((await channel.receive())?.type, 'body')
      await send(channel, ANSWER)
    }
    const head = { method: 'POST', path: '/', query: '', headers: [] }
    assert.equal(await outputOf(invoke({ head, body: silentAfter('hi') })), 'ok')
  })

  it('sends the rest of a body to a function that has answered, until the worker wants no more, or the call’s time is up', async () => {
    const head = { method: 'POST', path: '/', query: '', headers: [] }
    const pieces = (async function* () {
      while (true) yield Buffer.from('piece')
    })()
    const got: boolean[] = []
    for (const end of ['refused', 'overdue'] as const) {
      const over = Promise.withResolvers<void>()
      work = async channel => {
        await channel.send({ type: 'accepted' })
        await send(channel, ANSWER)
        channel.end()
        for (let i = 0; i < 10; i++) got.push((await channel.receive())?.type === 'body')
        if (end === 'refused') channel.abort(new CaresError('cancelled', 'enough'))
        else
          await assert.rejects(async () => Promise.reject(await untilAborted(new Promise(() => {}), channel.signal)), { code: 'timeout' })
        over.resolve()
      }
      const answer = await invoke({ head, body: end === 'refused' ? pieces : silentAfter(...Array.from({ length: 12 }, () => 'x')) })
      assert.equal(await outputOf(Promise.resolve(answer)), 'ok')
      if (end === 'overdue') {
        await eventually('20 pieces', () => got.length >= 20)
        clock.advance(31_000)
      }
      await over.promise
      await answer.rest
    }
    assert.ok(got.every(Boolean))
  })

  it('ends a call whose answer nobody reads with its signal', async () => {
    const client = new AbortController()
    const answer = await invoke({}, client.signal)
    client.abort()
    await assert.rejects(answer.end, { code: 'cancelled' })
    assert.equal(book.find(answer.invocation)?.error?.code, 'cancelled')
  })

  it('refuses what a worker says out of turn, and ends the exchange', async () => {
    work = async channel => {
      await channel.send({ type: 'body', chunk: Buffer.from('?') })
      await channel.receive()
    }
    await assert.rejects(invoke(), { code: 'protocol' })
  })

  it('honours an idempotency key of asynchronous calls, too', async () => {
    const signal = new AbortController().signal
    const first = await gateway.invokeAsync(request({ idempotencyKey: 'k' }), { signal })
    const second = await gateway.invokeAsync(request({ idempotencyKey: 'k' }), { signal })
    assert.equal(first.invocation, second.invocation)
    await book.waitFor(first.invocation, { signal })
    assert.equal(asked.length, 1)
    assert.equal(Buffer.from(book.result(first.invocation)?.body ?? []).toString(), 'ok')
  })

  it('refuses a key that comes with another request, and still answers the first one', async () => {
    const signal = new AbortController().signal
    const withBody = (text: string): Partial<InvocationRequest> => ({
      idempotencyKey: 'k',
      head: { method: 'POST', path: '/', query: '', headers: [], bodyBytes: text.length },
      body: (async function* () {
        yield Buffer.from(text)
      })()
    })
    assert.equal(await outputOf(invoke(withBody('input'))), 'ok')
    await assert.rejects(invoke(withBody('other')), { code: 'conflict' })
    await assert.rejects(gateway.invokeAsync(request(withBody('other')), { signal }), { code: 'conflict' })
    assert.equal(await outputOf(invoke(withBody('input'))), 'ok')
    assert.equal(asked.length, 1)
  })

  it('keeps why nobody could have a call', async () => {
    const receipt = sampleReceipt({ round: 1, try: 1 })
    const error = toRemoteError(new CaresError('no_capacity', 'nobody has room'), { started: false })
    lead = channel => channel.send({ type: 'failed', error, receipt })
    await assert.rejects(invoke(), { code: 'no_capacity' })
    assert.deepEqual(
      book.list(1).map(({ state, receipts }) => ({ state, receipts })),
      [{ state: 'failed', receipts: [receipt] }]
    )
  })

  it('takes a call with the key of one that was refused for a first one', async () => {
    lead = channel =>
      channel.send({ type: 'failed', error: toRemoteError(new CaresError('no_capacity', 'full', { retryable: true }), { started: false }) })
    await assert.rejects(invoke({ idempotencyKey: 'k' }), { code: 'no_capacity' })
    lead = placesOn(WORKER)
    assert.equal(await outputOf(invoke({ idempotencyKey: 'k' })), 'ok')
  })

  it('waits for its calls when it drains, and takes no new one', async () => {
    const open = Promise.withResolvers<void>()
    work = async channel => {
      await open.promise
      await send(channel, ANSWER)
    }
    const calling = outputOf(invoke())
    await eventually('the orchestrator is asked', () => asked.length > 0)
    let drained = false
    const draining = gateway.drain({ signal: new AbortController().signal }).then(() => (drained = true))
    await assert.rejects(invoke(), { code: 'stopping' })
    clock.advance(100)
    await turn()
    assert.equal(drained, false)
    open.resolve()
    assert.equal(await calling, 'ok')
    clock.advance(100)
    await draining
  })
})

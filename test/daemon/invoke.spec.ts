import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { EventLog } from '../../src/daemon/event-log.ts'
import { InvocationBook } from '../../src/daemon/invocation-book.ts'
import { Gateway } from '../../src/daemon/invoke.ts'
import { OrchestratorWatch } from '../../src/daemon/orchestrator-watch.ts'
import { CaresError, type ErrorCode } from '../../src/model/errors.ts'
import type { InvocationId, PeerId } from '../../src/model/ids.ts'
import type { AnswerDown, ExecuteDown, ExecuteUp, InvokeDown, InvokeUp } from '../../src/model/invocation.ts'
import type { Channel, Transport } from '../../src/model/ports/transport.ts'
import type { InvocationAnswer, InvocationRequest } from '../../src/model/service.ts'
import { toRemoteError } from '../../src/model/remote-error.ts'
import { dial, type Dialled } from '../support/dial.ts'
import { ATLAS, sampleReceipt } from '../support/fake-service.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'
import { sampleFunction } from '../support/samples.ts'
import { createTestLog } from '../support/test-log.ts'

const LEADER = '12D3KooWLeader' as PeerId
const WORKER = '12D3KooWWorker' as PeerId
const SESSION = 7
const USAGE = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: 1, bytesOut: 2 }
const ANSWER: readonly AnswerDown[] = [
  { type: 'answer', head: { status: 200, headers: [], start: 'warm' } },
  { type: 'body', chunk: Buffer.from('ok') },
  { type: 'answer-end', end: { usage: USAGE } }
]

type Call = Extract<InvokeUp, { type: 'call' }>
type PlacerChannel = Channel<InvokeDown, InvokeUp>
type WorkChannel = Channel<ExecuteDown, ExecuteUp>
type Placing = (channel: PlacerChannel, call: Call, lane: () => Dialled<'invoke'>) => Promise<void>

function failed(code: ErrorCode, started: boolean): AnswerDown {
  return { type: 'failed', error: toRemoteError(new CaresError(code, `scripted ${code}`), { started }) }
}

async function place(channel: PlacerChannel, { round }: Call): Promise<void> {
  const attempt = { round, try: 1 }
  await channel.send({ type: 'placed', worker: WORKER, session: SESSION, attempt, term: 3, receipt: sampleReceipt({ round, try: 1 }) })
  assert.deepEqual(await channel.receive(), { type: 'placed-ack', attempt })
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
  let attaches: number
  /** What the leader does, and what this peer does by fallback. */
  let lead: Placing
  let fallBack: Placing
  /** How the worker answers an attach; null: it cannot be reached. */
  let onAttach: ((channel: WorkChannel) => Promise<void>) | null

  const answered: Placing = async (channel, call) => {
    await place(channel, call)
    await send(channel, ANSWER)
  }
  /** Places, and is lost before a word of the worker has come. */
  const lostAfterPlaced: Placing = async (channel, call, lane) => {
    await place(channel, call)
    lane().cut()
  }

  beforeEach(() => {
    clock = createManualClock()
    silentMs = 0
    watch = new OrchestratorWatch({ clock, silentMs: () => silentMs, lostAfterMs: 800 })
    idempotent = false
    asked = []
    attaches = 0
    lead = answered
    fallBack = answered
    onAttach = null
    const transport = {
      self: ATLAS,
      open: async (protocol: 'invoke' | 'execute', peer: PeerId) => {
        if (protocol === 'invoke') {
          const lane: Dialled<'invoke'> = dial('invoke', peer, async channel => {
            const call = await channel.receive()
            assert.equal(call?.type, 'call')
            asked.push({ peer, call })
            await (peer === ATLAS ? fallBack : lead)(channel, call, () => lane)
          })
          return lane.channel
        }
        attaches++
        const behave = onAttach
        if (behave === null) throw new CaresError('peer_unreachable', 'scripted', { retryable: true })
        return dial('execute', peer, async channel => {
          assert.equal((await channel.receive())?.type, 'attach')
          await behave(channel)
        }).channel
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
      appliedIndex: () => 0
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

  const placers = (): readonly PeerId[] => asked.map(({ peer }) => peer)

  afterEach(() => assert.equal(gateway.inFlight, 0, 'a call was not ended'))

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

  it('takes the answer from the worker when the orchestrator is lost after it placed', async () => {
    lead = lostAfterPlaced
    onAttach = channel => send(channel, ANSWER)
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.deepEqual(placers(), [LEADER])
  })

  it('places again when the worker promises that it never had the call', async () => {
    lead = lostAfterPlaced
    onAttach = channel => channel.send({ type: 'unknown', session: SESSION })
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.deepEqual(placers(), [LEADER, ATLAS])
  })

  it('places again when the worker had refused the order', async () => {
    lead = lostAfterPlaced
    onAttach = channel => channel.send(failed('busy', false))
    assert.equal(await settle(outputOf(invoke())), 'ok')
    assert.deepEqual(placers(), [LEADER, ATLAS])
  })

  const doubts: readonly { because: string; given: () => void }[] = [
    { because: 'the worker cannot be reached', given: () => (onAttach = null) },
    {
      because: 'the worker has restarted since',
      given: () => (onAttach = channel => channel.send({ type: 'unknown', session: SESSION + 1 }))
    },
    { because: 'the worker has lost the answer', given: () => (onAttach = channel => channel.send(failed('peer_lost', true))) }
  ]
  for (const { because, given } of doubts) {
    it(`does not repeat a call when ${because}, unless it is idempotent`, async () => {
      given()
      lead = lostAfterPlaced
      await assert.rejects(settle(invoke()), (err: CaresError) => {
        assert.equal(err.code, 'peer_lost')
        assert.equal(err.details['execution'], 'unknown')
        return true
      })
      assert.deepEqual(placers(), [LEADER])
      idempotent = true
      clock.advance(1_000)
      assert.equal(await settle(outputOf(invoke())), 'ok')
      assert.deepEqual(placers(), [LEADER, LEADER, ATLAS])
    })
  }

  it('does not repeat a call whose worker the orchestrator has lost, and goes on asking that orchestrator', async () => {
    lead = async (channel, call) => {
      await place(channel, call)
      await channel.send(failed('peer_lost', true))
    }
    await assert.rejects(settle(invoke()), { code: 'peer_lost' })
    assert.equal(attaches, 1, 'the worker may be reachable from here')
    lead = answered
    assert.equal(await outputOf(invoke()), 'ok')
    assert.deepEqual(placers(), [LEADER, LEADER])
  })

  it('tells what the function did, also when the worker tells it by itself', async () => {
    idempotent = true
    lead = lostAfterPlaced
    onAttach = channel => channel.send(failed('timeout', true))
    await assert.rejects(settle(invoke()), { code: 'timeout' })
    assert.deepEqual(placers(), [LEADER])
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

  it('ends an asynchronous call whose client sends nothing', async () => {
    const rejected = assert.rejects(gateway.invokeAsync(request({ body: silentAfter('h') }), { signal: new AbortController().signal }), {
      code: 'timeout'
    })
    await turn()
    clock.advance(31_000)
    await rejected
  })

  it('ends an answer although its client has not ended the request', async () => {
    lead = async (channel, call) => {
      await place(channel, call)
      await channel.send({ type: 'accepted' })
      assert.equal((await channel.receive())?.type, 'body')
      await send(channel, ANSWER)
    }
    const head = { method: 'POST', path: '/', query: '', headers: [] }
    assert.equal(await outputOf(invoke({ head, body: silentAfter('hi') })), 'ok')
  })

  it('ends a call whose answer nobody reads with its signal', async () => {
    const client = new AbortController()
    const answer = await invoke({}, client.signal)
    client.abort()
    await assert.rejects(answer.end, { code: 'cancelled' })
    assert.equal(book.find(answer.invocation)?.error?.code, 'cancelled')
  })

  it('refuses what a placer says out of turn, and ends the exchange', async () => {
    lead = async (channel, call) => {
      await place(channel, call)
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

  it('takes a call with the key of one that was refused for a first one', async () => {
    lead = channel =>
      channel.send({ type: 'failed', error: toRemoteError(new CaresError('no_capacity', 'full', { retryable: true }), { started: false }) })
    await assert.rejects(invoke({ idempotencyKey: 'k' }), { code: 'no_capacity' })
    lead = answered
    assert.equal(await outputOf(invoke({ idempotencyKey: 'k' })), 'ok')
  })

  it('waits for its calls when it drains, and takes no new one', async () => {
    const open = Promise.withResolvers<void>()
    lead = async (channel, call) => {
      await place(channel, call)
      await open.promise
      await send(channel, ANSWER)
    }
    const calling = outputOf(invoke())
    while (asked.length === 0) await turn()
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

  it('does not give up an upload because its orchestrator has missed some heartbeats', async () => {
    const arrived = Promise.withResolvers<void>()
    const more = Promise.withResolvers<void>()
    lead = async (channel, call) => {
      await place(channel, call)
      await channel.send({ type: 'accepted' })
      assert.equal((await channel.receive())?.type, 'body')
      arrived.resolve()
      assert.equal((await channel.receive())?.type, 'body')
      assert.equal((await channel.receive())?.type, 'end')
      await send(channel, ANSWER)
    }
    await watch.start()
    const body = (async function* () {
      yield Buffer.from('first')
      await more.promise
      yield Buffer.from('second')
    })()
    const head = { method: 'POST', path: '/', query: '', headers: [] }
    const calling = outputOf(invoke({ head, body }))
    await arrived.promise
    silentMs = 5_000
    clock.advance(1_000)
    silentMs = 0
    more.resolve()
    assert.equal(await calling, 'ok')
    assert.equal(attaches, 0)
    await watch.stop()
  })
})

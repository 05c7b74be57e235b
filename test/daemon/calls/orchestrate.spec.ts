import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { Orchestrator, type OrchestratorComponents } from '../../../src/daemon/calls/orchestrate.ts'
import { CaresError, type ErrorCode } from '../../../src/model/errors.ts'
import type { FunctionRecord } from '../../../src/model/function.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { CallToPlace, InvokeDown, InvokeUp, Placed, Usage } from '../../../src/model/invocation.ts'
import type { PeerStats } from '../../../src/model/peer.ts'
import type { RejectionReason } from '../../../src/model/placement.ts'
import { toRemoteError } from '../../../src/model/remote-error.ts'
import { dial, type Dialled } from '../../support/dial.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { sampleCall } from '../../support/messages.ts'
import { ATLAS, BIRCH, sampleFunction, sampleReceipt, sampleStats } from '../../support/samples.ts'

const FIRST = '12D3KooWFirst' as PeerId
const SECOND = '12D3KooWSecond' as PeerId
const USAGE: Usage = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: 1, bytesOut: 2 }

/** What a gateway says of a place that it was told. */
type Ending = (placed: Placed) => InvokeUp | null

function answered(usage: Usage = USAGE, untypical = false): Ending {
  return ({ attempt }) => ({ type: 'done', attempt, run: { start: 'warm', usage }, untypical })
}

function refused(code: ErrorCode, stats?: PeerStats): Ending {
  const error = toRemoteError(new CaresError(code, `scripted ${code}`), { started: false })
  return ({ attempt }) => ({ type: 'refused', attempt, error, stats })
}

describe('Orchestrator', () => {
  let clock: ManualClock
  let events: EventLog
  let orchestrator: Orchestrator
  let active: boolean
  let term: number
  let fn: FunctionRecord
  /** Workers to choose, in this order; those excluded are passed over. */
  let candidates: PeerId[]
  let rejection: RejectionReason
  let fits: boolean
  let endsInTime: boolean
  let reserved: number
  let observed: number
  let corrected: unknown[]
  /** How the gateway of the test ends the work of a place; null: not yet. */
  let behave: Ending

  beforeEach(() => {
    clock = new ManualClock()
    events = new EventLog({ clock })
    active = true
    term = 3
    fn = sampleFunction()
    candidates = [FIRST, SECOND]
    rejection = 'slots'
    fits = true
    endsInTime = true
    reserved = 0
    observed = 0
    corrected = []
    behave = answered()
    const placer: OrchestratorComponents['placer'] = {
      place: (_, call, options) => {
        const chosen = candidates.find(peer => !options.exclude.includes(peer)) ?? null
        const verdicts = [FIRST, SECOND].map(peer => ({
          peer,
          fits: false as const,
          reason: options.exclude.includes(peer) ? ('excluded' as const) : rejection
        }))
        const decision = { chosen, verdicts, skipped: 0, rejected: { [rejection]: 2 } }
        const placement = call.fallback ? 'fallback' : 'orchestrator'
        return { ...sampleReceipt(), term, placement, round: call.round, try: options.try, decision }
      },
      reserve: () => {
        reserved++
        let released = false
        return {
          order: 41,
          release: () => {
            if (!released) reserved--
            released = true
          }
        }
      },
      session: () => 7,
      couldFit: () => fits,
      couldEndInTime: () => endsInTime,
      sharing: () => 1,
      observe: () => void observed++,
      correct: (worker, session, stats) => void corrected.push([worker, session, stats])
    }
    orchestrator = new Orchestrator({
      transport: { self: ATLAS },
      placer,
      clock,
      events,
      agreed: {
        isActive: () => active,
        orchestrator: () => (active ? ATLAS : SECOND),
        function: () => fn,
        hasApplied: () => true,
        applied: async () => {}
      }
    })
  })

  async function call(remote = BIRCH, changes: Partial<CallToPlace> = {}): Promise<Dialled<'invoke'>> {
    const lane = dial('invoke', remote, channel => orchestrator.serve(channel))
    await lane.channel.send(sampleCall(changes))
    return lane
  }

  /** Reads to the end, and ends the work of every place as `behave` says. */
  async function finish({ channel }: Dialled<'invoke'>): Promise<InvokeDown[]> {
    const messages: InvokeDown[] = []
    for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
      messages.push(message)
      const ending = message.type === 'placed' ? behave(message) : null
      if (ending !== null) await channel.send(ending)
    }
    return messages
  }

  async function placeOf({ channel }: Dialled<'invoke'>): Promise<Placed> {
    const message = await channel.receive()
    assert.equal(message?.type, 'placed')
    return message
  }

  const typesOf = (messages: readonly InvokeDown[]): string[] => messages.map(({ type }) => type)
  const placesOf = (messages: readonly InvokeDown[]): (readonly [PeerId, number])[] =>
    messages.flatMap(message => (message.type === 'placed' ? [[message.worker, message.attempt.try] as const] : []))

  function codeOf(messages: readonly InvokeDown[]): string | undefined {
    const last = messages.at(-1)
    return last?.type === 'failed' ? `${last.error.code}, started: ${last.error.started}` : undefined
  }

  async function turns(): Promise<void> {
    for (let i = 0; i < 5; i++) await turn()
  }

  /** Time passes, and everyone gets to see it. */
  async function pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      clock.advance(100)
      await turns()
    }
  }

  afterEach(async () => {
    await turns()
    assert.equal(reserved, 0, 'a reservation was not released')
  })

  it('tells the gateway all that an order needs, and keeps the room until it hears of the end', async () => {
    const lane = await call()
    const { worker, session, attempt, term: placedIn, order, function: other } = await placeOf(lane)
    assert.deepEqual(
      { worker, session, attempt, placedIn, order, other },
      { worker: FIRST, session: 7, attempt: { round: 1, try: 1 }, placedIn: 3, order: 41, other: undefined }
    )
    await turns()
    assert.equal(reserved, 1, 'calls placed meanwhile must see this one')
    await lane.channel.send({ type: 'done', attempt, run: { start: 'warm', usage: USAGE }, untypical: false })
    assert.equal(await lane.channel.receive(), undefined)
    assert.deepEqual([reserved, observed], [0, 1])
  })

  it('says what was placed where the gateway knows another revision', async () => {
    fn = sampleFunction({ revision: 2 })
    const [placed] = await finish(await call())
    assert.deepEqual(placed?.type === 'placed' ? placed.function : undefined, fn)
  })

  it('tells who listens where a call was placed', async () => {
    const placed: unknown[] = []
    events.subscribe(event => void placed.push([event.type, event.data]))
    await finish(await call())
    assert.equal(placed.length, 1)
    assert.match(JSON.stringify(placed), /invocation:placed.*12D3KooWFirst/)
  })

  const ends: readonly { because: string; end: (lane: Dialled<'invoke'>) => void }[] = [
    { because: 'its gateway ends the call', end: ({ channel }) => channel.abort(new CaresError('cancelled', 'the client went away')) },
    { because: 'its gateway dies', end: lane => lane.cut() },
    { because: 'its gateway goes without a word', end: ({ channel }) => channel.end() }
  ]
  for (const { because, end } of ends) {
    it(`gives the room back at once when ${because}, and learns nothing`, async () => {
      const lane = await call()
      await placeOf(lane)
      end(lane)
      await turns()
      assert.deepEqual([reserved, observed], [0, 0])
    })
  }

  it('gives the room back when the end of another attempt is told', async () => {
    behave = () => ({ type: 'done', attempt: { round: 1, try: 2 }, untypical: true })
    assert.equal(codeOf(await finish(await call())), 'protocol, started: false')
    assert.equal(reserved, 0)
  })

  it('places again, elsewhere, what a worker has refused', async () => {
    behave = placed => (placed.worker === FIRST ? refused('busy') : answered())(placed)
    const messages = await finish(await call())
    assert.deepEqual(placesOf(messages), [
      [FIRST, 1],
      [SECOND, 2]
    ])
    assert.equal(typesOf(messages).at(-1), 'placed')
    assert.equal(observed, 1)
  })

  it('takes over what a worker says of itself that refuses, before it chooses again', async () => {
    const stats = sampleStats({ running: 4 })
    behave = placed => {
      if (placed.worker === FIRST) return refused('busy', stats)(placed)
      assert.deepEqual(corrected, [[FIRST, 7, stats]])
      return answered()(placed)
    }
    assert.equal(placesOf(await finish(await call())).length, 2)
  })

  const unlearned: readonly { what: string; ending: Ending }[] = [
    { what: 'a run of which a good part was lost', ending: answered({ ...USAGE, disturbed: true }) },
    { what: 'what lasted as long as somebody stayed', ending: answered(USAGE, true) },
    { what: 'a run that failed', ending: ({ attempt }) => ({ type: 'done', attempt, untypical: false }) },
    { what: 'a run whose worker was lost', ending: ({ attempt }) => ({ type: 'done', attempt, untypical: true }) }
  ]
  for (const { what, ending } of unlearned) {
    it(`learns nothing from ${what}`, async () => {
      behave = ending
      assert.deepEqual(typesOf(await finish(await call())), ['placed'])
      assert.equal(observed, 0)
    })
  }

  it('gives up after so many workers, with what the last one said', async () => {
    candidates = Array.from({ length: 9 }, (_, i) => `12D3KooWNumber${i}` as PeerId)
    behave = refused('peer_unreachable')
    const messages = await finish(await call())
    assert.equal(codeOf(messages), 'peer_unreachable, started: false')
    assert.equal(placesOf(messages).length, 3)
  })

  it('passes over any number of workers that the gateway cannot order from since they are of another version', async () => {
    candidates = Array.from({ length: 9 }, (_, i) => `12D3KooWNumber${i}` as PeerId)
    behave = placed => (placed.attempt.try < 9 ? refused('incompatible') : answered())(placed)
    assert.equal(placesOf(await finish(await call())).length, 9)
  })

  it('gives up at once when no peer could ever take the work', async () => {
    candidates = []
    fits = false
    assert.equal(codeOf(await finish(await call())), 'no_capacity, started: false')
  })

  for (const lasting of ['not_pinned', 'labels', 'wrong_arch', 'deadline', 'budget', 'draining'] as const) {
    it(`does not wait for a cure of ${lasting}, and tells of whom it was looked at`, async () => {
      candidates = []
      rejection = lasting
      const messages = await finish(await call())
      assert.equal(codeOf(messages), 'no_capacity, started: false')
      const last = messages.at(-1)
      const verdicts = last?.type === 'failed' ? last.receipt?.decision.verdicts : undefined
      assert.deepEqual(
        verdicts?.map(verdict => !verdict.fits && verdict.reason),
        [lasting, lasting]
      )
    })
  }

  for (const [claim, quick, retryable] of [
    ['tells the caller to come back when the peers are too busy to end in time', true, true],
    ['does not tell the caller to come back when no peer could ever end in time', false, false]
  ] as const) {
    it(claim, async () => {
      candidates = []
      rejection = 'deadline'
      endsInTime = quick
      const last = (await finish(await call())).at(-1)
      const error = last?.type === 'failed' ? last.error : undefined
      assert.equal(error?.retryable, retryable)
      assert.equal(error.details.includes('"retryAfterMs":1000'), retryable)
    })
  }

  for (const passing of ['not_alive', 'no_runtime'] as const) {
    it(`waits a moment for a cure of ${passing}, and places when the peer is back`, async () => {
      candidates = []
      rejection = passing
      const placing = finish(await call())
      await turns()
      assert.equal(orchestrator.waiting, 1)
      clock.advance(500)
      await turns()
      candidates = [SECOND]
      orchestrator.onRoom()
      assert.deepEqual(typesOf(await placing), ['queued', 'placed'])
    })

    it(`waits for a cure of ${passing} no longer than a moment, though the call has more time`, async () => {
      candidates = []
      rejection = passing
      const placing = finish(await call())
      await pass(4_500)
      const messages = await placing
      assert.equal(codeOf(messages), 'no_capacity, started: false')
      assert.ok(clock.nowMs() < 10_000)
      const last = messages.at(-1)
      assert.match(last?.type === 'failed' ? last.error.details : '', /"retryAfterMs":1000/)
    })
  }

  for (const code of ['peer_unreachable', 'stale', 'runtime_unavailable'] as const) {
    it(`asks the only worker again that had refused with ${code}, now and then`, async () => {
      candidates = [FIRST]
      rejection = 'not_pinned'
      let refusals = 4
      behave = placed => (refusals-- > 0 ? refused(code) : answered())(placed)
      const placing = finish(await call(BIRCH, { pinnedTo: FIRST }))
      await turns()
      // Room elsewhere is no reason to ask it more often.
      for (let i = 0; i < 20; i++) {
        orchestrator.onRoom()
        await turns()
      }
      assert.equal(refusals, 3)
      await pass(2_500)
      assert.equal(codeOf(await placing), undefined)
      assert.equal(refusals, -1)
    })
  }

  it('says so when the only worker cannot be reached from the gateway for longer than a moment', async () => {
    candidates = [FIRST]
    rejection = 'not_pinned'
    behave = refused('peer_unreachable')
    const placing = finish(await call(BIRCH, { pinnedTo: FIRST }))
    await pass(5_000)
    const last = (await placing).at(-1)
    assert.equal(last?.type === 'failed' ? last.error.code : undefined, 'no_capacity')
    assert.match(last?.type === 'failed' ? last.error.message : '', /scripted peer_unreachable/)
  })

  it('waits while all are only short of room, and places when there is some', async () => {
    candidates = []
    const placing = finish(await call())
    await turns()
    assert.equal(orchestrator.waiting, 1)
    candidates = [SECOND]
    orchestrator.onRoom()
    assert.deepEqual(typesOf(await placing), ['queued', 'placed'])
  })

  it('asks busy workers again after it has waited, and says each time that it waits', async () => {
    let refusals = 2
    behave = placed => (refusals-- > 0 ? refused('busy') : answered())(placed)
    const placing = finish(await call())
    await turns()
    assert.equal(orchestrator.waiting, 1)
    orchestrator.onRoom()
    assert.deepEqual(typesOf(await placing), ['placed', 'placed', 'queued', 'placed'])
  })

  it('places for the next in line as soon as the end of a call is told', async () => {
    const [first] = candidates as [PeerId]
    const lane = await call()
    const { attempt } = await placeOf(lane)
    candidates = []
    const next = finish(await call())
    await turns()
    assert.equal(orchestrator.waiting, 1)
    candidates = [first]
    await lane.channel.send({ type: 'done', attempt, untypical: false })
    assert.deepEqual(typesOf(await next), ['queued', 'placed'])
  })

  it('ends a call that found no room at its deadline', async () => {
    candidates = []
    const placing = finish(await call())
    for (let i = 0; i < 61; i++) {
      await turns()
      clock.advance(500)
    }
    assert.equal(codeOf(await placing), 'timeout, started: false')
    assert.equal(orchestrator.waiting, 0)
  })

  it('places nothing any more once another peer leads, however long the call has waited', async () => {
    candidates = []
    const placing = finish(await call())
    await turns()
    active = false
    term = 4
    candidates = [FIRST]
    orchestrator.onRoom()
    const messages = await placing
    assert.equal(codeOf(messages), 'not_orchestrator, started: false')
    assert.deepEqual(placesOf(messages), [])
  })

  it('places by fallback for its own gateway only', async () => {
    active = false
    assert.equal(codeOf(await finish(await call(BIRCH, { fallback: true }))), 'protocol, started: false')
    assert.deepEqual(typesOf(await finish(await call(ATLAS, { fallback: true }))), ['placed'])
    assert.equal(codeOf(await finish(await call(ATLAS))), 'not_orchestrator, started: false')
  })

  it('does not keep room for a gateway that is silent beyond the deadline', async () => {
    const lane = await call()
    await turns()
    clock.advance(30_000 + 2_000)
    await turns()
    assert.equal(reserved, 0)
    assert.equal((lane.channel.signal.reason as CaresError).code, 'timeout')
  })
})

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Joining, type Joined, type Seed } from '../../../src/daemon/agreement/joining.ts'
import type { ControlAnswer, PeerAddress } from '../../../src/model/control.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { dial } from '../../support/dial.ts'
import { ATLAS, BIRCH, sampleProfile } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { CLUSTER } from '../../support/messages.ts'
import { createTestLog, type TestLog } from '../../support/test-log.ts'

const OTHER = '12D3KooWOther' as PeerId
const JOINED: ControlAnswer = { type: 'joined', cluster: CLUSTER, orchestrator: BIRCH, members: [] }

describe('Joining', () => {
  let clock: ManualClock
  let log: TestLog
  let asked: PeerId[]
  let learned: PeerAddress[]
  let answers: (peer: PeerId) => Promise<ControlAnswer>

  beforeEach(() => {
    clock = new ManualClock()
    log = createTestLog()
    asked = []
    learned = []
    answers = async () => JOINED
  })

  function create(dials: readonly (() => Promise<PeerId>)[]): Joining {
    const transport = {
      self: ATLAS,
      connected: () => [],
      setMembers: () => assert.fail('part of the members in place of all'),
      learn: (peers: readonly PeerAddress[]) => learned.push(...peers),
      open: async (_: 'control', peer: PeerId) =>
        dial('control', peer, async channel => {
          await channel.receive()
          asked.push(peer)
          await channel.send(await answers(peer))
        }).channel
    } as unknown as Transport
    const seeds = dials.map((call, index): Seed => ({ text: `/seed/${index}`, dial: call }))
    return new Joining({ transport, clock, log, random: () => 0.5, profile: () => sampleProfile(), seeds })
  }

  function join(dials: readonly (() => Promise<PeerId>)[], signal = new AbortController().signal): Promise<Joined> {
    return create(dials).join({ cluster: null, known: [], signal })
  }

  async function pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      await turn()
      clock.advance(100)
    }
    await turn()
  }

  const fails = (error: CaresError) => async (): Promise<never> => {
    throw error
  }
  const self = new CaresError('conflict', 'that is this peer itself', { details: { self: true } })
  const unreachable = new CaresError('peer_unreachable', 'nobody is there', { retryable: true })

  it('joins by the first peer that lets it in', async () => {
    assert.deepEqual(await join([async () => BIRCH, async () => OTHER]), JOINED)
    assert.deepEqual(asked, [BIRCH])
  })

  it('goes on to the next address when one is its own', async () => {
    assert.deepEqual(await join([fails(self), async () => ATLAS, async () => BIRCH]), JOINED)
    assert.deepEqual(asked, [BIRCH])
  })

  it('looks again when all addresses were its own: a name may stand for another peer next time', async () => {
    let dials = 0
    const joining = join([async () => (dials++ === 0 ? fails(self)() : BIRCH)])
    await pass(1_000)
    assert.deepEqual(await joining, JOINED)
  })

  it('keeps trying while nobody can be reached', async () => {
    let dials = 0
    const joining = join([async () => (dials++ < 3 ? fails(unreachable)() : BIRCH)])
    await pass(5_000)
    assert.deepEqual(await joining, JOINED)
    assert.equal(dials, 4)
  })

  it('says so only after a while, and then once in a while', async () => {
    const stop = new AbortController()
    const joining = join([fails(unreachable)], stop.signal)
    const warnings = (): number => log.records.filter(({ level }) => level === 'warn').length
    await pass(2_500)
    assert.equal(warnings(), 0, 'others may be starting, too')
    await pass(10_000)
    assert.equal(warnings(), 1)
    await pass(60_000)
    assert.equal(warnings(), 3)
    stop.abort(new CaresError('stopping', 'scripted'))
    await assert.rejects(joining, { code: 'stopping' })
  })

  for (const code of ['conflict', 'unauthorized', 'incompatible', 'invalid'] as const) {
    it(`gives up on ${code}, which no second try cures`, async () => {
      await assert.rejects(join([fails(new CaresError(code, 'scripted')), async () => BIRCH]), { code })
    })
  }

  it('asks the orchestrator that a peer points to', async () => {
    answers = async peer => {
      if (peer === OTHER) return JOINED
      const details = JSON.stringify({ orchestrator: OTHER, addresses: ['/ip4/127.0.0.1/tcp/1'] })
      return { type: 'failed', error: { code: 'not_orchestrator', message: 'ask another', retryable: true, details, started: false } }
    }
    assert.deepEqual(await join([async () => BIRCH]), JOINED)
    assert.deepEqual(asked, [BIRCH, OTHER])
    assert.deepEqual(learned, [{ id: OTHER, addresses: ['/ip4/127.0.0.1/tcp/1'] }])
  })

  it('introduces itself to some, who need not be all the members', async () => {
    const others = [BIRCH, OTHER].map(id => ({ id, addresses: ['/ip4/127.0.0.1/tcp/1'] }))
    await create([]).introduce(others, CLUSTER, { signal: new AbortController().signal })
    assert.deepEqual(asked.toSorted(), [BIRCH, OTHER].toSorted())
    assert.deepEqual(learned, others)
  })

  it('ends when the signal aborts', async () => {
    const stop = new AbortController()
    const joining = join([fails(unreachable)], stop.signal)
    await turn()
    stop.abort(new CaresError('stopping', 'scripted'))
    await assert.rejects(joining, { code: 'stopping' })
  })
})

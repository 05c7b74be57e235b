import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Joining, type Joined, type Seed } from '../../../src/daemon/agreement/joining.ts'
import type { ControlAnswer } from '../../../src/model/control.ts'
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
  let answers: (peer: PeerId) => Promise<ControlAnswer>

  beforeEach(() => {
    clock = new ManualClock()
    log = createTestLog()
    asked = []
    answers = async () => JOINED
  })

  function join(dials: readonly (() => Promise<PeerId>)[], signal = new AbortController().signal): Promise<Joined> {
    const transport = {
      self: ATLAS,
      connected: () => [],
      setMembers: () => {},
      open: async (_: 'control', peer: PeerId) =>
        dial('control', peer, async channel => {
          await channel.receive()
          asked.push(peer)
          await channel.send(await answers(peer))
        }).channel
    } as unknown as Transport
    const seeds = dials.map((call, index): Seed => ({ text: `/seed/${index}`, dial: call }))
    const joining = new Joining({ transport, clock, log, random: () => 0.5, profile: () => sampleProfile(), seeds })
    return joining.join({ cluster: null, known: [], signal })
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
  })

  it('ends when the signal aborts', async () => {
    const stop = new AbortController()
    const joining = join([fails(unreachable)], stop.signal)
    await turn()
    stop.abort(new CaresError('stopping', 'scripted'))
    await assert.rejects(joining, { code: 'stopping' })
  })
})

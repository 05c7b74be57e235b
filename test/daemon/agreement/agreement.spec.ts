import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Agreement } from '../../../src/daemon/agreement/agreement.ts'
import type { Consensus } from '../../../src/daemon/agreement/consensus.ts'
import type { Committed } from '../../../src/daemon/agreement/proposals.ts'
import type { Command } from '../../../src/model/command.ts'
import { CaresError, type ErrorCode } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { toRemoteError } from '../../../src/model/remote-error.ts'
import { dial } from '../../support/dial.ts'
import { ATLAS, BIRCH } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { createTestLog } from '../../support/test-log.ts'

const ELECTION_MS = 600
const COMMAND: Command = { type: 'peer-drain', peer: BIRCH, draining: true, at: '2026-01-02T03:04:05.000Z' }
const COMMITTED: Committed = { outcome: { type: 'drain-set', peer: BIRCH, draining: true }, index: 9, term: 3 }

describe('Agreement', () => {
  let clock: ManualClock
  let agreement: Agreement
  let leader: PeerId | null
  let fenced: CaresError | null
  let appliedUpTo: number[]
  let proposed: number
  let ids: number
  let commands: Command[]
  let propose: () => Promise<Committed>

  beforeEach(() => {
    clock = new ManualClock()
    leader = ATLAS
    fenced = null
    appliedUpTo = []
    proposed = 0
    ids = 0
    commands = []
    propose = async () => COMMITTED
    const answer = async (): Promise<Committed> => {
      proposed++
      return propose()
    }
    const consensus = {
      get role() {
        return { leader }
      },
      get fenced() {
        return fenced
      },
      propose: async (command: Command) => {
        commands.push(command)
        return answer()
      },
      applied: async (index: number) => void appliedUpTo.push(index)
    } as unknown as Consensus
    const transport = {
      self: ATLAS,
      open: async (_: 'control', peer: PeerId) =>
        dial('control', peer, async channel => {
          await channel.receive()
          try {
            await channel.send({ type: 'outcome', ...(await answer()) })
          } catch (err) {
            await channel.send({ type: 'failed', error: toRemoteError(err, { started: false }) })
          }
        }).channel
    } as unknown as Transport
    agreement = new Agreement({
      consensus,
      transport,
      clock,
      log: createTestLog(),
      electionMs: ELECTION_MS,
      newCommandId: () => `id-${ids++}`
    })
  })

  const agree = (signal = new AbortController().signal): Promise<Committed> => agreement.agree(COMMAND, { signal })

  async function pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 50) {
      await turn()
      clock.advance(50)
    }
    await turn()
  }

  const failing = (code: ErrorCode) => async (): Promise<Committed> => {
    throw new CaresError(code, 'scripted', { retryable: true })
  }

  for (const peer of [ATLAS, BIRCH]) {
    it(`has ${peer} propose, and waits until the command is applied here`, async () => {
      leader = peer
      assert.equal((await agree()).index, COMMITTED.index)
      assert.deepEqual(appliedUpTo, [9])
    })
  }

  it('waits for no answer of one that is orchestrator no more, frozen as it may be', async () => {
    leader = BIRCH
    propose = async () => new Promise(() => {})
    const agreeing = agree()
    await pass(100)
    assert.equal(proposed, 1)
    leader = ATLAS
    propose = async () => COMMITTED
    agreement.onRole({ leader })
    await pass(100)
    assert.equal((await agreeing).index, COMMITTED.index)
    assert.deepEqual(new Set(commands.map(({ id }) => id)), new Set(['id-0']), 'the same command, so that it counts once')
  })

  for (const code of ['not_orchestrator', 'no_orchestrator', 'peer_lost', 'peer_unreachable'] as const) {
    it(`asks again after ${code}`, async () => {
      leader = BIRCH
      propose = failing(code)
      const agreeing = agree()
      await pass(100)
      propose = async () => COMMITTED
      await pass(200)
      assert.equal((await agreeing).index, COMMITTED.index)
      assert.ok(proposed >= 2)
    })
  }

  it('puts one wish under one id, however often, and another under another', async () => {
    let tries = 0
    propose = async () => {
      if (tries++ < 2) throw new CaresError('no_orchestrator', 'lost the role', { retryable: true })
      return COMMITTED
    }
    const agreed = agree()
    for (let i = 0; i < 10; i++) {
      await turn()
      clock.advance(50)
    }
    await agreed
    await agree()
    assert.deepEqual(
      commands.map(({ id }) => id),
      ['id-0', 'id-0', 'id-0', 'id-1']
    )
  })

  it('asks the new orchestrator when the old one is stopping', async () => {
    leader = BIRCH
    propose = failing('stopping')
    const agreeing = agree()
    await pass(100)
    leader = ATLAS
    propose = async () => COMMITTED
    await pass(100)
    assert.equal((await agreeing).index, COMMITTED.index)
  })

  for (const [version, error] of [
    ['this', new CaresError('fenced', 'its memory is damaged')],
    ['an older', new CaresError('internal', 'the disk is full', { details: { disk: 'full' } })]
  ] as const)
    it(`asks the next orchestrator when the old one, of ${version} version, takes no part any more`, async () => {
      leader = BIRCH
      let tries = 0
      propose = async () => {
        if (tries++ === 0) throw error
        return COMMITTED
      }
      const agreed = agree()
      await turn()
      await turn()
      for (let i = 0; i < 5; i++) {
        clock.advance(50)
        await turn()
      }
      assert.equal((await agreed).index, COMMITTED.index)
    })

  it('passes a refusal on at once', async () => {
    propose = failing('overloaded')
    await assert.rejects(agree(), { code: 'overloaded' })
    assert.equal(proposed, 1)
  })

  it('refuses for want of a quorum when no orchestrator turns up within an election or two', async () => {
    leader = null
    const refused = assert.rejects(agree(), { code: 'no_quorum' })
    await pass(2_000)
    await refused
  })

  it('refuses at once when the orchestrator was lost an election or two ago', async () => {
    leader = null
    agreement.onRole({ leader })
    await pass(2_000)
    for (let request = 0; request < 3; request++) await assert.rejects(agree(), { code: 'no_quorum' })
  })

  it('waits for a next one after each that is lost', async () => {
    await pass(2_000)
    agreement.onRole({ leader: BIRCH })
    await pass(2_000)
    leader = null
    agreement.onRole({ leader })
    const agreeing = agree()
    await pass(500)
    // Campaigns and their failures are no news: it is lost since it was lost.
    agreement.onRole({ leader })
    leader = ATLAS
    await pass(200)
    assert.equal((await agreeing).index, COMMITTED.index)
  })

  it('gives one that turns up late the time to take its office', async () => {
    leader = null
    await pass(1_400)
    const agreeing = agree()
    await turn()
    leader = ATLAS
    propose = failing('no_orchestrator')
    await pass(1_000)
    propose = async () => COMMITTED
    await pass(200)
    assert.equal((await agreeing).index, COMMITTED.index)
  })

  it('ends when its caller does', async () => {
    leader = null
    const stop = new AbortController()
    const agreeing = agree(stop.signal)
    await turn()
    stop.abort(new CaresError('cancelled', 'scripted'))
    await assert.rejects(agreeing, { code: 'cancelled' })
  })
})

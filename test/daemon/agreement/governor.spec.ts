import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { Consensus } from '../../../src/daemon/agreement/consensus.ts'
import { Governor } from '../../../src/daemon/agreement/governor.ts'
import type { Configuration } from '../../../src/model/consensus.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerListing } from '../../../src/model/service.ts'
import { PRESETS } from '../../../src/model/presets.ts'
import { ATLAS, BIRCH, sampleListing, sampleProfile } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { createTestLog } from '../../support/test-log.ts'

const CEDAR = '12D3KooWCedar' as PeerId
/** With a shorter day. */
const TIMINGS = { ...PRESETS.loopback, forgetAfterMs: 20_000 }

describe('Governor', () => {
  let clock: ManualClock
  let governor: Governor
  let configuration: Configuration
  let active: boolean
  let pending: boolean
  let mute: PeerId | null
  let fenced: PeerId | null
  let changesAsked: number

  beforeEach(async () => {
    clock = new ManualClock()
    configuration = { voters: [ATLAS], learners: [BIRCH] }
    active = true
    pending = false
    mute = null
    fenced = null
    changesAsked = 0
    const consensus = {
      self: ATLAS,
      get configuration() {
        return configuration
      },
      get role() {
        return { active, leader: active ? ATLAS : BIRCH }
      },
      matches: new Map(),
      indices: { last: 0, commit: 0, applied: 0 },
      applied: async () => {},
      silentMs: (peer: PeerId) => (peer === mute ? Number.POSITIVE_INFINITY : 0),
      reconfigure: async (next: Configuration, { from }: { from: Configuration }) => {
        changesAsked++
        await turn() // What was asked before has its turn first.
        if (from !== configuration) throw new CaresError('conflict', 'the members have changed meanwhile')
        if (pending) throw new CaresError('conflict', 'another change is pending')
        configuration = next
      }
    } as unknown as Consensus
    const viewOf = (id: PeerId): PeerListing => {
      const listing = sampleListing({ profile: sampleProfile({ id }) })
      return id === fenced ? { ...listing, stats: { ...listing.stats, fenced: true } } : listing
    }
    const views = (): PeerListing[] => [ATLAS, BIRCH, CEDAR].map(viewOf)
    const members = { views, nameOf: (peer: PeerId) => peer }
    governor = new Governor({ consensus, members, clock, log: createTestLog(), timings: TIMINGS })
    await governor.start()
  })

  afterEach(async () => governor.stop())

  async function pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 50) {
      await turn()
      clock.advance(50)
    }
    await turn()
  }

  const signal = new AbortController().signal

  it('lets a peer in, after the change before it', async () => {
    pending = true
    const admitted = governor.admit(CEDAR, 1, { signal })
    await pass(200)
    assert.equal(configuration.learners.includes(CEDAR), false)
    pending = false
    await pass(100)
    await admitted
    assert.deepEqual(configuration.learners, [BIRCH, CEDAR])
  })

  it('lets two peers in that come at once', async () => {
    configuration = { voters: [ATLAS], learners: [] }
    const admitted = Promise.all([governor.admit(BIRCH, 1, { signal }), governor.admit(CEDAR, 1, { signal })])
    await pass(200)
    await admitted
    assert.deepEqual(configuration.learners.toSorted(), [BIRCH, CEDAR])
  })

  it('lets a peer in that is a member already, without a change', async () => {
    await governor.admit(BIRCH, 1, { signal })
    assert.equal(changesAsked, 0)
  })

  it('decides nothing on a peer that is not the orchestrator', async () => {
    active = false
    await assert.rejects(governor.admit(CEDAR, 1, { signal }), { code: 'not_orchestrator' })
    await assert.rejects(governor.dismiss(BIRCH, { signal }), { code: 'not_orchestrator' })
  })

  it('removes a peer that leaves', async () => {
    const dismissed = governor.dismiss(BIRCH, { signal })
    await pass(200)
    await dismissed
    assert.deepEqual(configuration, { voters: [ATLAS], learners: [] })
  })

  it('gives no vote to a peer that gossips but takes no part', async () => {
    configuration = { voters: [ATLAS], learners: [BIRCH, CEDAR] }
    mute = CEDAR
    await pass(5_000)
    assert.deepEqual(configuration.voters, [ATLAS])
    mute = null
    await pass(5_000)
    assert.deepEqual(configuration.voters.toSorted(), [ATLAS, BIRCH, CEDAR].toSorted())
  })

  describe('with a member that nobody has heard of', () => {
    const GHOST = '12D3KooWGhost' as PeerId
    const { replaceAfterMs, forgetAfterMs } = TIMINGS

    it('gives its vote to another once it has led for as long as a voter may be gone', async () => {
      configuration = { voters: [ATLAS, BIRCH, GHOST], learners: [CEDAR] }
      await pass(replaceAfterMs - 1_000)
      assert.equal(configuration.voters.includes(GHOST), true)
      await pass(2_000)
      assert.deepEqual(configuration, { voters: [ATLAS, BIRCH, CEDAR].toSorted(), learners: [GHOST] })
    })

    it('forgets it after a day', async () => {
      configuration = { voters: [ATLAS, BIRCH, CEDAR], learners: [GHOST] }
      await pass(forgetAfterMs - 1_000)
      assert.deepEqual(configuration.learners, [GHOST])
      await pass(2_000)
      assert.deepEqual(configuration.learners, [])
    })

    it('counts from when it became a member, not from when this peer began to lead', async () => {
      configuration = { voters: [ATLAS, BIRCH, CEDAR], learners: [] }
      await pass(forgetAfterMs)
      await governor.admit(GHOST, 1, { signal })
      await pass(1_000)
      assert.deepEqual(configuration.learners, [GHOST])
    })
  })

  it('gives no vote to a peer that says of itself that it takes no part', async () => {
    configuration = { voters: [ATLAS], learners: [BIRCH, CEDAR] }
    fenced = CEDAR
    await pass(3_000)
    assert.deepEqual(configuration.voters, [ATLAS])
  })

  it('does not remove, in a later term, a peer that has come back since it wanted to leave', async () => {
    pending = true
    const stop = new AbortController()
    const dismissing = governor.dismiss(BIRCH, { signal: stop.signal })
    await pass(100)
    active = false
    await assert.rejects(Promise.all([dismissing, pass(500)]), { code: 'not_orchestrator' })
    await pass(500)
    active = true
    pending = false
    await pass(1_000)
    assert.equal([...configuration.voters, ...configuration.learners].includes(BIRCH), true)
  })
})

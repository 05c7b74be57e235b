import assert from 'node:assert/strict'
import fc from 'fast-check'
import { faultOfChange } from '../../../src/core/consensus/configuration.ts'
import { majority } from '../../../src/core/consensus/quorum.ts'
import {
  type MemberHealth,
  nextVoterChange,
  PROMOTE_LAG_MAX,
  STANDINGS,
  targetVoters,
  type VoterReview
} from '../../../src/core/consensus/voters.ts'
import type { Configuration } from '../../../src/model/consensus.ts'
import type { PeerId } from '../../../src/model/ids.ts'

interface Domain {
  readonly domain: string
}

const timings = { promoteAfterMs: 3_000, replaceAfterMs: 15_000, forgetAfterMs: 86_400_000 }
const nowMs = 100_000
const ids = Array.from({ length: 9 }, (_, index) => `p${index}` as PeerId)
const self = ids[0] as PeerId
const alive: MemberHealth = { state: 'alive', sinceMs: 0, lag: 0 }
const gone: MemberHealth = { state: 'gone', sinceMs: 0, lag: 0 }

/** The first `votersCount` peers vote, the next `learnersCount` learn; all are alive for long, but for what `except` says. */
function review(
  votersCount: number,
  learnersCount: number,
  except: Record<number, Partial<MemberHealth>> = {},
  leaving: readonly number[] = []
): VoterReview {
  return {
    self,
    configuration: { voters: ids.slice(0, votersCount), learners: ids.slice(votersCount, votersCount + learnersCount) },
    health: new Map(ids.map((id, index) => [id, { ...alive, ...except[index] }])),
    leaving: new Set(leaving.map(index => ids[index] as PeerId)),
    timings,
    nowMs
  }
}

function after(input: VoterReview, configuration: Configuration): VoterReview {
  return { ...input, configuration }
}

function decide(input: VoterReview): string {
  const change = nextVoterChange(input)
  return change === null ? 'nothing' : `${change.type} ${change.peer}`
}

describe('the target number of voters', () => {
  it('is 1, 3 or 5 by the number of members', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6, 100].map(targetVoters), [1, 1, 3, 3, 5, 5, 5])
  })
})

describe('the choice of voters', () => {
  const recent = { sinceMs: nowMs - 1_000 }
  const [east, west, south] = ['east', 'west', 'south'].map(domain => ({ domain })) as [Domain, Domain, Domain]
  const forgotten: MemberHealth = { ...gone, sinceMs: nowMs - timings.forgetAfterMs }
  const rows: [claim: string, input: VoterReview, decision: string][] = [
    ['leaves a lone peer alone', review(1, 0), 'nothing'],
    ['keeps one voter of two', review(1, 1), 'nothing'],
    ['begins to grow when the next odd number can be reached', review(1, 2), 'promote p1'],
    ['does not begin to grow to an even number', review(1, 2, { 2: { state: 'suspect' } }), 'nothing'],
    ['goes on to the odd number', review(2, 1), 'promote p2'],
    ['waits for a learner that is new', review(1, 2, { 2: recent }), 'nothing'],
    ['waits for a learner that lacks entries', review(1, 2, { 2: { lag: PROMOTE_LAG_MAX + 1 } }), 'nothing'],
    ['waits between odd numbers while a learner is on its way up', review(2, 1, { 2: recent }), 'nothing'],
    ['goes back to the odd number when none is', review(2, 1, { 2: gone }), 'demote p1'],
    ['promotes the learner that is healthy for longest', review(2, 2, { 2: { sinceMs: 50 }, 3: { sinceMs: 20 } }), 'promote p3'],
    ['is content with three of four', review(3, 1), 'nothing'],
    ['keeps a voter that is gone for a short time', review(3, 1, { 1: { ...gone, ...recent } }), 'nothing'],
    ['promotes a learner in place of a voter that is gone for long', review(3, 1, { 1: gone }), 'promote p3'],
    ['then demotes the one that is gone', review(4, 0, { 1: gone }), 'demote p1'],
    ['keeps a voter that is gone when no learner can take its place', review(3, 1, { 1: gone, 3: { state: 'suspect' } }), 'nothing'],
    ['does not wait at an even number with a voter gone', review(4, 1, { 1: gone, 4: recent }), 'demote p1'],
    ['removes a learner that leaves', review(3, 1, {}, [3]), 'remove p3'],
    ['replaces a voter before it leaves', review(3, 1, {}, [1]), 'promote p3'],
    ['then lets it go', review(4, 0, {}, [1]), 'remove p1'],
    ['lets a voter go for which there is no replacement', review(3, 0, {}, [1]), 'remove p1'],
    ['takes the vote from one that is gone before another leaves two that could not agree', review(3, 0, { 2: gone }, [1]), 'demote p2'],
    ['then lets that one go', review(2, 1, { 2: gone }, [1]), 'remove p1'],
    ['lets one that is gone leave', review(3, 0, { 1: gone }, [1]), 'remove p1'],
    ['lets nobody leave two of whom one may be gone', review(3, 1, { 2: { state: 'suspect' }, 3: recent }, [1]), 'nothing'],
    ['shrinks to one voter when two are left', review(2, 0), 'demote p1'],
    ['does not let the last voter go', review(1, 0, {}, [0]), 'nothing'],
    ['finds another voter before the last one goes, though it leads', review(1, 1, {}, [0]), 'promote p1'],
    ['then lets the leader go', review(2, 0, {}, [0]), 'remove p0'],
    ['lets others go before the leader', review(3, 0, {}, [0, 2]), 'remove p2'],
    ['demotes the least stable of an even number', review(4, 0, { 2: { sinceMs: 90_000 } }), 'demote p2'],
    ['demotes a suspect rather than a living voter', review(4, 0, { 2: { sinceMs: 90_000 }, 3: { state: 'suspect' } }), 'demote p3'],
    ['promotes a learner of another domain first', review(1, 3, { 0: east, 1: east, 2: east, 3: west }), 'promote p3'],
    ['promotes a preferred learner first', review(1, 3, { 2: { standing: 'preferred' } }), 'promote p2'],
    ['promotes a reluctant learner last', review(1, 3, { 1: { standing: 'reluctant' } }), 'promote p2'],
    ['lets a reluctant learner vote where nobody else can', review(2, 1, { 2: { standing: 'reluctant' } }), 'promote p2'],
    ['demotes of a crowded domain first', review(4, 0, { 0: east, 1: west, 2: east, 3: south }), 'demote p2'],
    ['demotes a reluctant voter first', review(4, 0, { 3: { standing: 'reluctant' } }), 'demote p3'],
    ['spreads voters over one more domain', review(3, 1, { 0: east, 1: east, 2: west, 3: south }), 'promote p3'],
    ['does not when the learner is rather new', review(3, 1, { 0: east, 1: east, 2: west, 3: { ...south, sinceMs: 80_000 } }), 'nothing'],
    ['does not while a voter is suspect', review(3, 1, { 0: east, 1: east, 2: { ...west, state: 'suspect' }, 3: south }), 'nothing'],
    ['spares a reluctant voter', review(3, 1, { 1: { standing: 'reluctant' } }), 'promote p3'],
    ['but not at the price of the spread', review(3, 1, { 0: east, 1: { ...west, standing: 'reluctant' }, 2: south, 3: east }), 'nothing'],
    ['keeps a learner that is gone for an hour', review(3, 1, { 3: { ...gone, sinceMs: nowMs - 3_600_000 } }), 'nothing'],
    ['forgets a learner that is gone for a day', review(3, 1, { 3: forgotten }), 'remove p3'],
    ['forgets a voter that is gone for a day and that nobody can replace', review(3, 0, { 1: forgotten }), 'remove p1'],
    ['replaces it where somebody can', review(3, 1, { 1: forgotten }), 'promote p3']
  ]
  for (const [claim, input, decision] of rows) it(claim, () => assert.equal(decide(input), decision))

  const health = fc.record({
    state: fc.constantFrom('alive', 'alive', 'alive', 'suspect', 'gone'),
    sinceMs: fc.constantFrom(-timings.forgetAfterMs, 0, 40_000, 90_000, 98_000, 99_500),
    lag: fc.constantFrom(0, 0, 3, 1_000),
    domain: fc.constantFrom(undefined, 'east', 'west', 'south'),
    standing: fc.constantFrom(undefined, ...STANDINGS)
  })
  const reviews = fc
    .record({
      votersCount: fc.constantFrom(1, 2, 3, 4, 5, 6),
      learnersCount: fc.nat(3),
      health: fc.array(health, { minLength: 9, maxLength: 9 }),
      leaving: fc.uniqueArray(fc.nat(8), { maxLength: 3 })
    })
    .filter(({ votersCount, learnersCount }) => votersCount <= targetVoters(votersCount + learnersCount) + 1)
    .map(({ votersCount, learnersCount, health, leaving }) =>
      review(votersCount, learnersCount, Object.fromEntries(health.entries()), leaving)
    )

  /** How many more of those who stay and live may die before nothing can be committed. */
  function margin({ health, leaving, self }: VoterReview, { voters }: Configuration): number {
    const lives = (voter: PeerId): boolean => voter === self || health.get(voter)?.state === 'alive'
    return voters.filter(voter => lives(voter) && !leaving.has(voter)).length - majority(voters.length)
  }

  it('changes one voter at a time, and never lowers the number of deaths that are survived', () => {
    fc.assert(
      fc.property(reviews, input => {
        const change = nextVoterChange(input)
        if (change === null) return
        assert.equal(faultOfChange(input.configuration, change.configuration), undefined)
        assert.ok(margin(input, change.configuration) >= margin(input, input.configuration), change.reason)
        if (change.peer === input.self) assert.ok(input.leaving.has(input.self), 'the leader removed itself without being asked')
      }),
      { numRuns: 2_000 }
    )
  })

  it('comes to an end, at an odd number of voters unless a learner is on its way up', () => {
    fc.assert(
      fc.property(reviews, input => {
        let at = input
        let changes = 0
        for (let change = nextVoterChange(at); change !== null; change = nextVoterChange(at)) {
          at = after(at, change.configuration)
          changes += 1
          assert.ok(changes <= 20, `does not end: ${change.type} ${change.peer}`)
          // Having removed itself, this leader leads no more.
          if (!change.configuration.voters.includes(at.self)) return
        }
        const { voters, learners } = at.configuration
        const isHelpComing = learners.some(learner => at.health.get(learner)?.state === 'alive')
        assert.ok(voters.length % 2 === 1 || isHelpComing, `${voters.length} voters`)
      }),
      { numRuns: 2_000 }
    )
  })

  it('reaches the target when all are healthy', () => {
    for (let members = 1; members <= 9; members += 1) {
      let at = review(1, members - 1)
      for (let change = nextVoterChange(at); change !== null; change = nextVoterChange(at)) at = after(at, change.configuration)
      assert.equal(at.configuration.voters.length, targetVoters(members), `${members} members`)
      assert.equal(at.configuration.voters.length + at.configuration.learners.length, members)
    }
  })
})

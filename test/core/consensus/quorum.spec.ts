import assert from 'node:assert/strict'
import fc from 'fast-check'
import { majority, reachedByMajority, tally } from '../../../src/core/consensus/quorum.ts'
import type { PeerId } from '../../../src/model/ids.ts'

const peers = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as PeerId[]
const voters = fc.shuffledSubarray(peers, { minLength: 1 })

/** Every subset of `items`. */
function subsets<Item>(items: readonly Item[]): Item[][] {
  return items.reduce<Item[][]>((sets, item) => sets.concat(sets.map(set => set.concat([item]))), [[]])
}

describe('majority', () => {
  it('is the least size at which any two groups of voters share one', () => {
    for (let count = 1; count <= peers.length; count += 1) {
      const all = peers.slice(0, count)
      const overlaps = (size: number): boolean => {
        const groups = subsets(all).filter(group => group.length === size)
        return groups.every(a => groups.every(b => a.some(peer => b.includes(peer))))
      }
      const least = all.findIndex((_, size) => overlaps(size + 1)) + 1
      assert.equal(majority(count), least, `${count} voters`)
    }
  })
})

describe('reachedByMajority', () => {
  it('is the highest value for which a group of that size can be found', () => {
    fc.assert(
      fc.property(voters, fc.array(fc.nat(9), { minLength: 7, maxLength: 7 }), (chosen, values) => {
        const reachedBy = (voter: PeerId): number => values[peers.indexOf(voter)] ?? 0
        const isReached = (value: number): boolean =>
          subsets(chosen).some(group => group.length * 2 > chosen.length && group.every(voter => reachedBy(voter) >= value))
        const highest = Math.max(...Array.from({ length: 10 }, (_, value) => value).filter(isReached))
        assert.equal(reachedByMajority(chosen, reachedBy), highest)
      })
    )
  })

  it('is 0 without voters', () => {
    assert.equal(
      reachedByMajority([], () => 5),
      0
    )
  })
})

describe('tally', () => {
  it('agrees with counting every way in which the open votes can turn out', () => {
    const vote = fc.option(fc.boolean(), { nil: undefined })
    fc.assert(
      fc.property(voters, fc.array(vote, { minLength: 7, maxLength: 7 }), (chosen, answers) => {
        const votes = new Map<PeerId, boolean>()
        for (const [index, answer] of answers.entries()) {
          const peer = peers[index]
          if (peer !== undefined && answer !== undefined) votes.set(peer, answer)
        }
        const granted = chosen.filter(voter => votes.get(voter) === true).length
        const open = chosen.filter(voter => !votes.has(voter)).length
        const endings = Array.from({ length: open + 1 }, (_, more) => (granted + more) * 2 > chosen.length)
        const expected = granted * 2 > chosen.length ? 'won' : endings.some(Boolean) ? 'open' : 'lost'
        assert.equal(tally(chosen, votes), expected)
      })
    )
  })

  it('does not count a vote of a peer that is no voter', () => {
    const [a, b, c] = peers as [PeerId, PeerId, PeerId]
    assert.equal(
      tally(
        [a, b],
        new Map([
          [a, true],
          [c, true]
        ])
      ),
      'open'
    )
  })
})

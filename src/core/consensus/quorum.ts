import type { PeerId } from '../../model/ids.ts'

/** The least number of `votersCount` voters such that any two such groups share one. */
export function majority(votersCount: number): number {
  return Math.floor(votersCount / 2) + 1
}

/** The highest value that a majority of the voters has reached, given what each has reached; 0 without voters. */
export function reachedByMajority(voters: readonly PeerId[], reachedBy: (voter: PeerId) => number): number {
  const descending = voters.map(reachedBy).sort((a, b) => b - a)
  return descending[majority(voters.length) - 1] ?? 0
}

/** What the votes so far amount to. Votes of peers that are not voters do not count; without voters nobody can win. */
export function tally(voters: readonly PeerId[], votes: ReadonlyMap<PeerId, boolean>): 'won' | 'lost' | 'open' {
  const needed = majority(voters.length)
  let granted = 0
  let refused = 0
  for (const voter of voters) {
    const vote = votes.get(voter)
    if (vote === true) granted += 1
    if (vote === false) refused += 1
  }
  if (granted >= needed) return 'won'
  return refused > voters.length - needed ? 'lost' : 'open'
}

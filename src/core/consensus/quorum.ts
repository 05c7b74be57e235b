import type { PeerId } from '../../model/ids.ts'

/** The least number of `votersCount` voters such that any two such groups share one. */
export function majority(votersCount: number): number {
  return Math.floor(votersCount / 2) + 1
}

/** The highest value that a majority of the voters has reached, given what each has reached; 0 without voters. */
export function reachedByMajority(voters: readonly PeerId[], reachedBy: (voter: PeerId) => number): number {
  const reached = voters.map(reachedBy)
  const needed = majority(voters.length)
  let highest = 0
  for (const value of reached) {
    if (value > highest && countAtLeast(reached, value) >= needed) highest = value
  }
  return highest
}

function countAtLeast(values: readonly number[], least: number): number {
  let count = 0
  for (const value of values) if (value >= least) count += 1
  return count
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

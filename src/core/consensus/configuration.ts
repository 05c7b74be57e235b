import type { Configuration } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
import { MEMBERS_MAX } from './limits.ts'

/** Why a configuration may not follow another, or undefined when it may. */
export type ConfigurationFault = 'invalid' | 'unchanged' | 'two-voters' | 'outdated'

/** The configuration in the form that is logged: both lists sorted. */
export function normalize({ voters, learners }: Configuration): Configuration {
  return { voters: voters.toSorted(), learners: learners.toSorted() }
}

/**
 * Whether `next` may directly follow `current`: at most one voter differs, so that any two majorities of both share a peer (Ongaro 2014,
 * section 4.1). Learners count in no majority, so any number of them may change. Both must be normalized.
 */
export function faultOfChange(current: Configuration, next: Configuration): ConfigurationFault | undefined {
  const members = new Set([...next.voters, ...next.learners])
  const isDisjoint = members.size === next.voters.length + next.learners.length
  if (!isDisjoint || next.voters.length === 0 || members.size > MEMBERS_MAX) return 'invalid'
  const changedVoters = difference(current.voters, next.voters) + difference(next.voters, current.voters)
  if (changedVoters > 1) return 'two-voters'
  const changedLearners = difference(current.learners, next.learners) + difference(next.learners, current.learners)
  return changedVoters + changedLearners === 0 ? 'unchanged' : undefined
}

/**
 * What the first peer of a new cluster writes to its empty log before it starts: a configuration in which it is the one voter. It then
 * elects itself at its first tick. Every later member gets this entry by the log, like any other.
 */
export function firstBatch(self: PeerId): PersistBatch {
  const configuration: Configuration = { voters: [self], learners: [] }
  return { hardState: { term: 1, votedFor: null }, append: [{ index: 1, term: 1, kind: 'configuration', configuration }] }
}

function difference(of: readonly PeerId[], from: readonly PeerId[]): number {
  return of.filter(peer => !from.includes(peer)).length
}

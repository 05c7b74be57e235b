import { majority } from '../../core/consensus/quorum.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'

/** The voters of a cluster, as one peer sees them now. */
export interface VotersNow {
  readonly voters: readonly PeerId[]
  /** Not heard, or not for too long. */
  readonly gone: readonly PeerId[]
  /** Alive, but without a part in consensus: their disks failed, or do not hold what they should. */
  readonly fenced: readonly PeerId[]
}

/** What `views` say of the voters. One without a view counts as gone, as one does that is suspected. */
export function votersNow(voters: readonly PeerId[], views: readonly PeerView[]): VotersNow {
  const there = new Map(
    views.flatMap(({ profile, stats, state }) => (state === 'alive' || state === 'draining' ? [[profile.id, stats] as const] : []))
  )
  return {
    voters,
    gone: voters.filter(voter => !there.has(voter)),
    fenced: voters.filter(voter => there.get(voter)?.fenced === true)
  }
}

/** Voters that take part now. */
export function votersLeft({ voters, gone, fenced }: VotersNow): number {
  return voters.length - gone.length - fenced.length
}

/** How many more voters may die with uploads going on. */
export function faultTolerance(now: VotersNow): number {
  return Math.max(0, votersLeft(now) - majority(now.voters.length))
}

/** Why those that are left cannot elect anybody; null when they can. */
export function quorumLoss(now: VotersNow, nameOf: (peer: PeerId) => string): string | null {
  return votersLeft(now) >= majority(now.voters.length) ? null : `the quorum is lost: ${lostVoters(now, nameOf)}`
}

/** Which voters take no part now, and how many must; for when there are some. */
export function lostVoters({ voters, gone, fenced }: VotersNow, nameOf: (peer: PeerId) => string): string {
  const needed = majority(voters.length)
  const lost = [
    { peers: gone, one: 'is gone', many: 'are gone' },
    { peers: fenced, one: 'takes no part any more', many: 'take no part any more' }
  ].filter(({ peers }) => peers.length > 0)
  const parts = lost.map(({ peers, one, many }, at) => {
    const count = at > 0 ? String(peers.length) : `${peers.length} of ${voters.length} voters`
    return `${count} ${peers.length === 1 ? one : many} (${peers.map(nameOf).join(', ')})`
  })
  return `${parts.join(' and ')}, ${needed} ${needed === 1 ? 'is' : 'are'} needed`
}

/** Why nobody leads. Where one other peer votes, nobody else can be elected: it has fallen silent, though it is not taken for gone yet. */
export function leaderlessReason(now: VotersNow, self: PeerId, nameOf: (peer: PeerId) => string): string {
  const [only, ...others] = now.voters
  const isOnly = only !== undefined && only !== self && others.length === 0
  return quorumLoss(now, nameOf) ?? (isOnly ? `the only voter, ${nameOf(only)}, is silent` : 'an election is under way')
}

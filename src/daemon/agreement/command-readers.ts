import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Members } from '../members/members.ts'

/** Names that one message has; the others are counted. */
const NAMED_MAX = 5

/** The newest version of commands that a peer reads, as it says; one that says nothing was made when there was only the first. */
export function versionReadBy({ commandVersion }: Pick<PeerProfile, 'commandVersion'>): number {
  return commandVersion ?? 1
}

/**
 * Why a command of this version may not come into the log while these are its readers; null when it may. A reader that has not been heard may be too
 * old: it is asked for again in a moment.
 */
export function newVersionRefusal(
  version: number,
  readers: readonly PeerId[],
  members: Pick<Members, 'views' | 'nameOf'>
): CaresError | null {
  const nameOf = (peer: PeerId): string => members.nameOf(peer)
  const profiles = new Map(members.views().map(({ profile }) => [profile.id, profile]))
  const tooOld = readers.filter(peer => {
    const profile = profiles.get(peer)
    return profile !== undefined && versionReadBy(profile) < version
  })
  const unheard = readers.filter(peer => !profiles.has(peer))
  if (tooOld.length > 0) {
    return new CaresError(
      'incompatible',
      `not every member can read this yet: ${listOf(tooOld, nameOf)} ${tooOld.length === 1 ? 'runs' : 'run'} an older version of CARES`,
      {
        hint: `upgrade ${listOf(tooOld, nameOf)} and try again; one that is gone for good: cares leave PEER`,
        details: { commandVersion: version, tooOld }
      }
    )
  }
  if (unheard.length === 0) return null
  return new CaresError(
    'incompatible',
    `whether every member can read this is not known yet: ${listOf(unheard, nameOf)} ${unheard.length === 1 ? 'has' : 'have'} not been heard`,
    {
      retryable: true,
      hint: 'try again in some seconds; if that does not help, see which peers are gone: cares peers',
      details: { commandVersion: version, unheard, retryAfterMs: 1_000 }
    }
  )
}

/** Why a peer cannot read commands of this version, by what it says of itself; null when it can, or has not been heard. */
export function unreadableBy(peer: PeerId, version: number, members: Pick<Members, 'views' | 'nameOf' | 'profileOf'>): CaresError | null {
  return members.profileOf(peer) === undefined ? null : newVersionRefusal(version, [peer], members)
}

/** Why a peer that reads no newer commands than those of version `reads` may not become a member: the log has newer ones. Null when it may. */
export function memberRefusal(reads: number, commandVersion: number): CaresError | null {
  if (reads >= commandVersion) return null
  return new CaresError(
    'incompatible',
    `the cluster has agreed on commands of version ${commandVersion}, the joining peer reads up to ${reads}: it runs an older version of CARES`,
    { hint: 'upgrade it to the newest version that a peer of the cluster runs, and start it again', details: { tooOld: true } }
  )
}

function listOf(peers: readonly PeerId[], nameOf: (peer: PeerId) => string): string {
  const more = peers.length - NAMED_MAX
  return `${peers.slice(0, NAMED_MAX).map(nameOf).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

import type { Configuration } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Timings } from '../../model/presets.ts'
import { normalize } from './configuration.ts'
import { membersOf } from './log.ts'
import { majority } from './quorum.ts'

/** What the leader knows of a member's health, on its own clock. */
export interface MemberHealth {
  readonly state: 'alive' | 'suspect' | 'gone'
  /** Since when it is in that state. */
  readonly sinceMs: number
  /** Log entries that it lacks; of itself, 0. */
  readonly lag: number
  /** What it shares its fate with: a rack, a building, a power line. Voters are spread over these. @default its own */
  readonly domain?: string | undefined
  /** How gladly its operator sees it vote and lead. @default 'ordinary' */
  readonly standing?: Standing | undefined
}

/** `preferred` comes before `ordinary`, and `reluctant` only where nobody else can. Never a matter of safety. */
export const STANDINGS = ['preferred', 'ordinary', 'reluctant'] as const
export type Standing = (typeof STANDINGS)[number]

/** What the choice of voters depends on. */
export interface VoterReview {
  /** The leader, which decides. */
  readonly self: PeerId
  readonly configuration: Configuration
  /** Members without an entry count as gone, since now. `self` needs none. */
  readonly health: ReadonlyMap<PeerId, MemberHealth>
  /** Members that asked to leave for good, or whose operator did. */
  readonly leaving: ReadonlySet<PeerId>
  readonly timings: Pick<Timings, 'promoteAfterMs' | 'replaceAfterMs' | 'forgetAfterMs'>
  readonly nowMs: number
}

/** One step towards the right voters; `configuration` is what to hand to `reconfigure`. */
export interface VoterChange {
  readonly type: 'promote' | 'demote' | 'remove'
  readonly peer: PeerId
  readonly configuration: Configuration
  /** Why, for people: `voter gone for 15000 ms`. */
  readonly reason: string
}

/** A learner this many entries behind catches up within one append; until then, it would hold commits up as a voter. */
export const PROMOTE_LAG_MAX = 64

/** A better spread is worth a change only with a learner that has been healthy for so many times `promoteAfterMs`. */
const SETTLED_RATIO = 10

/**
 * How many voters a cluster of `membersCount` peers should have. Odd, since an even voter costs a quorum member and survives nothing more;
 * 1 of 2, since two voters survive less than one; at most 5, since each voter is one more disk to wait for.
 */
export function targetVoters(membersCount: number): 1 | 3 | 5 {
  if (membersCount < 3) return 1
  return membersCount < 5 ? 3 : 5
}

/**
 * The next single change of members, or null when all is as it should be (or nothing can be done). To be asked again when the change is
 * committed. It never takes a voter away before its replacement counts, so that as many further deaths are survived after each change as
 * before it; an even number of voters is only ever a step on the way. The leader never removes itself, unless it is leaving.
 */
export function nextVoterChange(review: VoterReview): VoterChange | null {
  return removeLeaver(review) ?? fillUp(review) ?? replaceGone(review) ?? removeForgotten(review) ?? improve(review) ?? shrink(review)
}

/** Lets a member go that asked for it. The last voter stays until another one counts. */
function removeLeaver(review: VoterReview): VoterChange | null {
  const { configuration, leaving } = review
  const learner = configuration.learners.find(peer => leaving.has(peer))
  if (learner !== undefined) return remove(review, learner, 'it is leaving')
  const voter = configuration.voters.filter(peer => leaving.has(peer)).sort(selfLast(review))[0]
  if (voter === undefined) return null
  const staying = configuration.voters.filter(peer => !leaving.has(peer))
  const heir = staying.length < target(review) ? promotable(review)[0] : undefined
  if (heir !== undefined) return promote(review, heir, `${voter} is leaving`)
  if (staying.length === 0) return null
  const next = configuration.voters.filter(peer => peer !== voter)
  if (canAgree(review, next)) return remove(review, voter, 'it is leaving')
  // Of two that are left one may be gone: nothing could be agreed any more, not even that. So that one goes first, while there are three.
  const gone = next.find(peer => healthOf(review, peer).state === 'gone')
  return gone === undefined ? null : demote(review, gone, `it is gone, and ${voter} is leaving`)
}

/** Whether so many of `voters` are there that they could go on among themselves. */
function canAgree(review: VoterReview, voters: readonly PeerId[]): boolean {
  return voters.filter(peer => healthOf(review, peer).state === 'alive').length >= majority(voters.length)
}

/** Grows to the target. From an odd number it starts only when it can reach the next odd one. */
function fillUp(review: VoterReview): VoterChange | null {
  const { voters } = review.configuration
  if (voters.length >= target(review)) return null
  const candidates = promotable(review)
  const needed = isOdd(voters.length) ? 2 : 1
  const first = candidates[0]
  if (first === undefined || candidates.length < needed) return null
  return promote(review, first, `${voters.length} of ${target(review)} voters`)
}

/** A learner takes the place of a voter that is gone for too long: it is promoted here; `shrink` then demotes the one that is gone. */
function replaceGone(review: VoterReview): VoterChange | null {
  const { configuration, timings, nowMs } = review
  if (!isOdd(configuration.voters.length)) return null
  const dead = configuration.voters.find(voter => {
    const { state, sinceMs } = healthOf(review, voter)
    return state === 'gone' && nowMs - sinceMs >= timings.replaceAfterMs
  })
  const heir = promotable(review)[0]
  if (dead === undefined || heir === undefined) return null
  return promote(review, heir, `${dead} is gone for ${Math.round(nowMs - healthOf(review, dead).sinceMs)} ms`)
}

/** Lets a member go that has not been seen for long. Voters go last: one for which there is a learner has been replaced long before. */
function removeForgotten(review: VoterReview): VoterChange | null {
  const { configuration, self, timings, nowMs } = review
  const forgotten = [...configuration.learners, ...configuration.voters].find(peer => {
    const { state, sinceMs } = healthOf(review, peer)
    return peer !== self && state === 'gone' && nowMs - sinceMs >= timings.forgetAfterMs
  })
  return forgotten === undefined ? null : remove(review, forgotten, `gone for ${timings.forgetAfterMs / 3_600_000} h`)
}

/**
 * A learner takes the place of a living voter where that spreads the voters over more domains, or spares a reluctant one: it is promoted here;
 * `shrink` then demotes the other. Only while all voters live, and each time the sum of both gets better, so that it ends.
 */
function improve(review: VoterReview): VoterChange | null {
  const { configuration, self, timings, nowMs } = review
  const { voters } = configuration
  if (voters.length !== target(review) || !voters.every(voter => isAlive(review, voter))) return null
  const settledMs = SETTLED_RATIO * timings.promoteAfterMs
  const heir = promotable(review).find(learner => nowMs - healthOf(review, learner).sinceMs >= settledMs)
  if (heir === undefined) return null
  const weakest = weakestOf(review, [...voters, heir])
  if (weakest === undefined || weakest === heir || weakest === self) return null
  const next = voters.map(voter => (voter === weakest ? heir : voter))
  const [domainsNow, domainsNext] = [voters, next].map(peers => new Set(peers.map(peer => domainOf(review, peer))).size)
  const [reluctantNow, reluctantNext] = [voters, next].map(peers => peers.filter(peer => standingRank(review, peer) === 2).length)
  if (domainsNow === undefined || domainsNext === undefined || reluctantNow === undefined || reluctantNext === undefined) return null
  if (domainsNext < domainsNow || reluctantNext > reluctantNow) return null
  if (domainsNext === domainsNow && reluctantNext === reluctantNow) return null
  return promote(review, heir, `a better place for a vote than ${weakest}`)
}

/**
 * Ends an even number of voters, by taking the least useful one away, unless a learner that is on its way up will make it odd. Ends any
 * number above the target as well, which nothing here brings about.
 */
function shrink(review: VoterReview): VoterChange | null {
  const { configuration } = review
  if (isOdd(configuration.voters.length) && configuration.voters.length <= target(review)) return null
  const isWhole = configuration.voters.every(voter => healthOf(review, voter).state !== 'gone')
  const isHelpComing = configuration.voters.length < target(review) && configuration.learners.some(peer => isAlive(review, peer))
  if (isWhole && isHelpComing) return null
  const weakest = weakestOf(review, configuration.voters)
  if (weakest === undefined) return null
  return demote(review, weakest, `${configuration.voters.length} voters are too many, and ${weakest} is the least stable`)
}

function demote({ configuration }: VoterReview, peer: PeerId, reason: string): VoterChange {
  const voters = configuration.voters.filter(voter => voter !== peer)
  return { type: 'demote', peer, configuration: normalize({ voters, learners: [...configuration.learners, peer] }), reason }
}

function promote({ configuration }: VoterReview, peer: PeerId, reason: string): VoterChange {
  const learners = configuration.learners.filter(learner => learner !== peer)
  return { type: 'promote', peer, configuration: normalize({ voters: [...configuration.voters, peer], learners }), reason }
}

function remove({ configuration: { voters, learners } }: VoterReview, peer: PeerId, reason: string): VoterChange {
  const configuration = normalize({
    voters: voters.filter(voter => voter !== peer),
    learners: learners.filter(learner => learner !== peer)
  })
  return { type: 'remove', peer, configuration, reason }
}

/** Learners that may become voters: by standing, then those whose domain has the fewest voters, then the longest healthy first. */
function promotable(review: VoterReview): readonly PeerId[] {
  const { configuration, leaving, timings, nowMs } = review
  const ready = configuration.learners.filter(learner => {
    const { state, sinceMs, lag } = healthOf(review, learner)
    return state === 'alive' && nowMs - sinceMs >= timings.promoteAfterMs && lag <= PROMOTE_LAG_MAX && !leaving.has(learner)
  })
  const crowd = crowdIn(review, configuration.voters)
  return ready.sort(
    (a, b) =>
      standingRank(review, a) - standingRank(review, b) ||
      crowd(a) - crowd(b) ||
      healthOf(review, a).sinceMs - healthOf(review, b).sinceMs ||
      compareIds(a, b)
  )
}

/**
 * Whom of `voters`, but for the leader, to take the vote from: gone before suspect before alive; of two alike the more reluctant one, then the
 * one with more voters in its domain, then the one whose state is younger if alive, older if not.
 */
function weakestOf(review: VoterReview, voters: readonly PeerId[]): PeerId | undefined {
  const rank = { gone: 0, suspect: 1, alive: 2 }
  const crowd = crowdIn(review, voters)
  const weakestFirst = (a: PeerId, b: PeerId): number => {
    const [left, right] = [healthOf(review, a), healthOf(review, b)]
    const olderFirst = left.sinceMs - right.sinceMs
    return (
      rank[left.state] - rank[right.state] ||
      standingRank(review, b) - standingRank(review, a) ||
      crowd(b) - crowd(a) ||
      (left.state === 'alive' ? -olderFirst : olderFirst) ||
      compareIds(a, b)
    )
  }
  return voters.filter(voter => voter !== review.self).sort(weakestFirst)[0]
}

/** How many of `voters` are in the domain of a peer. */
function crowdIn(review: VoterReview, voters: readonly PeerId[]): (peer: PeerId) => number {
  return peer => voters.filter(voter => domainOf(review, voter) === domainOf(review, peer)).length
}

function domainOf({ health }: VoterReview, peer: PeerId): string {
  // The prefix keeps the name of a domain from being the id of a peer.
  const domain = health.get(peer)?.domain
  return domain === undefined ? peer : `domain ${domain}`
}

/** 0 for `preferred`, 1 for `ordinary`, 2 for `reluctant`. */
function standingRank({ health }: VoterReview, peer: PeerId): number {
  return STANDINGS.indexOf(health.get(peer)?.standing ?? 'ordinary')
}

function selfLast({ self }: VoterReview): (a: PeerId, b: PeerId) => number {
  return (a, b) => Number(a === self) - Number(b === self) || compareIds(a, b)
}

function healthOf({ self, health, nowMs }: VoterReview, peer: PeerId): MemberHealth {
  if (peer === self) return { state: 'alive', sinceMs: Number.NEGATIVE_INFINITY, lag: 0 }
  return health.get(peer) ?? { state: 'gone', sinceMs: nowMs, lag: 0 }
}

function isAlive(review: VoterReview, peer: PeerId): boolean {
  return healthOf(review, peer).state === 'alive' && !review.leaving.has(peer)
}

function target({ configuration, leaving }: VoterReview): number {
  return targetVoters(membersOf(configuration).filter(peer => !leaving.has(peer)).length)
}

function isOdd(count: number): boolean {
  return count % 2 === 1
}

function compareIds(a: PeerId, b: PeerId): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

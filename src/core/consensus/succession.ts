import type { Configuration } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import { type MemberHealth, PROMOTE_LAG_MAX, STANDINGS } from './voters.ts'

/** What the choice of a better leader depends on. */
export interface SuccessionReview {
  /** The leader, which decides. */
  readonly self: PeerId
  readonly configuration: Configuration
  readonly health: ReadonlyMap<PeerId, MemberHealth>
  /** Peers that are asked to take no new work. */
  readonly draining: ReadonlySet<PeerId>
  /** Since when this peer leads. */
  readonly sinceMs: number
  /** When it last asked somebody to take over; -Infinity: never. */
  readonly askedAtMs: number
  readonly nowMs: number
}

/** A leader that has just come into office is left alone: moving the role costs a moment without orchestrator. */
export const SETTLE_MS = 30_000
/** An heir must have been healthy for so long. */
export const STEADY_MS = 30_000
/** Between two attempts for the sake of a preference. */
export const PREFER_EVERY_MS = 600_000
/** Between two attempts of a leader that drains: it waits to be relieved. */
export const DRAIN_EVERY_MS = 10_000

/**
 * Whom the leader should ask to take over, and why; null when it should stay. It goes when it drains and another voter does not, and when its
 * operator would rather see another voter lead; never to one that lacks entries. The pauses keep the role from moving to and fro.
 */
export function nextLeader(review: SuccessionReview): { readonly to: PeerId; readonly reason: string } | null {
  const { self, configuration, health, draining, sinceMs, askedAtMs, nowMs } = review
  const rank = (peer: PeerId): number => STANDINGS.indexOf(health.get(peer)?.standing ?? 'ordinary')
  const isDraining = draining.has(self)
  const steadyMs = isDraining ? 0 : STEADY_MS
  const heirs = configuration.voters
    .filter(voter => {
      const known = health.get(voter)
      const isSteady = known?.state === 'alive' && nowMs - known.sinceMs >= steadyMs && known.lag <= PROMOTE_LAG_MAX
      return voter !== self && isSteady && !draining.has(voter)
    })
    .sort((a, b) => rank(a) - rank(b) || (health.get(a)?.sinceMs ?? 0) - (health.get(b)?.sinceMs ?? 0) || (a < b ? -1 : 1))
  const heir = heirs[0]
  if (heir === undefined) return null
  if (isDraining) return nowMs - askedAtMs >= DRAIN_EVERY_MS ? { to: heir, reason: 'this peer is draining' } : null
  if (nowMs - sinceMs < SETTLE_MS || nowMs - askedAtMs < PREFER_EVERY_MS || rank(heir) >= rank(self)) return null
  return { to: heir, reason: `its standing is ${health.get(heir)?.standing ?? 'ordinary'}` }
}

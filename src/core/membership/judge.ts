import { FRESH_INTERVALS, GONE_INTERVALS } from './limits.ts'
import { compareWords, type KnownPeer, type Liveness, type MembershipState, newestWord } from './state.ts'

/**
 * What the evidence says of a peer now, whatever was believed before. In this order: its own good-bye; a closed connection; the orchestrator,
 * which hears everyone's reports (this peer itself, or by digest); and, where no orchestrator is heard, the peer's own heartbeats.
 */
export function judge(state: MembershipState, peer: KnownPeer, nowMs: number): Liveness {
  const patience = 1 + state.doubt
  const suspectAfterMs = state.timings.suspectAfterMs * patience
  const goneAfterMs = state.timings.goneAfterMs * patience
  if (peer.profile.id === state.self) return 'alive'
  if (peer.left) return 'gone'

  // A newer word would have cleared this. It makes a killed process suspect at once, while one behind a broken link is given time.
  if (peer.closedAtMs !== null) {
    // Peers that still hear it pass its heartbeats on: only when one was due and did not come is it confirmed to be gone.
    const confirmedAfterMs = Math.max(goneAfterMs / 2, FRESH_INTERVALS * peer.nextWithinMs)
    return nowMs - Math.max(peer.closedAtMs, state.awakeSinceMs) >= confirmedAfterMs ? 'gone' : 'suspect'
  }

  const silentMs = nowMs - Math.max(peer.heardAtMs, state.awakeSinceMs)
  const byOrchestrator = isOrchestrator(state) ? judgeByReports(state, peer, nowMs) : judgeByDigest(state, peer, nowMs)
  if (byOrchestrator === 'suspect') {
    // The orchestrator does not reach it, but others may: as long as its heartbeats come, it is not gone.
    return silentMs >= Math.max(goneAfterMs, FRESH_INTERVALS * peer.nextWithinMs) ? 'gone' : 'suspect'
  }
  if (byOrchestrator !== null) return byOrchestrator

  if (silentMs >= Math.max(goneAfterMs, GONE_INTERVALS * peer.nextWithinMs)) return 'gone'
  return silentMs >= Math.max(suspectAfterMs, FRESH_INTERVALS * peer.nextWithinMs) ? 'suspect' : 'alive'
}

function isOrchestrator({ orchestrator, self }: MembershipState): boolean {
  return orchestrator === self
}

/** As the orchestrator: members report each second. Null where no report can be expected yet, or ever. */
function judgeByReports(state: MembershipState, peer: KnownPeer, nowMs: number): Liveness | null {
  if (!state.members.has(peer.profile.id)) return null
  const reportedAtMs = peer.reportedAtMs ?? Number.NEGATIVE_INFINITY
  const expectedSinceMs = Math.max(state.orchestratorSinceMs, peer.hereSinceMs, state.awakeSinceMs)
  if (nowMs - Math.max(reportedAtMs, expectedSinceMs) >= state.timings.suspectAfterMs * (1 + state.doubt)) return 'suspect'
  return reportedAtMs >= state.orchestratorSinceMs ? 'alive' : null
}

/** As anybody else: what the orchestrator says, as long as it is heard. Null where it is not, or does not know. */
function judgeByDigest(state: MembershipState, { line, ...peer }: KnownPeer, nowMs: number): Liveness | null {
  const { digest } = state
  if (digest === null || line === null || digest.term < state.term) return null
  if (nowMs - Math.max(digest.heardAtMs, state.awakeSinceMs) >= state.timings.suspectAfterMs) return null
  // This peer has a newer word of it than the orchestrator had.
  if (line.liveness === 'gone' && compareWords(newestWord(peer), line) > 0) return null
  return line.liveness
}

import type { PeerProfile, PeerStats } from '../../model/peer.ts'

/**
 * Cores that a newcomer must share. The measured use lags behind: an execution that has just been admitted does not show in it yet, so it
 * counts as a core, or as what it may use if that is less. Idle warm containers have cores reserved but use none, so reservations alone
 * would be too much. Use beyond what the peer offers is other work on cores that it does not offer.
 * Pressure adds the work that was ready to run and could not: in a share of p of the time at least one task waited, so at least p did on average.
 */
export function cpusBusy({ capacity }: PeerProfile, { cpusUsed, cpusReserved, running, pressure }: PeerStats): number {
  return Math.max(Math.min(cpusUsed, capacity.cpus) + (pressure?.cpuRatio ?? 0), Math.min(running, cpusReserved))
}

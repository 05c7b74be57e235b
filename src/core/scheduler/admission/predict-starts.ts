import type { Amounts, Resource } from '../../../model/admission.ts'
import type { PeerId } from '../../../model/ids.ts'
import { hasRoom, NOTHING, plus } from './amounts.ts'

/** What one machine has left, and what will come free on it. */
export interface Room {
  readonly peer: PeerId
  /** Below 0 where it is over its target. */
  readonly free: Amounts
  readonly ends: readonly { readonly amounts: Amounts; readonly atMs: number }[]
  /** So much must be free before anything starts that wants of it, though it would fit into less. Absent: nothing. */
  readonly reopensAt?: Amounts | undefined
}

/** Work to be started. */
export interface ToStart {
  readonly predicted: Amounts
  readonly predictedMs: number
  readonly pinnedTo?: PeerId | undefined
  /** A machine that starts it whatever its `reopensAt`. */
  readonly reservedOn?: PeerId | undefined
}

interface Track {
  readonly peer: PeerId
  free: Amounts
  readonly reopensAt: Amounts
  ends: { amounts: Amounts; atMs: number }[]
}

/**
 * When each of `waiting` is expected to start, in its order, if everything takes as long as predicted: list scheduling (Graham 1966), each on
 * the machine that has room first, and none before the one ahead of it. When something ends that should have ended by now, nobody knows: it is
 * not waited for. What never fits starts never (Infinity).
 */
export function predictStarts(waiting: readonly ToStart[], rooms: readonly Room[], nowMs: number): number[] {
  const tracks: Track[] = rooms.map(({ peer, free, ends, reopensAt = NOTHING }) => ({
    peer,
    free,
    reopensAt,
    ends: ends.filter(({ atMs }) => atMs > nowMs).toSorted((a, b) => a.atMs - b.atMs)
  }))
  let notBefore = nowMs
  return waiting.map(({ predicted, predictedMs, pinnedTo, reservedOn }) => {
    let best: Track | undefined
    let startMs = Number.POSITIVE_INFINITY
    for (const track of tracks) {
      if (pinnedTo !== undefined && pinnedTo !== track.peer) continue
      const atMs = Math.max(notBefore, fitsAt(track, track.peer === reservedOn ? predicted : toStart(predicted, track.reopensAt), nowMs))
      if (atMs >= startMs) continue
      best = track
      startMs = atMs
    }
    if (best === undefined) return startMs
    occupy(best, predicted, startMs, predictedMs)
    notBefore = startMs
    return startMs
  })
}

/** What must be free for work to start: what it wants, and of what it wants any, so much that the machine takes on new work. */
function toStart(wanted: Amounts, reopensAt: Amounts): Amounts {
  const of = (resource: Resource): number => (wanted[resource] > 0 ? Math.max(wanted[resource], reopensAt[resource]) : 0)
  return { cpus: of('cpus'), memoryBytes: of('memoryBytes'), diskBytes: of('diskBytes') }
}

/** The first moment at which so much is free. */
function fitsAt({ free, ends }: Track, wanted: Amounts, nowMs: number): number {
  let left = free
  if (hasRoom(left, wanted)) return nowMs
  for (const { amounts, atMs } of ends) {
    left = plus(left, amounts)
    if (hasRoom(left, wanted)) return atMs
  }
  return Number.POSITIVE_INFINITY
}

function occupy(track: Track, amounts: Amounts, startMs: number, predictedMs: number): void {
  while (track.ends[0] !== undefined && track.ends[0].atMs <= startMs) track.free = plus(track.free, track.ends.shift()?.amounts ?? amounts)
  track.free = plus(track.free, amounts, -1)
  const end = { amounts, atMs: startMs + predictedMs }
  const at = track.ends.findIndex(({ atMs }) => atMs > end.atMs)
  track.ends.splice(at === -1 ? track.ends.length : at, 0, end)
}

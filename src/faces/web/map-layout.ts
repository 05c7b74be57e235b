import type { Peer } from '../../model/rest.ts'
import type { Sample } from './live/samples.ts'

/** A peer's place on the map, which reaches from -150 to 150 across and from -100 to 100 down. */
export interface MapNode {
  readonly peer: Peer
  readonly x: number
  readonly y: number
  readonly radius: number
}

/** Work that goes from one peer to another. */
export interface MapFlow {
  readonly from: string
  readonly to: string
  /** Executions that ended per second, at most as many as were seen. */
  readonly perS: number
}

/** The ring is wide, as screens are. */
const RING = 74
const STRETCH = 1.5
const RADIUS_MAX = 11
const RADIUS_MIN = 3

/**
 * The orchestrator in the middle, everyone else around it in the order of their names. Without an orchestrator the middle is empty. The ring's
 * circles shrink so that neighbours do not touch, down to a size that can still be hit.
 */
export function layOut(peers: readonly Peer[], orchestrator: string | undefined): readonly MapNode[] {
  const centre = peers.find(({ id }) => id === orchestrator)
  const around = peers
    .filter(peer => peer !== centre)
    .toSorted((a, b) => (a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1))
  const radius = Math.max(RADIUS_MIN, Math.min(RADIUS_MAX, (RING * Math.PI) / Math.max(1, around.length) / 1.5))
  const ring = around.map((peer, i) => {
    // One or two stand beside the middle, more begin above it.
    const angle = (2 * Math.PI * i) / around.length - (around.length > 2 ? Math.PI / 2 : Math.PI)
    return { peer, x: STRETCH * RING * Math.cos(angle), y: RING * Math.sin(angle), radius }
  })
  return centre === undefined ? ring : [{ peer: centre, x: 0, y: 0, radius: RADIUS_MAX + 3 }, ...ring]
}

/** Samples that a flow looks back: short, so that the map shows what happens now. */
const FLOW_SAMPLES = 5

/** Who sends work to whom now: the orchestrator (or, without one, the peer that is asked) to every peer that ends executions. */
export function flows(samples: readonly Sample[], placer: string | undefined): readonly MapFlow[] {
  const newest = samples.slice(-FLOW_SAMPLES)
  const last = newest.at(-1)
  if (last === undefined || placer === undefined) return []
  return [...last.peers.keys()].flatMap(to => {
    const perS = newest.reduce((sum, { peers }) => sum + (peers.get(to)?.donePerS ?? 0), 0) / newest.length
    return perS > 0 && to !== placer ? [{ from: placer, to, perS }] : []
  })
}

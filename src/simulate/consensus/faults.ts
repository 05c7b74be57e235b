import type { Random } from '../../model/random.ts'
import { pick } from '../world.ts'
import type { Knobs } from './knobs.ts'

/** Whom a fault hits: the peer by its number, or whoever leads when it strikes (else the peer by its number). */
export interface Target {
  readonly peer: number
  readonly preferLeader: boolean
}

/** One thing that goes wrong, as data: a plan of them can be printed, replayed and cut down by hand. */
export type Fault = { readonly atMs: number } & (
  | { readonly type: 'crash'; readonly target: Target; readonly downMs: number }
  | { readonly type: 'mass-crash'; readonly peers: readonly number[]; readonly downMs: number }
  | { readonly type: 'pause'; readonly target: Target; readonly forMs: number }
  /** Nothing passes between these peers and the others. Replaces earlier cuts, as all that follow but `cut-link` do. */
  | { readonly type: 'partition'; readonly peers: readonly number[] }
  /** Nobody reaches the target; with `bothWays`, it reaches nobody either. */
  | { readonly type: 'isolate'; readonly target: Target; readonly bothWays: boolean }
  | { readonly type: 'cut-link'; readonly from: number; readonly to: number }
  /** These peers wrongly see the connection to their leader close. */
  | { readonly type: 'false-hint'; readonly peers: readonly number[] }
  /** The target leaves for good, and joins again after a while. */
  | { readonly type: 'leave'; readonly target: Target; readonly forMs: number }
  | { readonly type: 'heal' }
)

/** Before the first fault a cluster has time to elect somebody. */
const CALM_MS = 2_000

/** A run's faults, in order of time. */
export function drawFaults(random: Random, knobs: Knobs): Fault[] {
  const faults: Fault[] = []
  let atMs = CALM_MS
  while (atMs < knobs.chaosMs) {
    faults.push({ atMs, ...drawFault(random, knobs) })
    atMs += 200 + random() * 2_000
  }
  return faults
}

type Kind = Fault extends infer Each ? (Each extends Fault ? Omit<Each, 'atMs'> : never) : never

function drawFault(random: Random, { peersCount, quickRebootRatio }: Knobs): Kind {
  const peer = (): number => Math.floor(random() * peersCount)
  const some = (): number[] => Array.from({ length: peersCount }, (_, index) => index).filter(() => random() < 0.5)
  const target: Target = { peer: peer(), preferLeader: random() < 0.5 }
  const downMs = random() < quickRebootRatio ? 1 + random() * 30 : pick(random, [50, 400, 6_000]) * random()
  const kind = random() * 100
  if (kind < 24) return { type: 'crash', target, downMs }
  if (kind < 31) return { type: 'mass-crash', peers: some(), downMs }
  if (kind < 34) return { type: 'mass-crash', peers: Array.from({ length: peersCount }, (_, index) => index), downMs }
  if (kind < 48) return { type: 'partition', peers: some() }
  if (kind < 58) return { type: 'isolate', target, bothWays: random() < 0.6 }
  if (kind < 65) return { type: 'cut-link', from: peer(), to: peer() }
  if (kind < 77) return { type: 'pause', target, forMs: 100 + random() * pick(random, [300, 2_500, 10_000]) }
  if (kind < 85) return { type: 'false-hint', peers: some() }
  if (kind < 89) return { type: 'leave', target, forMs: 500 + random() * 5_000 }
  return { type: 'heal' }
}

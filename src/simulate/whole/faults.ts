import type { Random } from '../../model/random.ts'
import { pick } from '../world.ts'
import type { WholeKnobs } from './knobs.ts'

/** Whom a fault hits: the peer by its number, or whoever is orchestrator when it strikes (else the peer by its number). */
export interface Target {
  readonly peer: number
  readonly preferOrchestrator: boolean
}

/** One thing that goes wrong with a cluster of whole peers, as data: a plan of them can be printed, replayed and cut down. */
export type WholeFault = { readonly atMs: number } /** `power`: the machine goes with the process, and nobody is told. */ & (
  | { readonly type: 'crash'; readonly target: Target; readonly downMs: number; readonly power: boolean }
  | { readonly type: 'mass-crash'; readonly peers: readonly number[]; readonly downMs: number }
  | { readonly type: 'freeze'; readonly target: Target; readonly forMs: number }
  /** It is asked to stop, stops in order, and is started again. */
  | { readonly type: 'restart'; readonly target: Target }
  /** It leaves for good, and comes back as a new member. */
  | { readonly type: 'leave'; readonly target: Target }
  /** Nothing passes between these peers and the others, in one direction or both. */
  | { readonly type: 'partition'; readonly peers: readonly number[]; readonly ways: 'both' | 'in' | 'out' }
  | { readonly type: 'isolate'; readonly target: Target; readonly ways: 'both' | 'in' | 'out' }
  /** One link is silent, one way or both. */
  | { readonly type: 'cut-link'; readonly from: number; readonly to: number; readonly bothWays: boolean }
  /** Connections are reset under their owners; new ones can be made. */
  | { readonly type: 'reset'; readonly from: number; readonly to: number }
  /** One end of a connection gives it up and makes another, and the other end still takes in, late, what was written to the old one. */
  | { readonly type: 'half-open'; readonly from: number; readonly to: number; readonly lateMs: number }
  /** A link goes silent and comes back, over and over. */
  | { readonly type: 'flap'; readonly from: number; readonly to: number; readonly times: number; readonly everyMs: number }
  | { readonly type: 'slow-link'; readonly from: number; readonly to: number; readonly ms: number }
  /** Writes fail until the disk is repaired and the peer started anew. */
  | { readonly type: 'break-disk'; readonly target: Target; readonly forMs: number }
  /** The container engine does not answer. */
  | { readonly type: 'break-engine'; readonly target: Target; readonly forMs: number }
  /** Everybody hears everybody again. */
  | { readonly type: 'heal' }
)

/** The kinds of faults that a reader tells apart. */
export const FAULT_NAMES = [
  'killed',
  'several killed at once',
  'powered off',
  'frozen',
  'restarted in order',
  'left and joined again',
  'partition, both ways',
  'partition, one way',
  'one link silent',
  'connection reset',
  'flapping link',
  'slow link',
  'disk that fails',
  'engine that does not answer'
] as const

export type FaultName = (typeof FAULT_NAMES)[number]

/** What a reader calls a fault. */
export function nameOf(fault: WholeFault): FaultName | undefined {
  switch (fault.type) {
    case 'crash':
      return fault.power ? 'powered off' : 'killed'
    case 'mass-crash':
      return 'several killed at once'
    case 'freeze':
      return 'frozen'
    case 'restart':
      return 'restarted in order'
    case 'leave':
      return 'left and joined again'
    case 'partition':
    case 'isolate':
      return fault.ways === 'both' ? 'partition, both ways' : 'partition, one way'
    case 'cut-link':
      return 'one link silent'
    case 'reset':
    case 'half-open':
      return 'connection reset'
    case 'flap':
      return 'flapping link'
    case 'slow-link':
      return 'slow link'
    case 'break-disk':
      return 'disk that fails'
    case 'break-engine':
      return 'engine that does not answer'
    case 'heal':
      return undefined
  }
}

/** A run's faults, in order of time. */
export function drawWholeFaults(random: Random, knobs: WholeKnobs): readonly WholeFault[] {
  const faults: WholeFault[] = []
  if (knobs.faultEveryMs === 0) return faults
  let atMs = (knobs.isGrown ? 3_000 : 1_500) * (0.3 + random())
  while (atMs < knobs.chaosMs) {
    faults.push({ atMs, ...drawFault(random, knobs) })
    atMs += knobs.faultEveryMs * 2 * random()
  }
  return faults
}

/** Longest that one end of a connection may take in what the other has written to it before it gave it up. */
const HALF_OPEN_MS_MAX = 1_000
/** A freeze that outlasts a lease ends before the clients do, most often. */
const LONG_FREEZE_MS = { from: 1_000, spread: 3_000 }

/** Faults that came later, beside those of {@link drawWholeFaults}: connections that are half open for a while, and a sleep that outlasts every lease. */
export function drawLaterFaults(random: Random, { peersCount, faultEveryMs, timings, chaosMs }: WholeKnobs): readonly WholeFault[] {
  const faults: WholeFault[] = []
  if (faultEveryMs === 0 || peersCount === 1) return faults
  const peer = (): number => Math.floor(random() * peersCount)
  if (random() < 0.3) {
    for (let atMs = chaosMs * random(); atMs < chaosMs; atMs += 2 * faultEveryMs * random()) {
      const from = peer()
      const to = (from + 1 + Math.floor(random() * (peersCount - 1))) % peersCount
      faults.push({ atMs, type: 'half-open', from, to, lateMs: HALF_OPEN_MS_MAX * random() })
    }
  }
  if (random() < 0.3) {
    const atMs = LONG_FREEZE_MS.from + LONG_FREEZE_MS.spread * random()
    const forMs = (2 + random()) * timings.leaseMs
    faults.push({ atMs, type: 'freeze', target: { peer: peer(), preferOrchestrator: false }, forMs })
  }
  return faults
}

type Kind = WholeFault extends infer Each ? (Each extends WholeFault ? Omit<Each, 'atMs'> : never) : never

function drawFault(random: Random, { peersCount }: WholeKnobs): Kind {
  const peer = (): number => Math.floor(random() * peersCount)
  const link = (): { from: number; to: number } => {
    const from = peer()
    return { from, to: (from + 1 + Math.floor(random() * (peersCount - 1))) % peersCount }
  }
  const all = (): number[] => Array.from({ length: peersCount }, (_, index) => index)
  const some = (): number[] => all().filter(() => random() < 0.5)
  const target: Target = { peer: peer(), preferOrchestrator: random() < 0.5 }
  const ways = pick(random, ['both', 'in', 'out'] as const)
  const downMs = pick(random, [20, 400, 3_000]) * random()
  const kind = random() * 100
  if (kind < 16) return { type: 'crash', target, downMs, power: random() < 0.3 }
  if (kind < 19) return { type: 'mass-crash', peers: random() < 0.5 ? some() : all(), downMs }
  if (kind < 33) return { type: 'freeze', target, forMs: 50 + random() * pick(random, [300, 1_500, 4_000]) }
  if (kind < 38) return { type: 'restart', target }
  if (kind < 41) return { type: 'leave', target }
  if (kind < 47) return { type: 'partition', peers: some(), ways }
  if (kind < 55) return { type: 'isolate', target, ways }
  if (kind < 64) return { type: 'cut-link', ...link(), bothWays: random() < 0.5 }
  if (kind < 71) return { type: 'reset', ...link() }
  if (kind < 75) return { type: 'flap', ...link(), times: 2 + Math.floor(random() * 6), everyMs: 30 + random() * 500 }
  if (kind < 80) return { type: 'slow-link', ...link(), ms: random() * 400 }
  if (kind < 83) return { type: 'break-disk', target, forMs: 500 + random() * 2_000 }
  if (kind < 87) return { type: 'break-engine', target, forMs: 200 + random() * 2_000 }
  return { type: 'heal' }
}

import { PRESETS, type Timings } from '../../model/presets.ts'
import type { Random } from '../../model/random.ts'
import { pick } from '../world.ts'
import type { NetworkKnobs } from './network.ts'

/** What one seed decides about its cluster before anything runs (swarm testing): each run is extreme in some ways and tame in others. */
export interface WholeKnobs {
  readonly peersCount: number
  readonly timings: Timings
  /** The first peer founds the cluster and the others join it, or else all have been members before. */
  readonly isGrown: boolean
  /** How long faults go on, from the start of the first peer. */
  readonly chaosMs: number
  /** Mean time between two faults; 0: there are none. */
  readonly faultEveryMs: number
  readonly network: NetworkKnobs
  readonly fsyncMsMax: number
  readonly dieAfterWriteRatio: number
  readonly clockDriftRatio: number
  /** Executions that fit on one peer at once. */
  readonly slotsCount: number
  /** Mean time between two calls of all clients together. */
  readonly callEveryMs: number
  /** Longest run of a function, until the head of its answer. */
  readonly latencyMsMax: number
  readonly cancelRatio: number
  readonly uploadRatio: number
  /** Peers that run no functions: gateways and voters only. */
  readonly idlePeersCount: number
  /** Mean time between two operations on tasks of all clients together; 0: there are no tasks. */
  readonly taskEveryMs: number
  /** Longest run of a task's program. */
  readonly taskLatencyMsMax: number
  /** Services that clients want to be kept running. */
  readonly servicesCount: number
}

/** What a healed network is like. */
export const FAIR_WIRES = { delayMsMax: 2, stragglerRatio: 0 } as const

/** What clients do with tasks, and how soon members are forgotten. */
export function drawLaterKnobs(
  random: Random,
  { timings }: Pick<WholeKnobs, 'timings'>
): Pick<WholeKnobs, 'taskEveryMs' | 'taskLatencyMsMax' | 'timings'> {
  return {
    taskEveryMs: pick(random, [0, 0, 60, 150, 150, 400]),
    taskLatencyMsMax: pick(random, [5, 300, 300, 3_000]),
    // Else nobody is away for long enough to be counted out.
    timings: random() < 0.2 ? { ...timings, forgetAfterMs: 500 } : timings
  }
}

/** Whether there are services. */
export function drawLatestKnobs(random: Random): Pick<WholeKnobs, 'servicesCount'> {
  return { servicesCount: pick(random, [0, 0, 1, 2]) }
}

/** The character of one simulated cluster. */
export function drawWholeKnobs(random: Random): Omit<WholeKnobs, 'taskEveryMs' | 'taskLatencyMsMax' | 'servicesCount'> {
  const maybe = (ratio: number, max: number): number => (random() < ratio ? random() * max : 0)
  const peersCount = pick(random, [1, 2, 3, 3, 3, 4, 5, 5])
  return {
    peersCount,
    timings: random() < 0.8 ? PRESETS.loopback : PRESETS.lan,
    isGrown: random() < 0.3,
    chaosMs: 6_000 + random() * 6_000,
    faultEveryMs: pick(random, [0, 400, 800, 800, 1_600]),
    network: {
      wires: { delayMsMax: pick(random, [1, 3, 30]), stragglerRatio: pick(random, [0, 0, 0.002, 0.01]) },
      keepAliveMs: pick(random, [2_000, 6_000, 20_000]),
      gossipLossRatio: maybe(0.3, 0.3)
    },
    fsyncMsMax: pick(random, [0.5, 2, 10, 40]),
    dieAfterWriteRatio: pick(random, [0, 0, 0.002]),
    clockDriftRatio: maybe(0.5, 0.05),
    slotsCount: pick(random, [1, 2, 4, 16]),
    callEveryMs: pick(random, [15, 40, 40, 100]),
    latencyMsMax: pick(random, [5, 50, 50, 400]),
    cancelRatio: maybe(0.4, 0.2),
    uploadRatio: maybe(0.7, 0.2),
    idlePeersCount: peersCount > 2 && random() < 0.2 ? 1 : 0
  }
}

import type { Timings } from '../../model/presets.ts'
import type { Random } from '../../model/random.ts'
import type { LinkQuality } from '../network.ts'
import { pick } from '../world.ts'

/**
 * What one seed decides about its cluster before anything runs (swarm testing): each run is extreme in some ways and tame in others, which
 * finds what an average of everything hides.
 */
export interface Knobs {
  readonly peersCount: number
  /** Starts with one voter that all others join, or else with voters and learners already agreed. */
  readonly isGrown: boolean
  readonly chaosMs: number
  readonly quality: LinkQuality
  readonly fsyncMsMax: number
  readonly appendEntriesMax: number
  readonly appendBytesMax: number
  /** Bytes of a snapshot in one message: all of it, or some. */
  readonly chunkBytes: number
  /** Share of the random part of the election timeout that is used: low values make peers campaign at the same time. */
  readonly jitterRatio: number
  readonly preVote: boolean
  /** Peers excuse their own lateness with `extendDeadline`. */
  readonly isGuarded: boolean
  readonly clockDriftRatio: number
  /** Chance that a crash lasts only some milliseconds. */
  readonly quickRebootRatio: number
  /** Chance that a peer dies right after a write is durable, before anybody hears of it. */
  readonly dieAfterPersistRatio: number
  /** Whether tables are written with each apply, or rebuilt from the snapshot and the log after a restart. */
  readonly areTablesDurable: boolean
  readonly compactAfterEntries: number
  readonly trailingEntries: number
  /** Mean time between two proposals. */
  readonly proposeMs: number
  /** Chance of an arbitrary, but legal, change of voters or a transfer at each review of the voters. */
  readonly restlessRatio: number
  /** Whether clients ask whoever believes to lead how much is agreed. */
  readonly asksReads: boolean
}

/** Shorter than those of production where that only makes more happen in a simulated minute. */
export const TIMINGS: Pick<Timings, 'heartbeatMs' | 'electionMs' | 'promoteAfterMs' | 'replaceAfterMs' | 'forgetAfterMs'> = {
  heartbeatMs: 200,
  electionMs: 1_000,
  promoteAfterMs: 600,
  replaceAfterMs: 2_500,
  forgetAfterMs: 86_400_000
}

/** An entry with a command of `machine.ts`, as the core counts it. */
const COMMAND_ENTRY_BYTES = 36

/** What a healed network is like. */
export const FAIR_QUALITY: LinkQuality = { lossRatio: 0, duplicateRatio: 0, stragglerRatio: 0, delayMsMax: 5 }

/** The character of one simulated cluster: how slow, how lossy, how large its batches are. */
export function drawKnobs(random: Random): Omit<Knobs, 'asksReads'> {
  const fsyncMsMax = pick(random, [1, 5, 20, 150])
  const appendEntriesMax = pick(random, [1, 1, 2, 4, 32])
  const appendBytesMax = pick(random, [40, 200, 100_000])
  const entriesPerAppend = Math.min(appendEntriesMax, Math.floor(appendBytesMax / COMMAND_ENTRY_BYTES))
  const maybe = (ratio: number, max: number): number => (random() < ratio ? random() * max : 0)
  return {
    peersCount: pick(random, [1, 2, 3, 3, 4, 5, 5, 5, 5, 6, 7]),
    isGrown: random() < 0.3,
    chaosMs: 20_000 + random() * 10_000,
    quality: {
      lossRatio: maybe(0.5, 0.2),
      duplicateRatio: maybe(0.5, 0.1),
      stragglerRatio: random() < 0.7 ? 0.01 : 0,
      delayMsMax: random() < 0.3 ? 60 : 6
    },
    fsyncMsMax,
    appendEntriesMax,
    appendBytesMax,
    chunkBytes: pick(random, [1, 3, 100]),
    jitterRatio: pick(random, [0.05, 0.3, 1, 1]),
    preVote: random() < 0.75,
    isGuarded: random() < 0.5,
    clockDriftRatio: maybe(0.7, 0.1),
    quickRebootRatio: pick(random, [0, 0.4, 0.8]),
    dieAfterPersistRatio: pick(random, [0, 0.01, 0.05]),
    areTablesDurable: random() < 0.5,
    compactAfterEntries: pick(random, [8, 40, 1_000]),
    trailingEntries: pick(random, [0, 3, 20]),
    // Slower than a follower can write them one append at a time: a backlog of minutes tests patience, not consensus.
    proposeMs: Math.max(pick(random, [40, 150, 500]), (4 * fsyncMsMax) / entriesPerAppend),
    restlessRatio: pick(random, [0, 0, 0.1, 0.3])
  }
}

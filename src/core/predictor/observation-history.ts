import type { PeerId } from '../../model/ids.ts'
import type { KnownObservations, SharedObservation } from '../../model/observation.ts'
import { RecentMap } from './recent-map.ts'
import { SAMPLES_MAX } from './window.ts'

/** Observations kept in all. At some 300 bytes each 5 MB, and half a second to learn from again. */
export const OBSERVATIONS_MAX = 16_384

/** Peers whose newest number is remembered: twice what a view holds, as in the predictor. */
const ORIGINS_MAX = 1_024

/** What adding observations has changed. */
export interface HistoryChange {
  /** Those that were new, in the order in which they were given. */
  readonly added: readonly SharedObservation[]
  /** Older ones that had to go for them. */
  readonly dropped: readonly SharedObservation[]
}

/**
 * What the cluster has observed, as far as this peer knows: the newest executions of each function, whoever placed them. Two peers that tell each
 * other what the other one lacks ({@link since}) have the same in the end, in whatever order they talk; nothing counts twice.
 *
 * A peer takes over what others know with their numbers, in their order. So the newest number of an origin tells all that is known of it, but for
 * what was dropped for newer ones, which nobody needs any more.
 */
export class ObservationHistory {
  /** By {@link observationKey}, in the order of arrival. */
  readonly #arrived = new Map<string, SharedObservation>()
  readonly #functions = new Map<string, SharedObservation[]>()
  readonly #newest = new RecentMap<PeerId, number>(ORIGINS_MAX)

  get count(): number {
    return this.#arrived.size
  }

  /** Every observation, in the order in which they came. */
  all(): readonly SharedObservation[] {
    return [...this.#arrived.values()]
  }

  /** What this peer knows, for another one to tell it the rest. */
  known(): KnownObservations {
    return Object.fromEntries(this.#newest)
  }

  /** What a peer with this knowledge lacks, oldest first, at most so many, and whether there is more. */
  since(known: KnownObservations, countMax: number): { observations: readonly SharedObservation[]; more: boolean } {
    const lacks = (origin: PeerId, seq: number): boolean => seq > (known[origin] ?? 0)
    // Mostly the answer is nothing.
    if (![...this.#newest].some(([origin, seq]) => lacks(origin, seq))) return { observations: [], more: false }
    const observations: SharedObservation[] = []
    for (const each of this.#arrived.values()) {
      if (!lacks(each.origin, each.seq)) continue
      if (observations.length === countMax) return { observations, more: true }
      observations.push(each)
    }
    return { observations, more: false }
  }

  /** Takes in what is new among these, which must be in ascending order for each origin. */
  add(observations: readonly SharedObservation[]): HistoryChange {
    const added: SharedObservation[] = []
    const dropped: SharedObservation[] = []
    for (const observation of observations) {
      const { origin, seq } = observation
      if (seq <= (this.#newest.get(origin) ?? 0)) continue
      this.#newest.set(origin, seq)
      added.push(observation)
      this.#arrived.set(observationKey(observation), observation)
      const name = nameOf(observation)
      const ofFunction = this.#functions.get(name) ?? []
      ofFunction.push(observation)
      this.#functions.set(name, ofFunction)
      if (ofFunction.length > SAMPLES_MAX) dropped.push(this.#dropOldestOf(name, ofFunction))
      else if (this.count > OBSERVATIONS_MAX) dropped.push(this.#dropOfLargest())
    }
    return { added, dropped }
  }

  #dropOldestOf(name: string, ofFunction: SharedObservation[]): SharedObservation {
    const oldest = ofFunction.shift() as SharedObservation
    if (ofFunction.length === 0) this.#functions.delete(name)
    this.#arrived.delete(observationKey(oldest))
    return oldest
  }

  /** Functions with many observations are known well enough without the oldest of them. */
  #dropOfLargest(): SharedObservation {
    let largest: [name: string, ofFunction: SharedObservation[]] = ['', []]
    for (const each of this.#functions) if (each[1].length > largest[1].length) largest = each
    return this.#dropOldestOf(...largest)
  }
}

/** What an observation is kept under. */
function observationKey({ origin, seq }: Pick<SharedObservation, 'origin' | 'seq'>): string {
  return `${origin}/${seq}`
}

/** Revisions of a function share their history, as they do in the predictor. */
function nameOf({ function: key }: SharedObservation): string {
  return key.slice(0, key.lastIndexOf('@'))
}

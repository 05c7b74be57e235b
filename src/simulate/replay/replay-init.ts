import type { QueueOrder } from '../../core/scheduler/admission/queue-order.ts'
import type { Workload } from '../workload/workload.ts'
import type { Calls } from './calls.ts'
import type { Chooser } from './choosers.ts'
import type { MachineSpec } from './fleet.ts'
import type { Machine } from './machine.ts'
import type { AdmissionFigures } from './outside-work.ts'
import type { CacheModelName } from './shared-cache.ts'

/** The conditions of a replay. */
export interface ReplayInit {
  readonly workload: Workload
  readonly fleet: readonly MachineSpec[]
  readonly chooser: Chooser
  readonly seed: number
  /** Who place at once without seeing each other: 1 for an orchestrator, more for gateways in fallback. */
  readonly placers: number
  readonly waitingOrder: QueueOrder
  /** Whether cores are promised twice, as to functions; tasks wait until theirs are free. */
  readonly sharesCores: boolean
  /** Time between two words of a peer about itself. */
  readonly gossipMs: number
  /** How long such a word is under way. */
  readonly gossipDelayMs: number
  /** Share of them that get lost. */
  readonly lossRatio: number
  /** How long an idle container is kept. */
  readonly keepAliveMs: number
  /** `learned`: the production predictor; a number: the truth with so much noise. */
  readonly estimates: 'learned' | number
  /** How often a peer crashes in an hour of its life. */
  readonly crashesPerHour: number
  /** Share of the functions that are work outside CARES: it asks for admission, and nobody places it. Needs one placer. @default 0 */
  readonly outsideShare?: number
  /** Whether runs are slowed down by others in their machine's last-level cache, and placers know by whom. @default 'off' */
  readonly cache?: CacheModelName
}

/** What a replay leaves behind. */
export interface ReplayResult {
  readonly calls: Calls
  readonly machines: readonly Machine[]
  /** When the last thing happened to a call. */
  readonly endMs: number
  readonly eventsCount: number
  /** Orders that a worker had no room for after all. */
  readonly redirects: number
  readonly crashes: number
  /** Undefined: nothing was outside CARES. */
  readonly admission: AdmissionFigures | undefined
  /** Whether runs shared caches: see `ReplayInit.cache`. */
  readonly sharesCache: boolean
}

import type { PeerId } from './ids.ts'

/** What admission keeps within limits. Cores, and bytes of memory and disk. */
export const RESOURCES = ['cpus', 'memoryBytes', 'diskBytes'] as const

/** See {@link RESOURCES}. */
export type Resource = (typeof RESOURCES)[number]

/** An amount of each of {@link RESOURCES}. */
export type Amounts = Readonly<Record<Resource, number>>

/** A request for room for work that somebody runs outside CARES. Amounts that are absent are predicted from earlier work of the same name. */
export interface AdmissionRequest {
  /** Admissions of one name count as the same kind of work, from which predictions are learned. The same rules as for a function's name. */
  readonly name: string
  /** Declared parameters, e.g. `quality=high`: predictions prefer earlier work with the same ones. At most 256 characters. */
  readonly params?: string | undefined
  readonly inputBytes?: number | undefined
  readonly cpus?: number | undefined
  readonly memoryBytes?: number | undefined
  readonly diskBytes?: number | undefined
  readonly expectedMs?: number | undefined
  /** Longest that the caller would wait; 0: the work is refused unless it can start at once. */
  readonly waitMaxMs?: number | undefined
  /** Name or id of the only peer that it may run on: absent, admission chooses. */
  readonly on?: string | undefined
}

/** `approved`: it may run, and counts. `queued`: it waits for room. `completed`: it has ended. `expired`: nobody said that it has ended. */
export const ADMISSION_STATES = ['approved', 'queued', 'completed', 'expired'] as const

/** See {@link ADMISSION_STATES}. */
export type AdmissionState = (typeof ADMISSION_STATES)[number]

/** One admission as the orchestrator keeps it. */
export interface AdmissionRecord {
  /** `w-` and 26 characters. */
  readonly id: string
  readonly name: string
  readonly params?: string | undefined
  readonly inputBytes: number
  readonly state: AdmissionState
  /** Where it may run. Null while it waits. */
  readonly peer: PeerId | null
  readonly predicted: Amounts
  readonly predictedMs: number
  /** Executions that the prediction rests on. */
  readonly samples: number
  /** While queued: time until it is expected to be approved. Null: the work that it waits for was not admitted, so its end is not known. */
  readonly waitMs: number | null
  /** In words, why `waitMs` is not known: what of which peer it waits for. Absent: it is known, or the orchestrator is of an earlier version. */
  readonly why?: string | undefined
  /** While queued: how many admissions wait before it. */
  readonly ahead: number
  /** RFC 3339, for display. */
  readonly at: string
  /** Milliseconds after its approval at which it stops counting though nobody has said that it ended. */
  readonly leaseMs: number
}

/** What the work really used. Nothing is learned of measures that are absent. */
export interface AdmissionOutcome {
  readonly runMs?: number | undefined
  readonly cpuMs?: number | undefined
  readonly memoryPeakBytes?: number | undefined
  readonly outputBytes?: number | undefined
  /** Failed work frees its room, and teaches nothing. */
  readonly failed?: boolean | undefined
}

/** A question about work outside CARES, as it travels to the orchestrator. Those who ask again with the same id are answered the same. */
export type AdmissionQuestion =
  | {
      readonly kind: 'ask'
      readonly id: string
      readonly request: AdmissionRequest
      /** Of work that an earlier orchestrator has approved: where it runs, and for how long already. */
      readonly approved?: { readonly peer: PeerId; readonly elapsedMs: number } | undefined
    }
  | { readonly kind: 'read'; readonly id: string }
  | { readonly kind: 'complete'; readonly id: string; readonly outcome: AdmissionOutcome }
  | { readonly kind: 'list' }

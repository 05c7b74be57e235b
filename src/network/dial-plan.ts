import type { Random } from '../model/random.ts'

/** Someone to stay connected to. */
export interface Target {
  /** Unique; a member's peer id, or a seed's address. */
  readonly key: string
  /** When to dial next, on the caller's clock. */
  readonly dueMs: number
  /** Dials that failed since it was last connected. */
  readonly failures: number
}

/** First wait after a failed dial; doubles with each up to `BACKOFF_MS_MAX`. */
const BACKOFF_MS_MIN = 500
/** A returned peer dials us itself, so this only bounds how long a healed partition stays unnoticed by both sides. */
const BACKOFF_MS_MAX = 15_000
/** Two peers that dial each other at once make two connections. The side with the larger id waits so long for the other's dial. */
export const LARGER_ID_WAIT_MS = 6_000
/** Dials under way at once: each costs 8 ms of CPU, and a hundred at once time each other out. */
export const DIALS_MAX = 8

/** When the first dial to `peer` is due: at once for the side with the smaller id, later for the other. */
export function firstDialMs(self: string, peer: string, nowMs: number): number {
  return self < peer ? nowMs : nowMs + LARGER_ID_WAIT_MS
}

/** `target` after a failed dial: a wait that doubles, drawn from its upper half so that many peers do not come back in step. */
export function afterFailure(target: Target, nowMs: number, random: Random): Target {
  const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(target.failures, 16))
  return { ...target, failures: target.failures + 1, dueMs: nowMs + backoffMs * (0.5 + random() / 2) }
}

/** Whom to dial now: those that are due and neither connected nor being dialled, the longest due first. */
export function dueTargets(targets: Iterable<Target>, { busy, nowMs }: { busy: ReadonlySet<string>; nowMs: number }): readonly Target[] {
  return [...targets]
    .filter(({ key, dueMs }) => dueMs <= nowMs && !busy.has(key))
    .sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1))
    .slice(0, Math.max(0, DIALS_MAX - busy.size))
}

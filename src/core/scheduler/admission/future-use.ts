import type { Amounts } from '../../../model/admission.ts'
import { NOTHING } from './amounts.ts'

/** Work that runs on one machine because it was admitted. */
export interface ActiveWork {
  /** What it is expected to use at its most: the median for cores, an upper bound for memory, which cannot be shared. */
  readonly predicted: Amounts
  readonly predictedMs: number
  readonly startedAtMs: number
}

/** When so much of the predicted time is over, work that has not used what it was expected to is not expected to any more. */
const RAMP_SHARE = 0.95

/**
 * What a machine will be used for once everything that was admitted or promised uses what it is expected to, without new work: LARS' step 7 with its
 * fault mended. LARS adds the predictions of running work to the measured use, which has them already once the work has got going:
 *
 * `future = max(measured, promised + sum(predicted · rem))`, where `rem` is 1 until 95 % of the predicted time is over, then 0. Memory keeps `rem = 1`:
 * it comes late, and there is no half of it.
 *
 * What admitted work uses by itself is not known: it runs outside CARES, in no group of processes that CARES could measure, so it is not told from
 * the rest of what was measured. What CARES runs is known by what it was promised.
 */
export function futureUse(
  { measured, promised }: { readonly measured: Amounts; readonly promised: Amounts },
  active: readonly ActiveWork[],
  nowMs: number
): Amounts {
  let expected = promised
  for (const { predicted, predictedMs, startedAtMs } of active) {
    const isRamping = nowMs - startedAtMs < RAMP_SHARE * predictedMs
    expected = combine(expected, isRamping ? predicted : { ...NOTHING, memoryBytes: predicted.memoryBytes }, (a, b) => a + b)
  }
  return combine(measured, expected, Math.max)
}

function combine(a: Amounts, b: Amounts, by: (a: number, b: number) => number): Amounts {
  return { cpus: by(a.cpus, b.cpus), memoryBytes: by(a.memoryBytes, b.memoryBytes), diskBytes: by(a.diskBytes, b.diskBytes) }
}

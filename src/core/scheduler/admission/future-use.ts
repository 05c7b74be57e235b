import type { Amounts } from '../../../model/admission.ts'
import { NOTHING } from './amounts.ts'

/** Work that runs on one machine because it was admitted. */
export interface ActiveWork {
  /** What it is expected to use at its most: the median for cores, an upper bound for memory, which cannot be shared. */
  readonly predicted: Amounts
  readonly predictedMs: number
  readonly startedAtMs: number
  /** What it uses now, measured on its own (its cgroup). Absent: it cannot be told from the rest of the machine. */
  readonly actual?: Amounts | undefined
}

/** When so much of the predicted time is over, work that has not used what it was expected to is not expected to any more. */
const RAMP_SHARE = 0.95

/**
 * What a machine will be used for once everything that was admitted uses what it is expected to, without new work: LARS' step 7 with its
 * fault mended. LARS adds the predictions of running work to the measured use, which has them already once the work has got going:
 *
 * `future = base + sum(max(actual, predicted · rem))`, `base = max(0, measured - sum(actual))`, where `rem` is 1 until 95 % of the predicted time
 * is over, then 0. Memory keeps `rem = 1`: it comes late, and there is no half of it. Of work that cannot be measured on its own, what was
 * expected is taken for its use: then the sum is the larger of what is measured and what is expected, never both.
 */
export function futureUse(measured: Amounts, active: readonly ActiveWork[], nowMs: number): Amounts {
  let owned = NOTHING
  let wanted = NOTHING
  for (const { predicted, predictedMs, startedAtMs, actual } of active) {
    const isRamping = nowMs - startedAtMs < RAMP_SHARE * predictedMs
    const share: Amounts = {
      cpus: isRamping ? predicted.cpus : 0,
      memoryBytes: predicted.memoryBytes,
      diskBytes: isRamping ? predicted.diskBytes : 0
    }
    // Of what is over its time and not measured on its own, the use is in the machine's, wherever it is.
    const own = actual ?? share
    owned = combine(owned, own, (a, b) => a + b)
    wanted = combine(
      wanted,
      combine(own, share, (a, b) => Math.max(a, b)),
      (a, b) => a + b
    )
  }
  return combine(
    wanted,
    combine(measured, owned, (used, own) => Math.max(0, used - own)),
    (a, b) => a + b
  )
}

function combine(a: Amounts, b: Amounts, by: (a: number, b: number) => number): Amounts {
  return { cpus: by(a.cpus, b.cpus), memoryBytes: by(a.memoryBytes, b.memoryBytes), diskBytes: by(a.diskBytes, b.diskBytes) }
}

import { createHash } from 'node:crypto'
import type { Clock } from '../model/ports/clock.ts'

/** CPU time that a calibration uses: long enough that timers' steps are a per cent of it, short enough to be no load. */
const CALIBRATION_CPU_MS = 100

/** A slice of it, after which others get their turn. */
const SLICE_ROUNDS = 16

/** On a machine that is much busier than its calibration, that ends by the clock. */
const CALIBRATION_MS_MAX = 1_000

/** What each round hashes and sorts: more than fits into the first level of caches, as functions' data does. */
const ROUND_BYTES = 64 * 1_024

/** Rounds in a millisecond of CPU time of the reference machine: one virtual core of the cloud machine that CARES was measured on. */
const REFERENCE_ROUNDS_PER_MS = 5

/**
 * How fast one core of this machine is against the reference: 2 is twice as fast. Measured in CPU time, and by the quickest slice of it, so it
 * depends little on how busy the machine is, with a bit of everything: hashing, sorting and arithmetic. Only a first word: placers soon know
 * better, by what executions take.
 */
export async function measureSpeed({ clock }: { clock: Clock }): Promise<number> {
  const startedMs = clock.nowMs()
  const data = new Uint8Array(ROUND_BYTES).map((_, i) => (i * 2_654_435_761) >>> 24)
  const numbers = new Float64Array(ROUND_BYTES / 64)
  for (let i = 0; i < SLICE_ROUNDS; i++) work(data, numbers, i) // These compile it.
  let quickestMs = Number.POSITIVE_INFINITY
  for (let cpuMs = 0; cpuMs < CALIBRATION_CPU_MS && clock.nowMs() - startedMs < CALIBRATION_MS_MAX; ) {
    const before = process.cpuUsage()
    for (let i = 0; i < SLICE_ROUNDS; i++) work(data, numbers, i)
    const { user, system } = process.cpuUsage(before)
    const sliceMs = (user + system) / 1_000
    cpuMs += sliceMs
    if (sliceMs > 0) quickestMs = Math.min(quickestMs, sliceMs)
    await clock.sleep(0)
  }
  return Number.isFinite(quickestMs) ? SLICE_ROUNDS / quickestMs / REFERENCE_ROUNDS_PER_MS : 1
}

function work(data: Uint8Array, numbers: Float64Array, round: number): void {
  data[round % data.length] = round & 0xff
  const hash = createHash('sha256').update(data).digest()
  for (let i = 0; i < numbers.length; i++) numbers[i] = Math.sin((data[i * 64] ?? 0) * (hash[i % hash.length] ?? 1) + round)
  numbers.sort()
}

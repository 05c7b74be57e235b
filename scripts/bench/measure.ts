import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU seconds that a process has used (proc(5): fields 14 and 15 of stat, counted after the name in brackets). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Memory that a process holds, in MiB. */
export function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

/** The same, but a page that several processes hold, as those of one program do its code, counts for each of them in part (proc(5): smaps_rollup, Pss). */
export function proportionalMiB(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1_024
}

/** Begins anew to watch for the most memory that a process holds (proc(5): clear_refs). Needs the same user. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The most memory that a process has held, ever or since {@link forgetPeak}, in MiB. */
export function residentPeakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

/** Files, sockets and other handles that a process has open. */
export function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** How much `values` grow from one to the next, by the straight line that fits them best (least squares); NaN of fewer than two. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const center = mean(values)
  const covariance = values.reduce((sum, value, i) => sum + (i - middle) * (value - center), 0)
  return covariance / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
}

/** The average; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The value that a share `of` the samples do not exceed; NaN of nothing. */
export function quantile(samples: readonly number[], of: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? Number.NaN
}

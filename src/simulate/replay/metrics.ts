import type { MetricName } from '../../model/simulation.ts'
import { spanMs } from '../workload/workload.ts'
import type { Calls } from './calls.ts'
import type { ReplayResult } from './replay-init.ts'
import { WARM_START_MS } from './virtual-function.ts'

/** Shorter calls count as this long: a slowdown of 5 in 2 ms is nobody's concern. */
const SLOWDOWN_FLOOR_MS = 100

/** Who has waited for longer than this, and for so many times its own run time, has starved. */
const STARVED_MS = 30_000
const STARVED_RATIO = 5

/** What a replay amounts to, by metric; see `METRICS` for what each means. */
export function measure(
  { calls, machines, endMs, redirects, admission, sharesCache }: ReplayResult,
  boundMs: number
): Record<MetricName, number> {
  const done: number[] = []
  for (let call = 0; call < calls.size; call++) if (calls.state(call) === 'done') done.push(call)
  const slowdowns = Float64Array.from(done, call => slowdownOf(calls, call))
  const waits = Float64Array.from(done, call => waitMsOf(calls, call) / 1_000)
  const ordered = slowdowns.slice().sort()
  // Of no calls there is no mean, and what they cost is no bargain.
  const ifAny = (value: number): number => (done.length > 0 ? value : Number.NaN)
  const count = done.length
  const arrivingMs = Math.max(1, spanMs(calls.workload) || endMs)
  const loads = machines.map(({ spec, cores }) => cores.busyCoreMs / spec.cpus / Math.max(endMs, 1))
  return {
    makespanS: ifAny(endMs / 1_000),
    makespanRatio: ifAny(boundMs > 0 ? endMs / boundMs : Number.NaN),
    waitMeanS: sum(waits) / count,
    slowdownMean: sum(slowdowns) / count,
    slowdownP50: quantile(ordered, 0.5),
    slowdownP99: quantile(ordered, 0.99),
    functionSlowdownP90: quantile(functionMedians(calls, done, slowdowns), 0.9),
    coldShare: sum(done.map(call => calls.cold[call] ?? 0)) / count,
    utilisation: mean(loads),
    loadDeviation: Math.sqrt(mean(loads.map(load => (load - mean(loads)) ** 2))),
    starved: ifAny(done.filter(call => isStarved(calls, call)).length),
    usd: ifAny(sum(done.map(call => calls.usd[call] ?? 0))),
    throughput: (done.length / Math.max(arrivingMs, endMs)) * 1_000,
    redirects,
    failed: calls.count('lost') + calls.count('refused'),
    outsideWaitS: admission === undefined ? Number.NaN : admission.waitedMs / Math.max(1, admission.approved) / 1_000,
    outsideWaitErrorS: admission === undefined ? Number.NaN : quantile(Float64Array.from(admission.wrongByMs).sort(), 0.5) / 1_000,
    outsideRefused: admission?.refused ?? Number.NaN,
    cacheLoss: sharesCache
      ? sum(done.map(call => calls.cacheMs[call] ?? 0)) / Math.max(1e-9, sum(done.map(call => calls.runMs(call))))
      : Number.NaN,
    overTarget: admission === undefined ? Number.NaN : admission.looksOverTarget / Math.max(1, admission.looks)
  }
}

/** Response time against that of a warm container on an idle machine of reference speed. Below 1 on faster machines. */
export function slowdownOf(calls: Calls, call: number): number {
  return ((calls.endMs[call] ?? 0) - calls.arrivalMs(call)) / Math.max(SLOWDOWN_FLOOR_MS, calls.runMs(call) + WARM_START_MS)
}

/** From arrival until a worker has it and its image. */
function waitMsOf(calls: Calls, call: number): number {
  return (calls.startedMs[call] ?? 0) + (calls.pullMs[call] ?? 0) - calls.arrivalMs(call)
}

function isStarved(calls: Calls, call: number): boolean {
  return waitMsOf(calls, call) > Math.max(STARVED_MS, STARVED_RATIO * calls.runMs(call))
}

/** Each function's median, ascending: hot functions would hide the others in a mean over calls. */
function functionMedians(calls: Calls, done: readonly number[], slowdowns: Float64Array): Float64Array {
  const byFunction = new Map<number, number[]>()
  for (const [i, call] of done.entries()) {
    const index = calls.functionIndex(call)
    const values = byFunction.get(index)
    if (values === undefined) byFunction.set(index, [slowdowns[i] ?? 0])
    else values.push(slowdowns[i] ?? 0)
  }
  return Float64Array.from(byFunction.values(), values => quantile(Float64Array.from(values).sort(), 0.5)).sort()
}

/** Of ascending values; NaN of none. */
export function quantile(ascending: Float64Array, share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? Number.NaN
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function mean(values: readonly number[]): number {
  return sum(values) / Math.max(1, values.length)
}

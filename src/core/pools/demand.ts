import { addIdleTime, createIdleTimes, type IdleTimes, type WarmWindow, warmWindow } from './idle-times.ts'

/** What a worker knows of how one function is called here, to decide about its containers. */
export interface Demand {
  readonly idleTimes: IdleTimes
  /** Calls so far. */
  calls: number
  /** Calls that run now. */
  running: number
  /** When the last call ended; undefined before the first has. */
  idleSinceMs: number | undefined
  /** The rate of calls when the last one came: a mean that forgets. */
  callsPerMs: number
  calledAtMs: number
  /** What a start takes, as a mean of those seen. */
  coldStartMs: number
}

/** How long an idle container is kept while its function has others: calls come in bursts, and a minute outlasts most pauses within one. */
export const BURST_MS = 60_000
/** If the next call is expected sooner than this, stopping the container and starting it again is not worth while. */
const ABSENCE_MS_MIN = 300_000
/** Time constant of the mean rate: after half a minute without a call, about a third of the rate is left. */
const RATE_MEMORY_MS = 30_000
/** Weight of the newest start in the mean. */
const START_RATIO = 0.3
/** Assumed before a start was seen: what a small container takes. */
const START_PRIOR_MS = 300
/** Most programs started ahead with `prewarm: auto`: an engine starts about ten a second, however many are asked of it. */
const AHEAD_MAX = 8
/** With fewer calls than this, one a minute, no program is started ahead. */
const AHEAD_RATE_MIN = 1 / 60_000
/** As many programs are kept for each one that is used up while another starts: calls come in bunches. */
const BUNCH_RATIO = 2

/** The demand for a function of which no call has come yet. */
export function createDemand(): Demand {
  return {
    idleTimes: createIdleTimes(),
    calls: 0,
    running: 0,
    idleSinceMs: undefined,
    callsPerMs: 0,
    calledAtMs: 0,
    coldStartMs: START_PRIOR_MS
  }
}

/** Notes that a call has come. */
export function onCall(demand: Demand, nowMs: number): void {
  if (demand.running === 0 && demand.idleSinceMs !== undefined) addIdleTime(demand.idleTimes, nowMs - demand.idleSinceMs)
  demand.callsPerMs = rateAt(demand, nowMs) + 1 / RATE_MEMORY_MS
  demand.calledAtMs = nowMs
  demand.calls++
  demand.running++
}

/** Notes that a call has ended. */
export function onCallEnd(demand: Demand, nowMs: number): void {
  demand.running--
  demand.idleSinceMs = nowMs
}

/** Notes how long a container took to start. */
export function onColdStart(demand: Demand, tookMs: number): void {
  demand.coldStartMs += START_RATIO * (tookMs - demand.coldStartMs)
}

/** When containers of the function are worth having, from the end of its last call on. */
export function windowOf(demand: Demand): WarmWindow {
  return warmWindow(demand.idleTimes)
}

/** Whether the last idle container of the function is to stay: just after a call, and from when the next one is expected. */
export function isWorthKeeping(demand: Demand, nowMs: number): boolean {
  const idleMs = idleMsOf(demand, nowMs)
  const { fromMs, untilMs } = windowOf(demand)
  return idleMs < BURST_MS || (idleMs <= untilMs && (idleMs >= fromMs || fromMs < ABSENCE_MS_MIN))
}

/** Whether a container of the function is to be started though nobody calls: the next call is due after a long absence. */
export function isWorthStarting(demand: Demand, nowMs: number): boolean {
  const idleMs = idleMsOf(demand, nowMs)
  const { fromMs, untilMs } = windowOf(demand)
  return fromMs >= ABSENCE_MS_MIN && idleMs >= fromMs && idleMs <= untilMs
}

/** Programs to have started ahead, one for each call: what the calls use up while a start takes its time, and some more. */
export function aheadOf(demand: Demand, nowMs: number): number {
  const callsPerMs = rateAt(demand, nowMs)
  if (callsPerMs < AHEAD_RATE_MIN) return 0
  return Math.min(AHEAD_MAX, Math.ceil(BUNCH_RATIO * callsPerMs * demand.coldStartMs))
}

/**
 * The worth of an idle container; those of least worth are given up first. Greedy-dual, as in FaasCache (Fuerst and Sharma, ASPLOS 2021): worth rises
 * with the calls of the function and the time that a start takes, and falls with the memory that it holds.
 *
 * @param aging - worth of the container that was given up last. Later uses count from there, so that what nobody calls any more goes in the end
 */
export function worthOf(demand: Demand, memoryBytes: number, aging: number): number {
  return aging + (demand.calls * demand.coldStartMs) / Math.max(1, memoryBytes / 2 ** 20)
}

function rateAt({ callsPerMs, calledAtMs }: Demand, nowMs: number): number {
  return callsPerMs * Math.exp(-(nowMs - calledAtMs) / RATE_MEMORY_MS)
}

function idleMsOf({ running, idleSinceMs }: Demand, nowMs: number): number {
  return running > 0 || idleSinceMs === undefined ? 0 : nowMs - idleSinceMs
}

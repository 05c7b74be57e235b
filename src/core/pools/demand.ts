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

/** How long a container that others make up for waits for a call: calls come in bursts, and a minute outlasts most pauses within one. */
export const BURST_MS = 60_000
/** A shorter absence is not worth a stop and a start. */
const ABSENCE_MS_MIN = 300_000
/** Half a minute of silence leaves a third of a function's rate. */
const RATE_MEMORY_MS = 30_000
/** Share of the newest start in the mean. */
const START_RATIO = 0.3
/** Before one was seen: what a small container takes. */
const START_PRIOR_MS = 300
/** Programs that are started ahead where demand decides: an engine starts some ten a second, whatever is asked of it. */
const AHEAD_MAX = 8
/** Two calls within this time are one after the other: for one program to be worth starting ahead. */
const AHEAD_RATE_MIN = 1 / 60_000
/** For every program that is used up while another starts, this many wait: calls come in bunches. */
const BUNCH_RATIO = 2

/** Nothing known yet. */
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

/** A call has come. */
export function onCall(demand: Demand, nowMs: number): void {
  if (demand.running === 0 && demand.idleSinceMs !== undefined) addIdleTime(demand.idleTimes, nowMs - demand.idleSinceMs)
  demand.callsPerMs = rateAt(demand, nowMs) + 1 / RATE_MEMORY_MS
  demand.calledAtMs = nowMs
  demand.calls++
  demand.running++
}

/** A call has ended. */
export function onCallEnd(demand: Demand, nowMs: number): void {
  demand.running--
  demand.idleSinceMs = nowMs
}

/** A container was started. */
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
 * What an idle container is worth: greedy-dual, as FaasCache has it (Fuerst and Sharma, ASPLOS 2021). The more often a function is called, the
 * longer it takes to start and the less memory it holds, the later it goes. `aging`: the worth of what was given up last, which all that
 * were used since start from: so what nobody calls goes in the end, whatever it was worth once.
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

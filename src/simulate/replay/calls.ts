import type { SimFunction, Workload } from '../workload/workload.ts'

/** What can be said of a call at any moment. */
const CALL_STATES = ['pending', 'queued', 'running', 'done', 'lost', 'refused'] as const
export type CallState = (typeof CALL_STATES)[number]

/** As {@link Calls} keeps them. */
const CODES: Readonly<Record<CallState, number>> = { pending: 0, queued: 1, running: 2, done: 3, lost: 4, refused: 5 }

/** What has become of each call of a workload. Arrays by call: a replay has up to millions of them. */
export class Calls {
  readonly workload: Workload
  readonly size: number
  /** How many calls are in each state, by code. */
  readonly #counts = new Uint32Array(CALL_STATES.length)
  readonly #state: Uint8Array
  /** The machine that has, or had, the call. */
  readonly machine: Int32Array
  /** Who placed it. */
  readonly placer: Uint16Array
  /** The ledger's number of its order. */
  readonly order: Float64Array
  /** When a worker took it. */
  readonly startedMs: Float64Array
  /** When its last byte was back; 0 if it never was. */
  readonly endMs: Float64Array
  /** 1: a container was started for it. */
  readonly cold: Uint8Array
  /** The share of the work that is the start, of a cold call. */
  readonly startWorkMs: Float64Array
  readonly pullMs: Float64Array
  /** By how much longer its work takes for sharing a cache, on a machine of reference speed. */
  readonly cacheMs: Float64Array
  /** How far the placer expected it to share its cores, see `sharingOf`; 0: nobody placed it. */
  readonly sharing: Float64Array
  readonly usd: Float64Array

  constructor(workload: Workload) {
    const size = workload.arrivalMs.length
    this.workload = workload
    this.size = size
    this.#counts[CODES.pending] = size
    this.#state = new Uint8Array(size)
    this.machine = new Int32Array(size).fill(-1)
    this.placer = new Uint16Array(size)
    this.order = new Float64Array(size)
    this.startedMs = new Float64Array(size)
    this.endMs = new Float64Array(size)
    this.cold = new Uint8Array(size)
    this.startWorkMs = new Float64Array(size)
    this.pullMs = new Float64Array(size)
    this.cacheMs = new Float64Array(size)
    this.sharing = new Float64Array(size)
    this.usd = new Float64Array(size)
  }

  state(call: number): CallState {
    return CALL_STATES[this.#state[call] ?? 0] ?? 'pending'
  }

  setState(call: number, state: CallState): void {
    const [before, after] = [this.#state[call] ?? 0, CODES[state]]
    this.#counts[before] = (this.#counts[before] ?? 0) - 1
    this.#counts[after] = (this.#counts[after] ?? 0) + 1
    this.#state[call] = after
  }

  /** How many calls are in a state. */
  count(state: CallState): number {
    return this.#counts[CODES[state]] ?? 0
  }

  /** Calls that have not come to an end. */
  get openCount(): number {
    return this.count('pending') + this.count('queued') + this.count('running')
  }

  functionIndex(call: number): number {
    return this.workload.functionOf[call] ?? 0
  }

  function(call: number): SimFunction {
    const fn = this.workload.functions[this.functionIndex(call)]
    if (fn === undefined) throw new RangeError(`call ${call} has no function`)
    return fn
  }

  arrivalMs(call: number): number {
    return this.workload.arrivalMs[call] ?? 0
  }

  runMs(call: number): number {
    return this.workload.runMs[call] ?? 0
  }
}

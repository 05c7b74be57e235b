import { Predictor } from '../../core/predictor/predictor.ts'
import type { Estimate } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'
import { normal } from '../workload/workload.ts'
import type { Calls } from './calls.ts'
import type { Machine } from './machine.ts'
import { WARM_START_MS, type VirtualFunction } from './virtual-function.ts'

/** What placers know in advance of a call. */
export interface Estimates {
  estimate(call: number): Estimate
  /** Takes note of a call that has ended. */
  learn(call: number, machine: Machine, nowMs: number): void
  /** How many times longer than on a reference machine things take there. */
  slowness(machine: Machine): number
}

/** Executions of a function that are all learned; they fill every window of the predictor. */
const LEARN_ALL_COUNT = 96

/** Of later ones, one in so many: they only keep the windows fresh, and learning takes longer than all the rest of a simulated call. */
const LEARN_ONE_IN = 16

/** The production predictor, which begins with nothing and learns from each execution. */
export class LearnedEstimates implements Estimates {
  readonly #calls: Calls
  readonly #functions: readonly VirtualFunction[]
  readonly #predictor = new Predictor()
  readonly #seen: Uint32Array

  constructor(calls: Calls, functions: readonly VirtualFunction[]) {
    this.#calls = calls
    this.#functions = functions
    this.#seen = new Uint32Array(functions.length)
  }

  estimate(call: number): Estimate {
    const { key, digest, contract } = this.#function(call)
    return this.#predictor.estimate({ function: key, digest, contract, inputBytes: this.#calls.workload.inputBytes[call] ?? 0 })
  }

  learn(call: number, machine: Machine, nowMs: number): void {
    const { key, digest } = this.#function(call)
    const index = this.#calls.functionIndex(call)
    const seen = (this.#seen[index] = (this.#seen[index] ?? 0) + 1)
    if (seen > LEARN_ALL_COUNT && seen % LEARN_ONE_IN !== 0) return
    const { startedMs, startWorkMs, pullMs, cacheMs, cold, sharing, workload } = this.#calls
    const tookMs = nowMs - (startedMs[call] ?? 0) - (pullMs[call] ?? 0)
    const startWork = startWorkMs[call] ?? 0
    const shared = sharing[call] ?? 0
    // Start and run share the cores with the same others, near enough.
    const startMs = (tookMs * startWork) / Math.max(1e-9, startWork + this.#calls.runMs(call) + (cacheMs[call] ?? 0))
    this.#predictor.observe({
      function: key,
      digest,
      peer: machine.id,
      start: cold[call] === 1 ? 'cold' : 'warm',
      inputBytes: workload.inputBytes[call] ?? 0,
      outputBytes: 0,
      pullMs: pullMs[call] ?? 0,
      startMs: Math.max(0, startMs),
      runMs: Math.max(0, tookMs - startMs) / (shared === 0 ? 1 : shared),
      clean: shared === 1
    })
  }

  slowness(machine: Machine): number {
    return this.#predictor.slowness(machine.id)
  }

  #function(call: number): VirtualFunction {
    const fn = this.#functions[this.#calls.functionIndex(call)]
    if (fn === undefined) throw new RangeError(`call ${call} has no function`)
    return fn
  }
}

/** Samples that an estimate claims to rest on when it is right by construction. */
const EXACT_SAMPLES = 64

/** The true times, multiplied by log-normal noise: for telling what the scheduler does from what the predictor does. */
export class NoisyEstimates implements Estimates {
  readonly #calls: Calls
  readonly #factors: Float64Array

  /** `noise`: standard deviation of the logarithm, so 0.25 for 25 %; 0 for the truth. */
  constructor(calls: Calls, noise: number, random: Random) {
    this.#calls = calls
    this.#factors = Float64Array.from({ length: noise === 0 ? 0 : calls.size }, () => Math.exp(noise * normal(random)))
  }

  estimate(call: number): Estimate {
    return {
      runMs: this.#calls.runMs(call) * (this.#factors[call] ?? 1),
      coldStartMs: this.#calls.function(call).coldStartMs,
      warmStartMs: WARM_START_MS,
      outputBytes: 0,
      samples: EXACT_SAMPLES
    }
  }

  learn(): void {}

  slowness({ spec }: Machine): number {
    return 1 / spec.speed
  }
}

import { CaresError } from '../../model/errors.ts'
import type { Contract } from '../../model/function.ts'
import type { Random } from '../../model/random.ts'

/** A function of a workload, as its upload would describe it. */
export interface SimFunction {
  readonly name: string
  readonly contract: Contract
  readonly cpus: number
  readonly memoryBytes: number
  readonly imageBytes: number
  /** Of a new container on an idle machine of reference speed, without the pull. */
  readonly coldStartMs: number
  /** Whole graphics processors that one execution takes. Workers know of them, placers do not: see `VirtualPlacer`. */
  readonly gpus: number
}

/** What is called when, and how long it takes: everything that does not depend on where it runs. Calls are in order of arrival. */
export interface Workload {
  readonly name: string
  readonly functions: readonly SimFunction[]
  /** Of each call, milliseconds from the beginning. Ascending. */
  readonly arrivalMs: Float64Array
  /** Of each call, the index of its function. */
  readonly functionOf: Uint32Array
  /** Of each call, its run time on an idle machine of reference speed. */
  readonly runMs: Float64Array
  /** Of each call, the size of its input. */
  readonly inputBytes: Float64Array
  /** What the source does not say and was assumed, as sentences for the reader of the results. */
  readonly notes: readonly string[]
}

/** Calls that one simulation takes at most: some 400 MB of arrays and results. */
const CALLS_MAX = 5_000_000

/** Collects calls in any order. */
export class WorkloadBuilder {
  readonly #name: string
  readonly #functions: SimFunction[] = []
  readonly #slots = new Map<string, number>()
  readonly #arrivals: number[] = []
  readonly #functionOf: number[] = []
  readonly #runs: number[] = []
  readonly #inputs: number[] = []

  constructor(name: string) {
    this.#name = name
  }

  get count(): number {
    return this.#arrivals.length
  }

  /** The index of a function; `make` describes it when it is new. */
  functionIndex(name: string, make: (name: string) => SimFunction): number {
    let index = this.#slots.get(name)
    if (index === undefined) {
      index = this.#functions.push(make(name)) - 1
      this.#slots.set(name, index)
    }
    return index
  }

  /** Adds a call. Throws `too_large` beyond {@link CALLS_MAX}, and `invalid` for numbers that no call can have. */
  add(functionIndex: number, arrivalMs: number, runMs: number, inputBytes = 0): void {
    if (!(arrivalMs >= 0 && runMs >= 0 && inputBytes >= 0) || !Number.isFinite(arrivalMs + runMs + inputBytes)) {
      throw new CaresError('invalid', `a call cannot arrive at ${arrivalMs} ms, take ${runMs} ms and have ${inputBytes} bytes of input`)
    }
    if (this.count >= CALLS_MAX) {
      throw new CaresError('too_large', `the trace has more than ${CALLS_MAX} calls`, { hint: 'replay a part of it: --limit 100000' })
    }
    this.#arrivals.push(arrivalMs)
    this.#functionOf.push(functionIndex)
    this.#runs.push(runMs)
    this.#inputs.push(inputBytes)
  }

  /** The workload so far, from its first call on. Throws `invalid` when there is none. */
  build(notes: readonly string[] = []): Workload {
    const order = Uint32Array.from(this.#arrivals.keys())
    // Calls of the same moment keep the order in which they were added.
    order.sort((a, b) => (this.#arrivals[a] ?? 0) - (this.#arrivals[b] ?? 0) || a - b)
    const first = order[0]
    if (first === undefined) throw new CaresError('invalid', 'the trace has no calls', { hint: 'check that it is the right file' })
    const firstMs = this.#arrivals[first] ?? 0
    return {
      name: this.#name,
      functions: this.#functions,
      arrivalMs: Float64Array.from(order, call => (this.#arrivals[call] ?? 0) - firstMs),
      functionOf: Uint32Array.from(order, call => this.#functionOf[call] ?? 0),
      runMs: Float64Array.from(order, call => this.#runs[call] ?? 0),
      inputBytes: Float64Array.from(order, call => this.#inputs[call] ?? 0),
      notes
    }
  }
}

/** The first calls of a workload; the workload itself when it has no more. */
export function firstCalls(workload: Workload, callsMax: number): Workload {
  if (workload.arrivalMs.length <= callsMax) return workload
  return {
    ...workload,
    arrivalMs: workload.arrivalMs.slice(0, callsMax),
    functionOf: workload.functionOf.slice(0, callsMax),
    runMs: workload.runMs.slice(0, callsMax),
    inputBytes: workload.inputBytes.slice(0, callsMax),
    notes: [...workload.notes, `only the first ${callsMax} of ${workload.arrivalMs.length} calls`]
  }
}

/** The workload with its arrivals so many times closer together. Run times stay. */
export function compressed(workload: Workload, factor: number): Workload {
  return { ...workload, arrivalMs: workload.arrivalMs.map(ms => ms / factor) }
}

/** Milliseconds from the first to the last arrival. */
export function spanMs({ arrivalMs }: Workload): number {
  return arrivalMs.at(-1) ?? 0
}

/** Core-milliseconds on a machine of reference speed. */
export function workMs({ functions, functionOf, runMs }: Workload): number {
  return runMs.reduce((sum, ms, call) => sum + ms * (functions[functionOf[call] ?? 0]?.cpus ?? 1), 0)
}

const MIB = 2 ** 20

/**
 * A function whose image and start nobody has written down: 50 to 800 MB and 0.45 to 2.4 s, log-uniform, the ranges that studies of public
 * clouds report.
 */
export function drawnFunction(name: string, random: Random, known: Partial<SimFunction> = {}): SimFunction {
  return {
    name,
    contract: 'http',
    cpus: 1,
    memoryBytes: 256 * MIB,
    imageBytes: Math.round(logUniform(50e6, 800e6, random)),
    coldStartMs: logUniform(450, 2_400, random),
    gpus: 0,
    ...known
  }
}

/** A number between two others, every order of magnitude as likely as the next. */
export function logUniform(from: number, to: number, random: Random): number {
  return from * (to / from) ** random()
}

/** A normal variate (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** The gap to the next of events that come at random, `rate` in a unit of time. */
export function exponential(rate: number, random: Random): number {
  return -Math.log(1 - random()) / rate
}

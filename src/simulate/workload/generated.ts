import { createRandom, type Random } from '../../model/random.ts'
import { drawnFunction, exponential, logUniform, normal, type Workload, WorkloadBuilder } from './workload.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

/** Calls of a scenario of functions. */
const CALLS_COUNT = 20_000
const FUNCTIONS_COUNT = 40

/** Mean time between two calls; that ten peers are half busy with. */
const GAP_MS = 40

/** Few functions get most of the calls (Zipf), as everywhere. */
const ZIPF_EXPONENT = 1.1

/** Calls of some 40 functions, arriving independently of each other. */
export function steadyCalls(seed: number): Workload {
  return functionCalls('steady', seed, () => 1)
}

/** Quiet and busy stretches, in a ratio of rates. */
const BURST_RATIO = 8
const STRETCH_CALLS = 400

/** The same functions, but calls come in bursts: every other stretch has them eight times as close. */
export function burstyCalls(seed: number): Workload {
  return functionCalls('bursts', seed, call => (Math.floor(call / STRETCH_CALLS) % 2 === 0 ? 1 : BURST_RATIO))
}

function functionCalls(name: string, seed: number, rateAt: (call: number) => number): Workload {
  const builder = new WorkloadBuilder(name)
  const random = createRandom(seed)
  const medians: number[] = []
  const cumulated: number[] = []
  let weight = 0
  for (let i = 0; i < FUNCTIONS_COUNT; i++) {
    builder.functionIndex(`f${i}`, each => drawnFunction(each, random, { memoryBytes: Math.round(logUniform(64, 512, random)) * MIB }))
    medians.push(logUniform(20, 5_000, random))
    cumulated.push((weight += (i + 1) ** -ZIPF_EXPONENT))
  }
  let nowMs = 0
  for (let call = 0; call < CALLS_COUNT; call++) {
    nowMs += GAP_MS * exponential(rateAt(call), random)
    const draw = random() * weight
    const fn = cumulated.findIndex(each => each >= draw)
    // Half of a run follows the size of its input, half is the function's own.
    const inputBytes = Math.round(logUniform(1_000, 10e6, random))
    const scale = Math.sqrt(inputBytes / 100_000)
    builder.add(fn, nowMs, (medians[fn] ?? 100) * (0.5 + 0.5 * scale) * Math.exp(0.2 * normal(random)), inputBytes)
  }
  return builder.build(['generated: functions by Zipf, run times by input size with 20 % of noise'])
}

/** What a batch consists of, by share of its tasks. */
export interface BatchMix {
  readonly small: number
  readonly cpuHeavy: number
  readonly memoryHeavy: number
  readonly gpu: number
}

/** The mix of which two graphics processors are the narrow point. */
export const GPU_BOUND_MIX: BatchMix = { small: 0.5, cpuHeavy: 0.25, memoryHeavy: 0.15, gpu: 0.1 }

/** The mix of which the cores are. */
export const CPU_BOUND_MIX: BatchMix = { small: 0.45, cpuHeavy: 0.33, memoryHeavy: 0.19, gpu: 0.03 }

const TASKS_COUNT = 100
const RUN_MS_LEAST = 1_000
const RUN_MS_MOST = 60_000

/** 100 tasks of four kinds that are all there at once, in the spirit of CloudAI's evaluation: nothing to pull, no start to wait for. */
export function batchTasks(name: string, mix: BatchMix, seed: number): Workload {
  const builder = new WorkloadBuilder(name)
  const random = createRandom(seed)
  for (let i = 0; i < TASKS_COUNT; i++) {
    const { kind, runMs, ...needs } = drawTask(mix, random)
    const index = builder.functionIndex(`${kind}-${i}`, name => ({ name, contract: 'stdio', imageBytes: 0, coldStartMs: 0, ...needs }))
    builder.add(index, 0, Math.min(RUN_MS_MOST, Math.max(RUN_MS_LEAST, runMs)))
  }
  return builder.build(['generated: log-normal run times, cut to 1 to 60 s; all tasks arrive at once'])
}

interface Task {
  readonly kind: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
  readonly runMs: number
}

function drawTask({ small, cpuHeavy, memoryHeavy }: BatchMix, random: Random): Task {
  const draw = random()
  const runMs = (medianS: number, sigma: number): number => 1_000 * medianS * Math.exp(sigma * normal(random))
  const oneOf = (values: readonly number[]): number => values[Math.floor(random() * values.length)] ?? 1
  if (draw < small) {
    return { kind: 'small', cpus: oneOf([0.5, 1, 2]), memoryBytes: oneOf([0.5, 1, 2]) * GIB, gpus: 0, runMs: runMs(8, 0.6) }
  }
  if (draw < small + cpuHeavy) {
    return { kind: 'cpu', cpus: oneOf([2, 4]), memoryBytes: oneOf([2, 4]) * GIB, gpus: 0, runMs: runMs(20, 0.5) }
  }
  if (draw < small + cpuHeavy + memoryHeavy) {
    return { kind: 'memory', cpus: oneOf([1, 2]), memoryBytes: oneOf([8, 12]) * GIB, gpus: 0, runMs: runMs(15, 0.5) }
  }
  return { kind: 'gpu', cpus: 2, memoryBytes: 4 * GIB, gpus: 1, runMs: runMs(20, 0.4) }
}

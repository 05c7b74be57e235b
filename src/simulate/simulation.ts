import { costStrategy } from '../core/scheduler/strategies/cost.ts'
import { STRATEGIES } from '../core/scheduler/strategies/strategies.ts'
import { closest } from '../model/closest.ts'
import { CaresError } from '../model/errors.ts'
import { createRandom } from '../model/random.ts'
import {
  INTERVAL_SEEDS_MIN,
  type MetricName,
  METRICS,
  type SimulationReport,
  type SimulationRequest,
  type SimulationRow,
  type SimulationRun,
  type SimulationStep,
  type Spread
} from '../model/simulation.ts'
import { makespanBoundMs } from './replay/bound.ts'
import { baselines, type Chooser, strategyChooser } from './replay/choosers.ts'
import { capacityOf, drawFleet, type MachineSpec } from './replay/fleet.ts'
import { measure, quantile, slowdownOf } from './replay/metrics.ts'
import { replay } from './replay/replay.ts'
import type { ReplayResult } from './replay/replay-init.ts'
import { openTrace, type TraceSource } from './workload/open-trace.ts'
import { compressed, firstCalls, spanMs, type Workload, workMs } from './workload/workload.ts'

/** Every rule that can place, by name: the scheduler's strategies, the cost strategy's other objectives, and the baselines. */
export function choosers(): ReadonlyMap<string, Chooser> {
  const own = Object.values(STRATEGIES).map(strategy => strategyChooser(strategy.name, strategy))
  const objectives = [strategyChooser('cost-latency', costStrategy('latency')), strategyChooser('cost-cheap', costStrategy('cheap'))]
  return new Map([...own, ...objectives, ...baselines()].map(chooser => [chooser.name, chooser]))
}

/**
 * Replays a workload with each strategy under each seed. All strategies meet the same calls and machines under one seed. Yields before each
 * replay, so that the caller can show progress or stop; returns the report. Throws `not_found` or `invalid` for what it cannot replay.
 */
export function* simulate(request: SimulationRequest): Generator<SimulationStep, SimulationReport, undefined> {
  const known = choosers()
  const chosen = request.strategies.map(name => known.get(name) ?? unknownStrategy(name, [...known.keys()]))
  const source = openTrace(request.trace)
  const outcomes = new Map<string, { run: SimulationRun; result: ReplayResult | undefined }[]>(chosen.map(({ name }) => [name, []]))
  const total = chosen.length * request.runs
  let done = 0
  let first: Scene | undefined
  for (let seed = request.seed; seed < request.seed + request.runs; seed++) {
    const scene = sceneOf(request, source, seed)
    const isFirst = first === undefined
    first ??= scene
    for (const chooser of chosen) {
      yield { strategy: chooser.name, seed, done: done++, total }
      const result = replayScene(request, scene, chooser, seed)
      const { calls, eventsCount: events, crashes } = result
      const run = { strategy: chooser.name, seed, metrics: measure(result, scene.boundMs), calls: calls.size, events, crashes }
      outcomes.get(chooser.name)?.push({ run, result: isFirst ? result : undefined })
    }
  }
  if (first === undefined) throw new CaresError('invalid', 'there is nothing to simulate: at least one run, please')
  const { workload, fleet, compression, spanMs: arrivingMs } = first
  return {
    request,
    workload: workload.name,
    functions: new Set(workload.functionOf).size,
    calls: workload.arrivalMs.length,
    compression,
    spanS: arrivingMs / 1_000,
    peers: fleet.length,
    cores: fleet.reduce((sum, { cpus }) => sum + cpus, 0),
    notes: [...workload.notes, ...(first.isBatch ? [BOUND_NOTE] : []), ...((request.cache ?? 'off') === 'off' ? [] : [CACHE_NOTE])],
    rows: [...outcomes].map(([strategy, runs]) => rowOf(strategy, runs, first)),
    runs: [...outcomes.values()].flatMap(runs => runs.map(({ run }) => run))
  }
}

/** What the bound of a batch leaves out. */
const BOUND_NOTE =
  'the bound is what all machines need for all work, or the fastest for the longest task: what fits on which machine is not in it, so that no schedule may reach it'

/** What traces do not tell of caches. */
const CACHE_NOTE =
  'needs of cache are drawn, 4 MiB of it come with each core, and a run is as slow as those that are there when it begins make it: by the curve of Fsched'

/** How far estimates of tasks are off where nothing else is said. */
const BATCH_NOISE = 0.25

/** One workload on one fleet, ready to be replayed. */
interface Scene {
  readonly isBatch: boolean
  readonly workload: Workload
  readonly fleet: readonly MachineSpec[]
  readonly compression: number
  readonly spanMs: number
  readonly boundMs: number
}

function sceneOf({ peers, priceSpread, callsMax, load }: SimulationRequest, source: TraceSource, seed: number): Scene {
  const drawn = firstCalls(source.workload(seed), callsMax)
  const fleet = source.fleet ?? drawFleet({ peers, priceSpread, seed })
  const compression =
    load === null || source.isBatch || spanMs(drawn) === 0 ? 1 : (spanMs(drawn) * capacityOf(fleet) * load) / workMs(drawn)
  const workload = compression === 1 ? drawn : compressed(drawn, compression)
  return { isBatch: source.isBatch, workload, fleet, compression, spanMs: spanMs(workload), boundMs: makespanBoundMs(workload, fleet) }
}

function replayScene(request: SimulationRequest, scene: Scene, chooser: Chooser, seed: number): ReplayResult {
  const { placers, gossipMs, gossipDelayMs, lossRatio, keepAliveMs, estimates, crashesPerHour, outsideShare = 0, cache = 'off' } = request
  const { workload, fleet, compression, isBatch } = scene
  return replay({
    workload,
    fleet,
    chooser,
    seed,
    placers,
    waitingOrder: chooser.queueOrder ?? 'interactive',
    gossipMs,
    gossipDelayMs,
    lossRatio,
    keepAliveMs: keepAliveMs / compression,
    sharesCores: !isBatch,
    // Of a task that runs once there is nothing to learn from.
    estimates: estimates ?? (isBatch ? BATCH_NOISE : 'learned'),
    crashesPerHour,
    outsideShare,
    cache
  })
}

function unknownStrategy(name: string, known: readonly string[]): never {
  const near = closest(name, known)
  throw new CaresError('invalid', `there is no strategy ${name}`, {
    hint: near === undefined ? `strategies are ${known.join(', ')}` : `did you mean ${near}? All: ${known.join(', ')}`
  })
}

function rowOf(
  strategy: string,
  outcomes: readonly { run: SimulationRun; result: ReplayResult | undefined }[],
  scene: Scene
): SimulationRow {
  const spreads = METRICS.map(({ name }) => [name, spreadOf(outcomes.map(({ run }) => run.metrics[name]))] as const)
  const result = outcomes[0]?.result
  return {
    strategy,
    kind: baselines().some(({ name }) => name === strategy) ? 'baseline' : 'strategy',
    metrics: Object.fromEntries(spreads) as Record<MetricName, Spread>,
    slowdownQuantiles: result === undefined ? [] : slowdownQuantiles(result),
    coresOverTime: result === undefined ? [] : coresOverTime(result, scene)
  }
}

const RESAMPLES_COUNT = 1_000
const INTERVAL_SHARE = 0.95

/**
 * The median, and between what values all lie, or, of enough of them, where it would probably lie with other seeds: percentiles of the medians of
 * resamples (bootstrap, Efron 1979).
 */
export function spreadOf(values: readonly number[]): Spread {
  const median = medianOf(values)
  if (values.length < 2 || Number.isNaN(median)) return { median, low: median, high: median }
  if (values.length < INTERVAL_SEEDS_MIN) return { median, low: Math.min(...values), high: Math.max(...values) }
  const random = createRandom(values.length)
  const medians = Float64Array.from({ length: RESAMPLES_COUNT }, () =>
    medianOf(values.map(() => values[Math.floor(random() * values.length)] ?? 0))
  ).sort()
  return { median, low: quantile(medians, (1 - INTERVAL_SHARE) / 2), high: quantile(medians, (1 + INTERVAL_SHARE) / 2) }
}

function medianOf(values: readonly number[]): number {
  const ascending = Float64Array.from(values).sort()
  const upper = ascending[ascending.length >> 1] ?? Number.NaN
  return ascending.length % 2 === 1 ? upper : (upper + (ascending[(ascending.length >> 1) - 1] ?? upper)) / 2
}

function slowdownQuantiles({ calls }: ReplayResult): number[] {
  const slowdowns = Float64Array.from({ length: calls.size }, (_, call) =>
    calls.state(call) === 'done' ? slowdownOf(calls, call) : Number.NaN
  )
    .filter(value => !Number.isNaN(value))
    .sort()
  return Array.from({ length: 101 }, (_, percent) => rounded(quantile(slowdowns, percent / 100)))
}

const SAMPLES_COUNT = 120

/** Cores that executions asked for, as a share of all there are, in stretches of equal length. */
function coresOverTime({ calls, endMs }: ReplayResult, { fleet }: Scene): number[] {
  const stretchMs = Math.max(endMs, 1e-9) / SAMPLES_COUNT
  const coreMs = new Float64Array(SAMPLES_COUNT)
  for (let call = 0; call < calls.size; call++) {
    if (calls.state(call) !== 'done') continue
    const { cpus } = calls.function(call)
    const [fromMs, toMs] = [(calls.startedMs[call] ?? 0) + (calls.pullMs[call] ?? 0), calls.endMs[call] ?? 0]
    for (let at = Math.floor(fromMs / stretchMs); at * stretchMs < toMs && at < SAMPLES_COUNT; at++) {
      coreMs[at] = (coreMs[at] ?? 0) + cpus * (Math.min(toMs, (at + 1) * stretchMs) - Math.max(fromMs, at * stretchMs))
    }
  }
  const cores = fleet.reduce((sum, { cpus }) => sum + cpus, 0)
  return [...coreMs].map(ms => rounded(ms / stretchMs / cores))
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4
}

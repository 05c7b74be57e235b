import { computingShare } from '../../model/computing.ts'
import type { Contract } from '../../model/function.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { CacheNeed } from '../../model/llc.ts'
import type { Observation } from '../../model/observation.ts'
import type { Estimate } from '../../model/placement.ts'
import { FunctionModel, priorEstimate } from './function-model.ts'
import { RecentMap } from './recent-map.ts'
import { Slowness } from './slowness.ts'

/** Functions that are remembered; as many as a cluster has. At some 30 kB each, 300 MB if all are called often. */
export const FUNCTIONS_MAX = 10_000

/** Classes of calls with parameters that are remembered, of all functions: fewer, as clients make them up. */
const CLASSES_MAX = 2_000

/** Images that new functions can start from. Fewer, as only new functions ask. */
const IMAGES_MAX = 1_000

/** Machines that are remembered: twice what a view holds. */
const MACHINES_MAX = 1_024

/** Clean runs that a function must have had before it can judge a machine. */
const JUDGE_RUNS_MIN = 3

/** Shorter runs say more of the network and of timers than of the machine. */
const JUDGE_RUN_MS_MIN = 10

/** What waits for longer than this leaves says more of what it waits for. */
const JUDGE_COMPUTING_MIN = 0.8

/** Longer than any function may run. */
const OBSERVED_MS_MAX = 86_400_000

/** That long on every core of the largest machine. */
const CPU_MS_MAX = 4_096 * OBSERVED_MS_MAX

/** Parameters are declared by clients; longer ones are no class. */
const PARAMS_CHARACTERS_MAX = 256

/** What an estimate is asked for. */
export interface EstimateQuestion {
  /** See `functionKey`. */
  readonly function: string
  readonly digest: Digest
  readonly contract: Contract
  /** 0 when not known. */
  readonly inputBytes: number
  /** See `Observation`. */
  readonly params?: string | undefined
}

/**
 * Learns from executions what functions take. Deterministic: the same observations in the same order give the same estimates.
 *
 * What is known best comes first, as in LARS: calls with the very same parameters, then all calls of the function, then another function of the
 * same image, then what is assumed of all. Each starts from what the one after it knows, so the first call of a class is no leap.
 */
export class Predictor {
  readonly #functions = new RecentMap<string, FunctionModel>(FUNCTIONS_MAX)
  /** By name and parameters. */
  readonly #classes = new RecentMap<string, FunctionModel>(CLASSES_MAX)
  /** By image, the function of it that ran last: the best that is known of a function that has not run yet. */
  readonly #images = new RecentMap<Digest, FunctionModel>(IMAGES_MAX)
  readonly #machines = new RecentMap<PeerId, Slowness>(MACHINES_MAX)

  /** Takes in one execution. Numbers come from workers, so one that cannot be true makes the whole of it be ignored. */
  observe(observation: Observation): void {
    const { digest, peer, inputBytes, runMs, clean, llcBytes, params = '' } = observation
    if (!isPlausible(observation)) return
    const { name, revision } = parseKey(observation.function)
    const model =
      this.#functions.get(name)?.after(revision, digest) ??
      this.#images.get(digest)?.heir(revision, digest) ??
      new FunctionModel(revision, digest)
    // The machine is judged by what was expected before this run, not by the run itself.
    if (clean && llcBytes === undefined && model.cleanRuns >= JUDGE_RUNS_MIN) {
      const expectedMs = model.expectedRunMs(inputBytes)
      if (Math.min(runMs, expectedMs) >= JUDGE_RUN_MS_MIN && computingShare(observation) >= JUDGE_COMPUTING_MIN) {
        const machine = this.#machines.get(peer) ?? new Slowness()
        machine.learn(runMs, expectedMs)
        this.#machines.set(peer, machine)
      }
    }
    const slowness = this.slowness(peer)
    if (params !== '') {
      const key = classKey(name, params)
      // Before the function learns of it, or its class would count the first one twice.
      const ofClass = this.#classes.get(key)?.after(revision, digest) ?? model.heir(revision, digest)
      ofClass.learn(revision, observation, slowness)
      this.#classes.set(key, ofClass)
    }
    model.learn(revision, observation, slowness)
    this.#functions.set(name, model)
    this.#images.set(digest, model)
  }

  /** What one execution of a function would take on an idle machine of reference speed, by the best that is known of it. */
  estimate({ function: key, digest, contract, inputBytes, params = '' }: EstimateQuestion): Estimate {
    const name = key.slice(0, key.lastIndexOf('@'))
    const own = (params === '' ? undefined : this.#classes.get(classKey(name, params))) ?? this.#functions.get(name)
    return (
      own?.estimate(contract, inputBytes, digest) ?? this.#images.get(digest)?.estimateHeir(contract, inputBytes) ?? priorEstimate(contract)
    )
  }

  /** What running it is expected to want of the last-level cache, by its last execution; undefined where nothing is known. */
  cacheNeed(key: string): CacheNeed | undefined {
    return this.#functions.get(key.slice(0, key.lastIndexOf('@')))?.cacheNeed
  }

  /** How many times longer than on a machine of reference speed things take there; 1 when not known. */
  slowness(peer: PeerId): number {
    return this.#machines.get(peer)?.factor ?? 1
  }

  /**
   * Says how fast a machine was in its calibration, so that the first executions there need not be compared to find out. Soon outvoted by what
   * is observed.
   *
   * @param speed 1 for the reference machine, 2 for one that is twice as fast
   */
  seedSpeed(peer: PeerId, speed: number): void {
    if (!(speed > 0) || this.#machines.get(peer) !== undefined) return
    this.#machines.set(peer, new Slowness(1 / speed))
  }
}

/** A name has no `?`. */
function classKey(name: string, params: string): string {
  return `${name}?${params}`
}

/** The parts of a `functionKey`. */
function parseKey(key: string): { name: string; revision: number } {
  const at = key.lastIndexOf('@')
  return { name: key.slice(0, at), revision: Number(key.slice(at + 1)) }
}

function isPlausible(observation: Observation): boolean {
  const { function: key, inputBytes, outputBytes, pullMs, startMs, runMs, cpuMs = 0, memoryPeakBytes = 0, params = '' } = observation
  const { llcBytes = 1, llcUsedBytes = 0 } = observation
  const isTime = (ms: number): boolean => ms >= 0 && ms <= OBSERVED_MS_MAX
  const isSize = (bytes: number): boolean => bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER
  return (
    /@\d+$/.test(key) &&
    params.length <= PARAMS_CHARACTERS_MAX &&
    isTime(pullMs) &&
    isTime(startMs) &&
    isTime(runMs) &&
    isSize(inputBytes) &&
    isSize(outputBytes) &&
    cpuMs >= 0 &&
    cpuMs <= CPU_MS_MAX &&
    isSize(memoryPeakBytes) &&
    llcBytes > 0 &&
    isSize(llcBytes) &&
    isSize(llcUsedBytes)
  )
}

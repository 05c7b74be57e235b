import type { Contract } from '../../model/function.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { Observation } from '../../model/observation.ts'
import type { Estimate } from '../../model/placement.ts'
import { FunctionModel, priorEstimate } from './function-model.ts'
import { RecentMap } from './recent-map.ts'
import { Slowness } from './slowness.ts'

/** Functions that are remembered; as many as a cluster has. At some 30 kB each, 300 MB if all are called often. */
export const FUNCTIONS_MAX = 10_000

/** Images that new functions can start from. Fewer, as only new functions ask. */
export const IMAGES_MAX = 1_000

/** Machines that are remembered: twice what a view holds. */
export const MACHINES_MAX = 1_024

/** Clean runs that a function must have had before it can judge a machine. */
const JUDGE_RUNS_MIN = 3

/** Shorter runs say more of the network and of timers than of the machine. */
const JUDGE_RUN_MS_MIN = 10

/** Longer than any function may run. */
const OBSERVED_MS_MAX = 86_400_000

/** That long on every core of the largest machine. */
const CPU_MS_MAX = 4_096 * OBSERVED_MS_MAX

/** What an estimate is asked for. */
export interface EstimateQuestion {
  /** See `functionKey`. */
  readonly function: string
  readonly digest: Digest
  readonly contract: Contract
  /** 0 when not known. */
  readonly inputBytes: number
}

/**
 * Learns from executions what functions take. Deterministic: the same observations in the same order give the same estimates. What it learns
 * is its own; a new orchestrator starts from priors.
 */
export class Predictor {
  readonly #functions = new RecentMap<string, FunctionModel>(FUNCTIONS_MAX)
  /** By image, the function of it that ran last: the best that is known of a function that has not run yet. */
  readonly #images = new RecentMap<Digest, FunctionModel>(IMAGES_MAX)
  readonly #machines = new RecentMap<PeerId, Slowness>(MACHINES_MAX)

  /** Takes in one execution. Numbers come from workers, so one that cannot be true makes the whole of it be ignored. */
  observe(observation: Observation): void {
    const { digest, peer, inputBytes, runMs, clean } = observation
    if (!isPlausible(observation)) return
    const { name, revision } = parseKey(observation.function)
    const model =
      this.#functions.get(name)?.after(revision, digest) ??
      this.#images.get(digest)?.heir(revision, digest) ??
      new FunctionModel(revision, digest)
    // The machine is judged by what was expected before this run, not by the run itself.
    if (clean && model.cleanRuns >= JUDGE_RUNS_MIN) {
      const expectedMs = model.expectedRunMs(inputBytes)
      if (Math.min(runMs, expectedMs) >= JUDGE_RUN_MS_MIN) {
        const machine = this.#machines.get(peer) ?? new Slowness()
        machine.learn(runMs, expectedMs)
        this.#machines.set(peer, machine)
      }
    }
    model.learn(revision, observation, this.slowness(peer))
    this.#functions.set(name, model)
    this.#images.set(digest, model)
  }

  /**
   * What one execution of a function would take on an idle machine of reference speed: by its own executions, else by those of a function of
   * the same image, else by what is assumed of all.
   */
  estimate({ function: key, digest, contract, inputBytes }: EstimateQuestion): Estimate {
    const own = this.#functions.get(key.slice(0, key.lastIndexOf('@')))
    return (
      own?.estimate(contract, inputBytes, digest) ?? this.#images.get(digest)?.estimateHeir(contract, inputBytes) ?? priorEstimate(contract)
    )
  }

  /** How many times longer than on a machine of reference speed things take there; 1 when not known. */
  slowness(peer: PeerId): number {
    return this.#machines.get(peer)?.factor ?? 1
  }
}

/** The parts of a `functionKey`. */
function parseKey(key: string): { name: string; revision: number } {
  const at = key.lastIndexOf('@')
  return { name: key.slice(0, at), revision: Number(key.slice(at + 1)) }
}

function isPlausible({ function: key, inputBytes, outputBytes, startMs, runMs, cpuMs = 0, memoryPeakBytes = 0 }: Observation): boolean {
  const isTime = (ms: number): boolean => ms >= 0 && ms <= OBSERVED_MS_MAX
  const isSize = (bytes: number): boolean => bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER
  return (
    /@\d+$/.test(key) &&
    isTime(startMs) &&
    isTime(runMs) &&
    isSize(inputBytes) &&
    isSize(outputBytes) &&
    cpuMs >= 0 &&
    cpuMs <= CPU_MS_MAX &&
    isSize(memoryPeakBytes)
  )
}

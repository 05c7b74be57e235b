import { runMsOn } from '../../model/computing.ts'
import type { Contract } from '../../model/function.ts'
import type { Digest } from '../../model/ids.ts'
import type { Observation } from '../../model/observation.ts'
import type { CacheNeed } from '../../model/llc.ts'
import type { Estimate } from '../../model/placement.ts'
import { CacheModel } from './cache-model.ts'
import { Metric, SPACE, TIME } from './metric.ts'
import { PRIOR_COLD_START_MS, PRIOR_OUTPUT_BYTES, PRIOR_RUN_MS, PRIOR_WARM_START_MS } from './priors.ts'
import { RecentMedian } from './recent-median.ts'
import { StartTime } from './start-time.ts'

/** Executions of another image count as no more than these: too few to refuse the new image anything for the old one's sake. */
const SAMPLES_OF_OTHER_IMAGE_MAX = 2

/** Estimates kept until the next execution: calls that come at once often have inputs of one size. */
const MEMO_MAX = 64

/** What is expected of a function of which nothing is known. */
export function priorEstimate(contract: Contract): Estimate {
  return {
    runMs: PRIOR_RUN_MS,
    coldStartMs: PRIOR_COLD_START_MS[contract],
    warmStartMs: PRIOR_WARM_START_MS,
    outputBytes: PRIOR_OUTPUT_BYTES,
    samples: 0,
    basis: 'prior'
  }
}

/** What has been learned of one function. Times are those of a machine of reference speed. */
export class FunctionModel {
  #revision: number
  readonly #digest: Digest
  #run = new Metric(TIME)
  /** Runs on busy machines took longer than the function's own doing; they count only as long as there are no others. */
  #contendedRun = new Metric(TIME)
  #cpu = new Metric(TIME)
  #memory = new Metric(SPACE)
  #output = new Metric(SPACE)
  #cache = new CacheModel()
  #lastInputBytes = 0
  #coldStart = new StartTime()
  #warmStart = new StartTime()
  /** Of the image as it is: another one has another size. */
  #pull = new RecentMedian()
  readonly #memo: Readonly<Record<Contract, Map<number, Estimate>>> = { http: new Map(), stdio: new Map() }

  constructor(revision: number, digest: Digest) {
    this.#revision = revision
    this.#digest = digest
  }

  /** The model to learn an execution with: this one, or, for a newer revision with another image, one that takes this for a first guess. */
  after(revision: number, digest: Digest): FunctionModel {
    return revision > this.#revision && digest !== this.#digest ? this.heir(revision, digest) : this
  }

  /** A model of another image of the function, or of another function of the image, that starts from what is known here. */
  heir(revision: number, digest: Digest): FunctionModel {
    const heir = new FunctionModel(revision, digest)
    heir.#run = this.#bestRun.heir()
    heir.#cpu = this.#cpu.heir()
    heir.#memory = this.#memory.heir()
    heir.#output = this.#output.heir()
    heir.#cache = this.#cache.heir()
    heir.#coldStart = this.#coldStart.heir()
    heir.#warmStart = this.#warmStart.heir()
    if (digest === this.#digest) heir.#pull = this.#pull.heir()
    return heir
  }

  /** Clean runs of its own in the window. */
  get cleanRuns(): number {
    return this.#run.ownCount
  }

  /** Takes in an execution of some revision; one of an older revision says nothing any more. `slowness` is that of its machine. */
  learn(revision: number, observation: Observation, slowness: number): void {
    if (revision < this.#revision) return
    const { start, inputBytes, outputBytes, pullMs, startMs, runMs, cpuMs, memoryPeakBytes, llcBytes, llcUsedBytes, clean } = observation
    this.#revision = revision
    this.#memo.http.clear()
    this.#memo.stdio.clear()
    this.#lastInputBytes = inputBytes
    // A run with few ways of the cache says how it takes that, and nothing of ordinary runs.
    if (llcBytes !== undefined) return this.#cache.learnConfined(inputBytes, llcBytes, runMs / slowness)
    if (llcUsedBytes !== undefined) this.#cache.learnUsed(inputBytes, llcUsedBytes)
    const referenceMs = runMsOn({ runMs, cpuMs }, 1 / slowness)
    if (clean) this.#run.learn(inputBytes, referenceMs)
    else if (this.#run.ownCount === 0) this.#contendedRun.learn(inputBytes, referenceMs)
    if (start === 'cold') this.#coldStart.learn(startMs / slowness)
    else this.#warmStart.learn(startMs)
    if (pullMs > 0) this.#pull.learn(pullMs)
    if (cpuMs !== undefined) this.#cpu.learn(inputBytes, cpuMs / slowness)
    // The same on all machines (with a factor for each it was predicted worse: 12 % off instead of 9 %).
    if (memoryPeakBytes !== undefined) this.#memory.learn(inputBytes, memoryPeakBytes)
    this.#output.learn(inputBytes, outputBytes)
  }

  /** What a run is expected to take, by the best samples there are. */
  expectedRunMs(inputBytes: number): number {
    return this.#bestRun.predict(inputBytes) ?? PRIOR_RUN_MS
  }

  /** What a run like the last one is expected to want of the cache; undefined where nothing is known. */
  get cacheNeed(): CacheNeed | undefined {
    return this.#cache.need(this.#lastInputBytes, this.#memory.predict(this.#lastInputBytes))
  }

  /** Of an image other than the newest that has run, what is known counts for little. */
  estimate(contract: Contract, inputBytes: number, digest: Digest): Estimate {
    // Another image has another size.
    if (digest !== this.#digest) return { ...this.estimateHeir(contract, inputBytes), pullMs: undefined }
    const memo = this.#memo[contract]
    const known = memo.get(inputBytes)
    if (known !== undefined) return known
    const estimate = this.#estimate(contract, inputBytes, Number.POSITIVE_INFINITY)
    if (memo.size >= MEMO_MAX) memo.clear()
    memo.set(inputBytes, estimate)
    return estimate
  }

  /** What is expected of another image of the function, or another function of the image. */
  estimateHeir(contract: Contract, inputBytes: number): Estimate {
    return { ...this.#estimate(contract, inputBytes, SAMPLES_OF_OTHER_IMAGE_MAX), basis: 'image' }
  }

  #estimate(contract: Contract, inputBytes: number, samplesMax: number): Estimate {
    const run = this.#bestRun
    const runMs = run.predict(inputBytes) ?? PRIOR_RUN_MS
    const memoryPeakBytes = this.#memory.predict(inputBytes)
    const coldStartMs = this.#coldStart.ms ?? PRIOR_COLD_START_MS[contract]
    const warmStartMs = this.#warmStart.ms ?? PRIOR_WARM_START_MS
    const inherited = Math.min(run.count - run.ownCount, SAMPLES_OF_OTHER_IMAGE_MAX)
    return {
      runMs,
      runMsUpper: runMs * run.upperFactor,
      runErrorRatio: run.errorRatio,
      cpuMs: this.#cpu.predict(inputBytes),
      memoryPeakBytes,
      memoryPeakBytesUpper: memoryPeakBytes === undefined ? undefined : memoryPeakBytes * this.#memory.upperFactor,
      coldStartMs,
      coldStartMsUpper: coldStartMs * this.#coldStart.upperFactor,
      warmStartMs,
      warmStartMsUpper: warmStartMs * this.#warmStart.upperFactor,
      pullMs: this.#pull.value,
      outputBytes: this.#output.predict(inputBytes) ?? PRIOR_OUTPUT_BYTES,
      samples: Math.min(samplesMax, Math.max(inherited, run.ownCount)),
      basis: run.basis ?? 'prior',
      cache: this.#cache.need(inputBytes, memoryPeakBytes)
    }
  }

  get #bestRun(): Metric {
    return this.#run.ownCount === 0 && this.#contendedRun.count > 0 ? this.#contendedRun : this.#run
  }
}

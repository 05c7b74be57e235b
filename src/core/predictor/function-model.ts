import type { Contract } from '../../model/function.ts'
import type { Digest } from '../../model/ids.ts'
import type { Observation } from '../../model/observation.ts'
import type { Estimate } from '../../model/placement.ts'
import { nearest } from './experts/nearest.ts'
import { typical } from './experts/typical.ts'
import { Metric, SAMPLES_OF_OTHER_IMAGE_MAX } from './metric.ts'
import { PRIOR_COLD_START_MS, PRIOR_OUTPUT_BYTES, PRIOR_RUN_MS, PRIOR_WARM_START_MS } from './priors.ts'

/** What is expected of a function of which nothing is known. */
export function priorEstimate(contract: Contract): Estimate {
  return {
    runMs: PRIOR_RUN_MS,
    coldStartMs: PRIOR_COLD_START_MS[contract],
    warmStartMs: PRIOR_WARM_START_MS,
    outputBytes: PRIOR_OUTPUT_BYTES,
    samples: 0
  }
}

/** What has been learned of one function. Times are those of a machine of reference speed. */
export class FunctionModel {
  #revision: number
  #digest: Digest
  readonly #run = new Metric(nearest)
  /** Runs on busy machines took longer than the function's own doing; they count only as long as there are no others. */
  readonly #contendedRun = new Metric(nearest)
  readonly #coldStart = new Metric(typical)
  readonly #warmStart = new Metric(typical)
  readonly #output = new Metric(nearest)

  constructor(revision: number, digest: Digest) {
    this.#revision = revision
    this.#digest = digest
  }

  /** Clean runs in the window. */
  get cleanRuns(): number {
    return this.#run.count
  }

  /** Takes in an execution of some revision; one of an older revision says nothing any more. `slowness` is that of its machine. */
  learn(revision: number, { digest, start, inputBytes, outputBytes, startMs, runMs, clean }: Observation, slowness: number): void {
    if (revision < this.#revision) return
    if (revision > this.#revision && digest !== this.#digest) {
      for (const metric of [this.#run, this.#contendedRun, this.#coldStart, this.#warmStart, this.#output]) metric.fade()
    }
    this.#revision = revision
    this.#digest = digest
    const run = clean ? this.#run : this.#contendedRun
    run.learn({ inputBytes, value: runMs / slowness })
    if (start === 'cold') this.#coldStart.learn({ inputBytes, value: startMs / slowness })
    else this.#warmStart.learn({ inputBytes, value: startMs })
    this.#output.learn({ inputBytes, value: outputBytes })
  }

  /** What a run is expected to take, by the best samples there are. */
  expectedRunMs(inputBytes: number): number {
    return this.#bestRun.predict(inputBytes) ?? PRIOR_RUN_MS
  }

  /** Of an image other than the newest that has run, what is known counts for little. */
  estimate(contract: Contract, inputBytes: number, digest: Digest): Estimate {
    const prior = priorEstimate(contract)
    const { count } = this.#bestRun
    return {
      runMs: this.expectedRunMs(inputBytes),
      coldStartMs: this.#coldStart.predict(inputBytes) ?? prior.coldStartMs,
      warmStartMs: this.#warmStart.predict(inputBytes) ?? prior.warmStartMs,
      outputBytes: this.#output.predict(inputBytes) ?? prior.outputBytes,
      samples: digest === this.#digest ? count : Math.min(count, SAMPLES_OF_OTHER_IMAGE_MAX)
    }
  }

  get #bestRun(): Metric {
    return this.#run.count > 0 ? this.#run : this.#contendedRun
  }
}

import { type Affine, fitAffine } from '../../../src/core/predictor/affine-fit.ts'
import { affine } from '../../../src/core/predictor/experts/affine.ts'
import type { Expert } from '../../../src/core/predictor/experts/expert.ts'
import { line } from '../../../src/core/predictor/experts/line.ts'
import { nearest } from '../../../src/core/predictor/experts/nearest.ts'
import { typical } from '../../../src/core/predictor/experts/typical.ts'
import { median, sorted } from './median.ts'
import type { MetricKind } from '../../../src/core/predictor/metric.ts'

import { logSize, SAMPLES_MAX, type Window } from '../../../src/core/predictor/window.ts'
import type { EstimateBasis } from '../../../src/model/placement.ts'

/*
 * The metric as it is easiest to read: everything sorted anew for each sample. What `Metric` must agree with to the last bit.
 */

/** Ratios of what was to what was predicted that a bound rests on. */
const RATIOS_MAX = 40

/** With fewer, nothing can be said of rare ones. */
const RATIOS_MIN = 5

/** Beyond the largest ratio that was met. */
const MARGIN_RATIO = 1.1

/** The share of misses that is aimed at. */
const MISSES_TARGET = 0.05

/** How fast the aim follows the misses, and how far it may go. */
const STEP = 0.02
const SHARE_MIN = 0.005
const SHARE_MAX = 0.2

/**
 * How many times a prediction must be taken to hold for all but about 5 % of the cases: a high quantile of recent ratios (conformal
 * prediction), the quantile itself moved after each miss (adaptive conformal inference, Gibbs and Candès 2021), so that the share holds
 * though the function changes.
 */
class Bound {
  readonly #ratios: number[] = []
  #share = MISSES_TARGET
  #factor: number

  /** @param firstFactor the factor until there are ratios enough to tell */
  constructor(firstFactor: number) {
    this.#factor = firstFactor
  }

  /** At least 1. */
  get factor(): number {
    return this.#factor
  }

  /** Takes in `actual / predicted`. */
  learn(ratio: number): void {
    if (this.#ratios.length >= RATIOS_MIN) {
      const miss = ratio > this.#factor ? 1 : 0
      this.#share = Math.min(SHARE_MAX, Math.max(SHARE_MIN, this.#share + STEP * (MISSES_TARGET - miss)))
    }
    if (this.#ratios.length === RATIOS_MAX) this.#ratios.shift()
    this.#ratios.push(ratio)
    if (this.#ratios.length < RATIOS_MIN) return
    const ascending = sorted(this.#ratios)
    const rank = Math.ceil((1 - this.#share) * (ascending.length + 1))
    const quantile = rank > ascending.length ? MARGIN_RATIO * (ascending.at(-1) ?? 1) : (ascending[rank - 1] ?? 1)
    this.#factor = Math.max(1, quantile)
  }
}

/**
 * The recent samples of one metric of one function, oldest first: parallel arrays, as ten thousand functions may have some. What experts derive
 * from all of them is worked out once for each state.
 */
class SlowWindow {
  readonly bytes: number[] = []
  /** {@link logSize} of the bytes. */
  readonly logSizes: number[] = []
  /** Above 0. */
  readonly values: number[] = []
  #affine: Affine | undefined
  #middle: number | undefined

  get count(): number {
    return this.values.length
  }

  /** The median of the values; 0 of none. */
  get middle(): number {
    return (this.#middle ??= median(this.values) ?? 0)
  }

  /** See {@link fitAffine}. */
  get affine(): Affine {
    return (this.#affine ??= fitAffine(this.bytes, this.values))
  }

  push(inputBytes: number, value: number): void {
    this.bytes.push(inputBytes)
    this.logSizes.push(logSize(inputBytes))
    this.values.push(value)
    this.#forgetDerived()
  }

  dropOldest(count: number): void {
    for (const column of [this.bytes, this.logSizes, this.values]) column.splice(0, count)
    this.#forgetDerived()
  }

  #forgetDerived(): void {
    this.#affine = undefined
    this.#middle = undefined
  }
}

/** With fewer, no expert has shown anything. */
const EXPERT_SAMPLES_MIN = 3

/** Recent errors that an expert is judged by. */
const LOSSES_MAX = 16

/** Errors of the metric's own predictions that are kept, and how many of these are the newest when the function is asked to have changed. */
const ERRORS_MAX = 40
const ERRORS_NEW = 10

/** The newest errors are so many times the usual ones, and no trifle: the function has changed. */
const DRIFT_RATIO = 3
const DRIFT_ERROR_MIN = 0.1

/**
 * What is kept then: at that moment more than half of the newest are of after the change. To halve the window instead leaves the old ones in the
 * majority (off by 80 % for 40 executions after a change to five times; with this, for some 10).
 */
const SAMPLES_AFTER_DRIFT = 5

/** What is known of another image counts like so many samples, and no longer than until there are twice as many own ones. */
const INHERITED_MAX = 3
const OWN_ENOUGH = 6

/** No prediction is further than this from all that has been seen. */
const EXTRAPOLATION_RATIO_MAX = 10

/** The expert `local` with every sample sorted by how near it is. */
const local: Expert = ({ logSizes, values, bytes, affine: { fixed, perByte } }, inputBytes) => {
  const size = logSize(inputBytes)
  const wanted = fixed + perByte * inputBytes
  const distance = (i: number): number => Math.abs((logSizes[i] ?? 0) - size)
  const nearest = [...values.keys()].sort((a, b) => distance(a) - distance(b) || b - a)
  const neighbours = Math.min(7, Math.max(3, Math.round(Math.sqrt(values.length))))
  const moved = nearest.slice(0, neighbours).map(i => ((values[i] ?? 0) * wanted) / (fixed + perByte * (bytes[i] ?? 0) || wanted || 1))
  return median(moved) ?? 0
}

type ExpertName = Extract<EstimateBasis, 'typical' | 'nearest' | 'affine' | 'local'>

const EXPERTS: readonly (readonly [name: ExpertName, expert: Expert])[] = [
  ['local', local],
  ['affine', affine],
  ['nearest', nearest],
  ['typical', typical]
]

/**
 * The recent history of one metric of one function. Four experts predict it; the one whose own recent errors were the least (median of
 * `|ln(predicted / actual)|`) has the word. Learning takes tens of microseconds, predicting less than one.
 */
export class SlowMetric {
  readonly #kind: MetricKind
  readonly #window = new SlowWindow()
  readonly #losses: readonly number[][] = EXPERTS.map(() => [])
  /** `|ln(actual / predicted)|` of what was predicted. */
  readonly #errors: number[] = []
  readonly #bound: Bound
  #typicalError: number | undefined
  #inherited = 0
  #chosen: number
  #least = 0
  #most = 0

  constructor(kind: MetricKind) {
    this.#kind = kind
    this.#bound = new Bound(kind.firstUpperFactor)
    this.#chosen = EXPERTS.findIndex(([name]) => name === kind.first)
  }

  /** Samples, inherited ones included; at most {@link SAMPLES_MAX}. */
  get count(): number {
    return this.#window.count
  }

  /** Samples of the metric's own. */
  get ownCount(): number {
    return this.count - this.#inherited
  }

  /** How it predicts at present; undefined before the first sample. */
  get basis(): EstimateBasis | undefined {
    if (this.count === 0) return undefined
    if (this.ownCount === 0) return 'image'
    return this.count < EXPERT_SAMPLES_MIN ? 'line' : EXPERTS[this.#chosen]?.[0]
  }

  /** Half of the recent predictions were off by less than this ratio, 0.1 for 10 %; undefined before the second sample. */
  get errorRatio(): number | undefined {
    return this.#typicalError === undefined ? undefined : Math.exp(this.#typicalError) - 1
  }

  /** How many times a prediction nearly all outcomes stay below, at least 1. */
  get upperFactor(): number {
    return this.#bound.factor
  }

  /** Undefined before the first sample. */
  predict(inputBytes: number): number | undefined {
    if (this.count === 0) return undefined
    if (this.count < EXPERT_SAMPLES_MIN) return this.#clamp(line(this.#window as unknown as Window, inputBytes, this.#kind.slope))
    if (new Set(this.#window.values).size === 1) return this.#window.middle
    return this.#predictAs(this.#chosen, inputBytes)
  }

  learn(inputBytes: number, actual: number): void {
    const value = Math.max(this.#kind.valueMin, actual)
    if (this.count > 0) this.#judge(inputBytes, value, this.#predictByExpert(inputBytes))
    if (this.count === SAMPLES_MAX) this.#window.dropOldest(1)
    this.#window.push(inputBytes, value)
    if (this.#inherited > 0 && this.ownCount >= OWN_ENOUGH) {
      this.#window.dropOldest(this.#inherited)
      this.#inherited = 0
    }
    this.#measure()
  }

  /**
   * What is known, boiled down to a first guess for another image of the function, or another function of the image: a small, a medium and a
   * large input as this one would predict them.
   */
  heir(): SlowMetric {
    const heir = new SlowMetric(this.#kind)
    const sizes = this.#window.bytes.toSorted((a, b) => a - b)
    const shares = this.count < INHERITED_MAX ? sizes.map((_, i) => i / sizes.length) : [0.1, 0.5, 0.9]
    for (const share of shares) {
      const size = sizes[Math.floor(share * sizes.length)] ?? 0
      heir.#window.push(size, this.predict(size) ?? this.#kind.valueMin)
    }
    heir.#inherited = heir.count
    heir.#measure()
    return heir
  }

  #predictAs(expert: number, inputBytes: number): number {
    return this.#clamp((EXPERTS[expert]?.[1] ?? typical)(this.#window as unknown as Window, inputBytes))
  }

  #predictByExpert(inputBytes: number): number {
    return this.count < EXPERT_SAMPLES_MIN ? (this.predict(inputBytes) ?? 0) : this.#predictAs(this.#chosen, inputBytes)
  }

  #clamp(value: number): number {
    return Math.min(EXTRAPOLATION_RATIO_MAX * this.#most, Math.max(this.#least / EXTRAPOLATION_RATIO_MAX, value))
  }

  /** Takes note of how well all would have predicted what has just been learned. */
  #judge(inputBytes: number, value: number, predicted: number): void {
    for (const [i, losses] of this.#losses.entries()) {
      pushBounded(losses, Math.abs(Math.log(value / this.#predictAs(i, inputBytes))), LOSSES_MAX)
    }
    const medians = this.#losses.map(losses => median(losses) ?? 0)
    // The first of equals: an expert that goes on where no sample has been is worth more than one that cannot.
    this.#chosen = medians.indexOf(Math.min(...medians))
    // What is guessed from one or two samples may be far off, and would widen the bound of much better predictions for long.
    if (this.count >= EXPERT_SAMPLES_MIN) this.#bound.learn(value / predicted)
    pushBounded(this.#errors, Math.abs(Math.log(value / predicted)), ERRORS_MAX)
    this.#typicalError = median(this.#errors)
    if (this.#hasDrifted()) {
      this.#window.dropOldest(Math.max(0, this.count - SAMPLES_AFTER_DRIFT))
      this.#inherited = 0
      this.#errors.length = 0
    }
  }

  #hasDrifted(): boolean {
    if (this.#errors.length < 2 * ERRORS_NEW) return false
    const newest = median(this.#errors.slice(-ERRORS_NEW)) ?? 0
    return newest > DRIFT_ERROR_MIN && newest > DRIFT_RATIO * (this.#typicalError ?? 0)
  }

  #measure(): void {
    this.#least = Math.min(...this.#window.values)
    this.#most = Math.max(...this.#window.values)
    // Worked out now, so that predicting is quick.
    void this.#window.affine
    void this.#window.middle
  }
}

function pushBounded(values: number[], value: number, max: number): void {
  if (values.length === max) values.shift()
  values.push(value)
}

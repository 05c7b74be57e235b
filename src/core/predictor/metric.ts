import type { EstimateBasis } from '../../model/placement.ts'
import { Bound } from './bound.ts'
import { affine } from './experts/affine.ts'
import type { Expert } from './experts/expert.ts'
import { line } from './experts/line.ts'
import { local } from './experts/local.ts'
import { nearest } from './experts/nearest.ts'
import { typical } from './experts/typical.ts'
import { SortedWindow } from './sorted-window.ts'
import { Window } from './window.ts'

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

/** What is assumed of a metric before it is known. */
export interface MetricKind {
  /** By which power of the input's size it grows: 0 not at all, 1 in proportion. */
  readonly slope: number
  /** Who predicts until the experts have errors to be compared by. */
  readonly first: ExpertName
  /** Less counts as this much, so that errors can be told by ratio. */
  readonly valueMin: number
  /** See `Bound`. */
  readonly firstUpperFactor: number
}

/** Run time or time of cores, in ms. */
export const TIME: MetricKind = { slope: 0.7, first: 'affine', valueMin: 0.01, firstUpperFactor: 2.5 }

/** Memory or answers, in bytes. */
export const SPACE: MetricKind = { slope: 0, first: 'nearest', valueMin: 1, firstUpperFactor: 1.5 }

type ExpertName = Extract<EstimateBasis, 'typical' | 'nearest' | 'affine' | 'local'>

const EXPERTS: readonly (readonly [name: ExpertName, expert: Expert])[] = [
  ['local', local],
  ['affine', affine],
  ['nearest', nearest],
  ['typical', typical]
]

/**
 * The recent history of one metric of one function. Four experts predict it; the one whose own recent errors were the least (median of
 * `|ln(predicted / actual)|`) has the word. Learning takes a few microseconds, predicting less than one.
 */
export class Metric {
  readonly #kind: MetricKind
  readonly #window = new Window()
  readonly #losses = EXPERTS.map(() => new SortedWindow(LOSSES_MAX))
  /** `|ln(actual / predicted)|` of what was predicted. */
  readonly #errors = new SortedWindow(ERRORS_MAX)
  readonly #newestErrors = new SortedWindow(ERRORS_NEW)
  readonly #bound: Bound
  #typicalError: number | undefined
  #inherited = 0
  #chosen: number

  constructor(kind: MetricKind) {
    this.#kind = kind
    this.#bound = new Bound(kind.firstUpperFactor)
    this.#chosen = EXPERTS.findIndex(([name]) => name === kind.first)
  }

  /** Samples, inherited ones included; at most `SAMPLES_MAX`. */
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
    if (this.count < EXPERT_SAMPLES_MIN) return this.#clamp(line(this.#window, inputBytes, this.#kind.slope))
    const { least, most } = this.#window
    // What never varies, as the size of many answers, needs no expert: all say the same, but for rounding.
    return least === most ? most : this.#predictAs(this.#chosen, inputBytes)
  }

  learn(inputBytes: number, actual: number): void {
    const value = Math.max(this.#kind.valueMin, actual)
    if (this.count > 0) this.#judge(inputBytes, value)
    this.#window.push(inputBytes, value)
    if (this.#inherited > 0 && this.ownCount >= OWN_ENOUGH) {
      this.#window.dropOldest(this.#inherited)
      this.#inherited = 0
    }
    // Worked out now, so that predicting is quick.
    void this.#window.affine
  }

  /**
   * What is known, boiled down to a first guess for another image of the function, or another function of the image: a small, a medium and a
   * large input as this one would predict them.
   */
  heir(): Metric {
    const heir = new Metric(this.#kind)
    const sizes = this.#window.bytes.toSorted((a, b) => a - b)
    const shares = this.count < INHERITED_MAX ? sizes.map((_, i) => i / sizes.length) : [0.1, 0.5, 0.9]
    for (const share of shares) {
      const size = sizes[Math.floor(share * sizes.length)] ?? 0
      heir.#window.push(size, this.predict(size) ?? this.#kind.valueMin)
    }
    heir.#inherited = heir.count
    return heir
  }

  #predictAs(expert: number, inputBytes: number): number {
    return this.#clamp((EXPERTS[expert]?.[1] ?? typical)(this.#window, inputBytes))
  }

  #clamp(value: number): number {
    const { least, most } = this.#window
    return Math.min(EXTRAPOLATION_RATIO_MAX * most, Math.max(least / EXTRAPOLATION_RATIO_MAX, value))
  }

  /** Takes note of how well all would have predicted what is about to be learned. */
  #judge(inputBytes: number, value: number): void {
    const wasChosen = this.#chosen
    let predicted = this.count < EXPERT_SAMPLES_MIN ? (this.predict(inputBytes) ?? value) : Number.NaN
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < EXPERTS.length; i++) {
      const guess = this.#predictAs(i, inputBytes)
      if (i === wasChosen && Number.isNaN(predicted)) predicted = guess
      const losses = this.#losses[i]
      losses?.push(Math.abs(Math.log(value / guess)))
      const loss = losses?.median ?? 0
      // The first of equals: an expert that goes on where no sample has been is worth more than one that cannot.
      if (loss >= least) continue
      least = loss
      this.#chosen = i
    }
    // What is guessed from one or two samples may be far off, and would widen the bound of much better predictions for long.
    if (this.count >= EXPERT_SAMPLES_MIN) this.#bound.learn(value / predicted)
    const error = Math.abs(Math.log(value / predicted))
    this.#errors.push(error)
    this.#newestErrors.push(error)
    this.#typicalError = this.#errors.median
    if (this.#hasDrifted()) {
      this.#window.dropOldest(Math.max(0, this.count - SAMPLES_AFTER_DRIFT))
      this.#inherited = 0
      this.#errors.clear()
      this.#newestErrors.clear()
    }
  }

  #hasDrifted(): boolean {
    if (this.#errors.count < 2 * ERRORS_NEW) return false
    const newest = this.#newestErrors.median ?? 0
    return newest > DRIFT_ERROR_MIN && newest > DRIFT_RATIO * (this.#typicalError ?? 0)
  }
}

import { SortedWindow } from './sorted-window.ts'

/** Recent executions that a machine is judged by: enough to hide single functions, few enough to follow a machine that changes. */
const RESIDUALS_MAX = 101

/** Before, a machine counts as what its calibration said, or as one of reference speed. */
const RESIDUALS_MIN = 5

/** Machines of one cluster differ by less; what differs more is a mistake, and must not drive all work away or to it. */
const SLOWNESS_MAX = 8

/**
 * How slow one machine is: the typical ratio of what executions took there to what was expected of them on a machine of reference speed, over
 * all functions. Measured by the placer, so a peer cannot claim to be fast (on 7 unlike machines this halved the error of first estimates).
 */
export class Slowness {
  readonly #logRatios = new SortedWindow(RESIDUALS_MAX)
  #factor: number

  /** @param seed the factor until enough has run there */
  constructor(seed = 1) {
    this.#factor = bounded(seed)
  }

  /** 1 for reference speed, 2 for half of it; from 1/8 to 8. */
  get factor(): number {
    return this.#factor
  }

  learn(tookMs: number, expectedMs: number): void {
    this.#logRatios.push(Math.log(tookMs / expectedMs))
    if (this.#logRatios.count < RESIDUALS_MIN) return
    this.#factor = bounded(Math.exp(this.#logRatios.median ?? 0))
  }
}

function bounded(factor: number): number {
  return Math.min(SLOWNESS_MAX, Math.max(1 / SLOWNESS_MAX, factor))
}

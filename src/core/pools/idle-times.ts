/**
 * How long a function is without calls, as a histogram of whole minutes, and what follows from it for its idle containers: the hybrid histogram
 * policy of Shahrad et al., "Serverless in the Wild" (USENIX ATC 2020).
 */
export interface IdleTimes {
  /** How often the function was idle for so many minutes; the last bin holds everything longer. */
  readonly bins: Float64Array
  count: number
}

/** When a container of a function is worth having, counted from the end of the function's last call. */
export interface WarmWindow {
  /** Not before: between the last call and this, nothing is expected. 0: it stays from the last call on. */
  readonly fromMs: number
  /** Not after: by then, nearly every next call has come. */
  readonly untilMs: number
}

const BIN_MS = 60_000
/** Four hours. Longer costs more memory than the cold starts that it saves are worth. */
const BINS = 240
/** With fewer idle times, the histogram tells nothing yet. */
const COUNT_MIN = 10
/** Coefficient of variation of the bins' counts from which the histogram has a shape; below it, idle times are spread evenly. */
const SHAPE_MIN = 2
/** Idle times outside of these quantiles are taken for chance. The margins make up for the width of a bin. */
const HEAD_RATIO = 0.05
const TAIL_RATIO = 0.99
const HEAD_MARGIN = 0.9
const TAIL_MARGIN = 1.1
/** Counts are halved at this sum, so that what a function did weeks ago fades. */
const COUNT_MAX = 4_096
/** While little is known a container stays as long as it may: memory is given up when somebody else needs it. */
const UNKNOWN: WarmWindow = { fromMs: 0, untilMs: BINS * BIN_MS }

/** The idle times of a function of which none is known yet. */
export function createIdleTimes(): IdleTimes {
  return { bins: new Float64Array(BINS + 1), count: 0 }
}

/** Counts one idle time: from the end of the last call to the begin of the next. */
export function addIdleTime(times: IdleTimes, idleMs: number): void {
  const bin = Math.min(BINS, Math.floor(idleMs / BIN_MS))
  times.bins[bin] = (times.bins[bin] ?? 0) + 1
  times.count++
  if (times.count < COUNT_MAX) return
  times.count = 0
  for (let i = 0; i < times.bins.length; i++) {
    const halved = Math.floor((times.bins[i] ?? 0) / 2)
    times.bins[i] = halved
    times.count += halved
  }
}

/** When the next call is to be expected. */
export function warmWindow(times: IdleTimes): WarmWindow {
  if (times.count < COUNT_MIN || variation(times.bins) < SHAPE_MIN) return UNKNOWN
  const head = quantile(times, HEAD_RATIO)
  const tail = quantile(times, TAIL_RATIO) + 1
  return { fromMs: head * BIN_MS * HEAD_MARGIN, untilMs: Math.min(BINS, tail) * BIN_MS * TAIL_MARGIN }
}

/** The bin below which so large a share of the idle times lies. */
function quantile({ bins, count }: IdleTimes, ratio: number): number {
  let sum = 0
  for (let bin = 0; bin < bins.length; bin++) {
    sum += bins[bin] ?? 0
    if (sum >= ratio * count) return bin
  }
  return bins.length - 1
}

/** Standard deviation of the counts over their mean. */
function variation(bins: Float64Array): number {
  let sum = 0
  for (const count of bins) sum += count
  const mean = sum / bins.length
  let squares = 0
  for (const count of bins) squares += (count - mean) ** 2
  return Math.sqrt(squares / bins.length) / mean
}

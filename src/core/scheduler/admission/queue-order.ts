/** Something that waits for room. */
export interface Waiting {
  /** How long it is expected to run, above 0. */
  readonly predictedMs: number
  readonly arrivedAtMs: number
  /** The largest share of one machine that it takes of any resource: 0.5 for half of the cores. For batches only. */
  readonly dominantShare?: number | undefined
}

/**
 * Who is next: `interactive` for people who wait for answers, `batch` for work that is to be done soon as a whole, `longest` for work of which only
 * counts when the last of it is done.
 */
export type QueueOrder = 'interactive' | 'batch' | 'longest'

/** Who has waited for so long goes first whatever its size: so many milliseconds, and as many times its own length. */
interface Ageing {
  readonly afterMs: number
  readonly ratio: number
}

/**
 * Of 100 simulated tasks at once, one then waits for more than five times its length; with 2.5 times, none or one, and all are done 1 % later.
 */
const SOON: Ageing = { afterMs: 15_000, ratio: 3 }

/**
 * `longest` lets the short wait for the sake of the whole: about as long as people look at one batch. Then nobody passes them any more, so in a
 * stream of long work that never ends they have their turn, too.
 */
const LATE: Ageing = { afterMs: 600_000, ratio: 10 }

const AGEING: Readonly<Record<QueueOrder, Ageing>> = { interactive: SOON, batch: SOON, longest: LATE }

/** Whether it has waited for so long that nobody may overtake it any more, but who has been in that position for longer. */
export function isAged(waiting: Waiting, order: QueueOrder, nowMs: number): boolean {
  return nowMs >= agedAtMs(waiting, AGEING[order])
}

/**
 * Below 0 when `a` is before `b`. What {@link isAged} comes first, and of that, what has been aged for longest: nobody starves, and of what came
 * together the short, which would feel the wait most, do not have to let the long go first (of the 100 tasks, four to five did starve by that).
 * Then, for `interactive`, the least `predicted / (predicted + age)`: the highest response ratio next (Brinch Hansen 1971), short work first but
 * every wait counts; for `batch` and `longest`, the largest `dominant share · predicted time`: longest first, within 4/3 of the best finish (Graham
 * 1969). Then who came first.
 */
export function compareWaiting(a: Waiting, b: Waiting, order: QueueOrder, nowMs: number): number {
  const [aged, bAged] = [agedAtMs(a, AGEING[order]), agedAtMs(b, AGEING[order])]
  if (nowMs >= aged !== nowMs >= bAged) return nowMs >= aged ? -1 : 1
  const since = nowMs >= aged ? aged - bAged : 0
  return since || rank(a, order, nowMs) - rank(b, order, nowMs) || a.arrivedAtMs - b.arrivedAtMs
}

function agedAtMs({ predictedMs, arrivedAtMs }: Waiting, { afterMs, ratio }: Ageing): number {
  return arrivedAtMs + Math.max(afterMs, ratio * predictedMs)
}

function rank({ predictedMs, arrivedAtMs, dominantShare = 1 }: Waiting, order: QueueOrder, nowMs: number): number {
  if (order !== 'interactive') return -dominantShare * predictedMs
  return predictedMs / (predictedMs + Math.max(0, nowMs - arrivedAtMs))
}

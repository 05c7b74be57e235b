import { FairLine, type Place } from '../../core/scheduler/fair-line.ts'
import { ServiceTimes } from '../../core/scheduler/service-times.ts'
import { CaresError } from '../../model/errors.ts'
import type { Clock } from '../../model/ports/clock.ts'
import { formatDurationMs } from '../../model/units.ts'

/** Most functions whose first waiter looks for room at the same time: each look costs a placement. */
const LOOK_TOGETHER_MAX = 16
/** The first waiter of each function looks for room at least this often: room may have come without this peer hearing of it. */
const LOOK_AGAIN_MS = 500

/** Room that a call holds, from here to its disposal. */
export interface Hold extends Disposable {
  /** The worker had no room after all: that says nothing about how long calls of the function take, and leaves no room for others. */
  wasNone(): void
  /** It was held for as long as a call of the function takes. Unless this is said, it counts for nothing. */
  wasTypical(): void
}

/** Who waits for its turn, and until when its call must have ended. */
interface Waiter extends PromiseWithResolvers<void> {
  readonly endMs: number
}

/**
 * Calls that wait for room, in a bounded line: functions take turns by what they use ({@link FairLine}). A call that cannot end in time any more, by
 * what is before it and by what calls of its function take at least, is refused at once, and again whenever that shows while it waits: room for it
 * would be wasted.
 */
export class WaitingLine {
  readonly #lengthMax: number
  readonly #clock: Clock
  readonly #line = new FairLine()
  readonly #waiters = new Map<Place, Waiter>()
  readonly #serviceTimes = new ServiceTimes()
  #holding = 0

  constructor({ lengthMax }: { lengthMax: number }, { clock }: { clock: Clock }) {
    this.#lengthMax = lengthMax
    this.#clock = clock
  }

  get length(): number {
    return this.#line.length
  }

  /** Whether calls of this kind wait: a newcomer goes behind them. */
  has(key: string): boolean {
    return this.#line.lengthOf(key) > 0
  }

  /**
   * A place at the end of the line of its kind, to be given back by {@link leave}. In a full line the kind that has most waiting loses its last:
   * throws `overloaded` when that is the newcomer itself.
   */
  join(key: string): Place {
    const place = this.#line.join(key, this.#serviceTimes.of(key) ?? 0)
    if (this.#line.length <= this.#lengthMax) return place
    const last = this.#line.lastOfLongest() ?? place
    this.leave(last)
    if (last === place) throw this.#full()
    this.#waiters.get(last)?.reject(this.#full())
    return place
  }

  /**
   * Resolves when it is this caller's turn to look for room. One that finds none waits for its next turn, and has kept its place. Throws `overloaded`
   * when the place was lost or the call will not have ended by `endMs`, or the signal's reason when that aborts first.
   */
  async turn(place: Place, { endMs, signal }: { endMs: number; signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted()
    const waiter: Waiter = { ...Promise.withResolvers<void>(), endMs }
    const onAbort = (): void => waiter.reject(signal.reason)
    const look = (): void => {
      if (!this.#dismissedIfLate(place, waiter) && this.#line.isFirst(place)) waiter.resolve()
    }
    this.#waiters.set(place, waiter)
    signal.addEventListener('abort', onAbort, { once: true })
    using _ = this.#clock.every(LOOK_AGAIN_MS, look)
    this.#dismissedIfLate(place, waiter)
    try {
      await waiter.promise
    } finally {
      this.#waiters.delete(place)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** It has found room. */
  served(place: Place): void {
    this.#line.serve(place)
  }

  /** The room that it had found was none. */
  returned(place: Place): void {
    this.#line.returned(place)
  }

  /** It waits no more; nothing when it does not wait. */
  leave(place: Place): void {
    this.#line.leave(place)
  }

  /** Counts room that is held. At its end, if there was any, the first of each kind look for room. */
  hold(key: string): Hold {
    const startMs = this.#clock.nowMs()
    let counts = true
    let isTypical = false
    this.#holding++
    return {
      wasNone: () => {
        counts = false
      },
      wasTypical: () => {
        isTypical = true
      },
      [Symbol.dispose]: () => {
        this.#holding--
        if (!counts) return
        if (isTypical) this.#serviceTimes.observe(key, this.#clock.nowMs() - startMs)
        this.wake()
      }
    }
  }

  /** Room may have come: the first of each kind that can still end in time look again, in the order in which they are due. */
  wake(): void {
    for (const place of this.#line.heads().slice(0, LOOK_TOGETHER_MAX)) {
      let first: Place | undefined = place
      let waiter = this.#waiters.get(first)
      while (first !== undefined && waiter !== undefined && this.#dismissedIfLate(first, waiter)) {
        first = this.#line.firstOf(place.key)
        waiter = first === undefined ? undefined : this.#waiters.get(first)
      }
      waiter?.resolve()
    }
  }

  /** Takes one out of the line whose call cannot end in time any more. */
  #dismissedIfLate(place: Place, { endMs, reject }: Waiter): boolean {
    const waitMs = this.#waitMs(place)
    const leastMs = this.#serviceTimes.leastOf(place.key)
    const leftMs = endMs - this.#clock.nowMs()
    if (waitMs + leastMs < leftMs) return false
    this.leave(place)
    reject(this.#tooLate({ waitMs, leastMs: Math.ceil(leastMs), leftMs: Math.max(0, Math.floor(leftMs)) }))
    return true
  }

  /** By the calls that are due before it, and as many at once as there are now. */
  #waitMs(place: Place): number {
    const aheadMs = this.#line.aheadMs(place, ({ key, serviceMs }) => this.#serviceTimes.of(key) ?? serviceMs)
    return Math.ceil(aheadMs / Math.max(1, this.#holding))
  }

  #tooLate({ waitMs, leastMs, leftMs }: { waitMs: number; leastMs: number; leftMs: number }): CaresError {
    const would = `wait for ${formatDurationMs(waitMs)}${leastMs === 0 ? '' : ` and take ${formatDurationMs(leastMs)} at least`}`
    return new CaresError('overloaded', `the call would ${would}, and has ${formatDurationMs(leftMs)} left`, {
      retryable: true,
      hint: 'try again later, give the call more time, or add a peer',
      details: { retryAfterMs: Math.max(waitMs, leastMs), waiting: this.length }
    })
  }

  #full(): CaresError {
    return new CaresError('overloaded', `${this.#lengthMax} calls are waiting for room already`, {
      retryable: true,
      hint: 'try again later, or add a peer',
      details: { retryAfterMs: Math.max(1_000, Math.ceil(this.#lengthMax / Math.max(1, this.#holding))) }
    })
  }
}

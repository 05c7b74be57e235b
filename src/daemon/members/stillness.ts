import type { AnswerEnd } from '../../model/invocation.ts'
import type { Clock } from '../../model/ports/clock.ts'

/** How often it is looked whether this process gets its turns, while anything depends on it. */
const LOOK_MS = 250
/** A turn that comes so much too late is no matter of load: the process was stopped, or its machine was. */
const STILL_MS_MIN = 500
/** Of a run of which less than this share was lost, the time is still worth knowing. */
const DISTURBED_RATIO_MIN = 0.1

/**
 * How long this process has stood still, all in all: frozen by a signal, or with its whole machine. The clock goes on meanwhile, so whatever was
 * timed across it seems to have taken longer than it did.
 */
export class Stillness {
  readonly #clock: Clock
  #watchers = 0
  #looking: Disposable | undefined
  #lookedAtMs = 0
  #totalMs = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** Watches until disposed of; tells how long the process has stood still since. Nothing is looked at while nobody watches. */
  watch(): Disposable & { readonly stillMs: number } {
    if (this.#watchers++ === 0) {
      this.#lookedAtMs = this.#clock.nowMs()
      this.#looking = this.#clock.every(LOOK_MS, () => this.#look())
    }
    const beforeMs = this.#totalMs
    const look = (): number => {
      // What was waited for may be handled before the look that is overdue.
      this.#look()
      return this.#totalMs - beforeMs
    }
    return {
      get stillMs() {
        return look()
      },
      [Symbol.dispose]: () => {
        if (--this.#watchers > 0) return
        this.#looking?.[Symbol.dispose]()
        this.#looking = undefined
      }
    }
  }

  #look(): void {
    const nowMs = this.#clock.nowMs()
    const lateMs = nowMs - this.#lookedAtMs - LOOK_MS
    this.#lookedAtMs = nowMs
    if (lateMs >= STILL_MS_MIN) this.#totalMs += lateMs
  }
}

/** Whether one execution was left to run: sums up what of its time was lost here, and on the way that its bodies go. */
export class Calm {
  readonly #clock: Clock
  readonly #watch: ReturnType<Stillness['watch']>
  readonly #startedMs: number
  #waitedMs = 0

  constructor(stillness: Stillness, { clock }: { clock: Clock }) {
    this.#clock = clock
    this.#watch = stillness.watch()
    this.#startedMs = clock.nowMs()
  }

  /** A body that comes from elsewhere, each piece of which is waited for. */
  async *passing(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const pieces = body[Symbol.asyncIterator]()
    try {
      for (let next = await this.waiting(pieces.next()); next.done !== true; next = await this.waiting(pieces.next())) yield next.value
    } finally {
      await pieces.return?.()
    }
  }

  /** Waits for somebody else. Half a second or more without a sign counts as lost: a frozen peer looks like that, and a slow client. */
  async waiting<T>(promise: Promise<T>): Promise<T> {
    const fromMs = this.#clock.nowMs()
    const value = await promise
    const waitedMs = this.#clock.nowMs() - fromMs
    if (waitedMs >= STILL_MS_MIN) this.#waitedMs += waitedMs
    return value
  }

  /** Says of an answer's end whether the times in it can be trusted. */
  judged(end: AnswerEnd): AnswerEnd {
    const lostMs = Math.max(this.#watch.stillMs, this.#waitedMs)
    const isDisturbed = lostMs > 0 && lostMs >= DISTURBED_RATIO_MIN * (this.#clock.nowMs() - this.#startedMs)
    return isDisturbed ? { ...end, usage: { ...end.usage, disturbed: true } } : end
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
  }
}

import type { AnswerEnd } from '../../model/invocation.ts'
import type { Clock } from '../../model/ports/clock.ts'
import { PAUSE_MS_MIN, type PauseMonitor } from './pause-monitor.ts'

/** Of a run of which less than this share was lost, the time is still worth knowing. */
const DISTURBED_RATIO_MIN = 0.1

/** What of the time of one execution was lost: to pauses of this process, and on the way that its bodies go. Disposed of when the execution is over. */
export class LostTime {
  readonly #clock: Clock
  readonly #watch: ReturnType<PauseMonitor['watch']>
  readonly #startedMs: number
  #waitedMs = 0

  constructor(pauses: PauseMonitor, { clock }: { clock: Clock }) {
    this.#clock = clock
    this.#watch = pauses.watch()
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
    if (waitedMs >= PAUSE_MS_MIN) this.#waitedMs += waitedMs
    return value
  }

  /** Says of an answer's end whether the times in it can be trusted. */
  judged(end: AnswerEnd): AnswerEnd {
    const lostMs = Math.max(this.#watch.pausedMs, this.#waitedMs)
    const isDisturbed = lostMs > 0 && lostMs >= DISTURBED_RATIO_MIN * (this.#clock.nowMs() - this.#startedMs)
    return isDisturbed ? { ...end, usage: { ...end.usage, disturbed: true } } : end
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
  }
}

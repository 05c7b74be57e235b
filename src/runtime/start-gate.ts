import { CaresError } from '../model/errors.ts'

export interface StartGateInit {
  /** Starts that go on at once. */
  readonly startsMax: number
  /** Starts that wait for their turn; one more is refused. */
  readonly waitingMax: number
}

type Waiting = PromiseWithResolvers<Disposable>

/**
 * Lets few starts through at a time. An engine starts some ten containers a second however many it is asked for at once (measured: 9 to 11), so
 * more at a time only makes all of them late. Those that wait take turns by key: a function that wants many does not hold up one that wants one, and
 * where too many wait, whose function has most waiting loses the last of them to the start of another.
 */
export class StartGate {
  readonly #init: StartGateInit
  /** By key, in the order of their next turns. */
  readonly #lines = new Map<string, Waiting[]>()
  #going = 0
  #waiting = 0

  constructor(init: StartGateInit) {
    this.#init = init
  }

  /** Resolves when it is this start's turn, with what ends it. Throws `busy` when too many wait, now or later, or the signal's reason. */
  async enter(key: string, { signal }: { signal: AbortSignal }): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#going < this.#init.startsMax) return this.#go()
    if (this.#waiting >= this.#init.waitingMax) this.#makeRoom(key)
    const waiting: Waiting = Promise.withResolvers()
    const line = this.#lines.get(key) ?? []
    this.#lines.set(key, line)
    line.push(waiting)
    this.#waiting++
    const onAbort = (): void => {
      const at = line.indexOf(waiting)
      if (at === -1) return
      line.splice(at, 1)
      if (line.length === 0) this.#lines.delete(key)
      this.#waiting--
      waiting.reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await waiting.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Takes the last one out of the longest line; throws `busy` when the newcomer's is as long. */
  #makeRoom(key: string): void {
    let longest = this.#lines.get(key) ?? []
    let longestKey = key
    for (const [other, line] of this.#lines) {
      if (line.length <= longest.length) continue
      longest = line
      longestKey = other
    }
    const busy = new CaresError('busy', `${this.#waiting} containers wait to be started here already`, {
      retryable: true,
      details: { resource: 'starts', needed: 1, available: 0 }
    })
    // Of two lines that are equally long but for the newcomer, neither has a better claim than the one that is there.
    if (longestKey === key || longest.length <= (this.#lines.get(key)?.length ?? 0) + 1) throw busy
    const last = longest.pop()
    this.#waiting--
    last?.reject(busy)
  }

  #go(): Disposable {
    this.#going++
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        this.#going--
        this.#next()
      }
    }
  }

  #next(): void {
    const [first] = this.#lines
    if (first === undefined) return
    const [key, line] = first
    const waiting = line.shift()
    this.#lines.delete(key)
    if (line.length > 0) this.#lines.set(key, line)
    this.#waiting--
    waiting?.resolve(this.#go())
  }
}

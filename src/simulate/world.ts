import type { Random } from '../model/random.ts'
import { type Event, EventQueue } from './event-queue.ts'
import { Violation } from './violation.ts'

/** More events than any sound run makes: a run that gets here sends messages in circles. */
const EVENTS_MAX = 400_000

const EVENTS_PER_TURN = 1_000

/** More events than any sound run has within a millisecond: a run that gets here goes round in circles without waiting for anything. */
const EVENTS_PER_MS_MAX = 5_000

/** Who is let go of at the end of a world tries something else, and waits for that; after so many tries it may wait for ever. */
const END_ROUNDS_MAX = 8

export interface WorldInit {
  /** Every draw of the run comes from it, so that the seed is the run. */
  readonly random: Random
  /** Called with a line for everything worth reading. */
  readonly trace?: ((line: string) => void) | undefined
}

/** A world in which time passes only from event to event, and chance is a seed. Nothing in it waits for anything real. */
export class World {
  readonly random: Random
  readonly #trace: ((line: string) => void) | undefined
  readonly #queue = new EventQueue()
  readonly #timeBits = new Uint32Array(2)
  readonly #timeMs = new Float64Array(this.#timeBits.buffer)
  #nowMs = 0
  #eventsCount = 0
  #fingerprint = 0
  #failure: Error | undefined
  readonly #releases = new Set<() => void>()

  constructor({ random, trace }: WorldInit) {
    this.random = random
    this.#trace = trace
  }

  /** True time since the start. Peers have clocks of their own that drift from it. */
  get nowMs(): number {
    return this.#nowMs
  }

  get eventsCount(): number {
    return this.#eventsCount
  }

  /** Equal for equal runs of {@link settleUntil}: a hash over the times of all events, and what was noted. */
  get fingerprint(): number {
    return this.#fingerprint >>> 0
  }

  at(atMs: number, run: () => void): Event {
    return this.#queue.add(Math.max(atMs, this.#nowMs), run)
  }

  after(ms: number, run: () => void): Event {
    return this.#queue.add(this.#nowMs + ms, run)
  }

  /** Runs every event that is due by `untilMs`; then it is `untilMs`. */
  runUntil(untilMs: number): void {
    for (let event = this.#queue.takeDue(untilMs); event !== undefined; event = this.#queue.takeDue(untilMs)) {
      this.#nowMs = event.atMs
      this.#eventsCount += 1
      if (this.#eventsCount > EVENTS_MAX) throw new Violation(`livelock: more than ${EVENTS_MAX} events`)
      event.run()
    }
    this.#nowMs = untilMs
  }

  /** As {@link runUntil}, for events that wake promises: each runs on as far as it can before the next event. */
  async settleUntil(untilMs: number): Promise<void> {
    let [lookedAtMs, lookedAtCount] = [this.#nowMs, this.#eventsCount]
    for (let event = this.#queue.takeDue(untilMs); event !== undefined; event = this.#queue.takeDue(untilMs)) {
      this.#nowMs = event.atMs
      this.#eventsCount += 1
      this.#timeMs[0] = event.atMs
      for (const bits of this.#timeBits) this.note(bits)
      if (this.#eventsCount > EVENTS_MAX) throw new Violation(`livelock: more than ${EVENTS_MAX} events`)
      if (event.atMs - lookedAtMs >= 1) [lookedAtMs, lookedAtCount] = [event.atMs, this.#eventsCount]
      if (this.#eventsCount - lookedAtCount > EVENTS_PER_MS_MAX) throw new Violation(`${EVENTS_PER_MS_MAX} events within a millisecond`)
      event.run()
      await settled()
      if (this.#failure !== undefined) throw this.#failure
      // Rejections that nobody looks at are told only when the event loop turns.
      if (this.#eventsCount % EVENTS_PER_TURN === 0) await turned()
    }
    await turned()
    this.#nowMs = untilMs
  }

  /**
   * Has `release` called when the world ends, unless the returned function is called before. For what waits on an `AbortSignal`: Node keeps a combined
   * signal that somebody listens to, and all that hangs on it, until one of its parts is aborted, and in a world that has ended none ever is.
   */
  atEnd(release: () => void): () => void {
    this.#releases.add(release)
    return () => void this.#releases.delete(release)
  }

  /** Nothing happens any more, and whoever waits is let go of. What comes of that is of no interest, but that some of it waits anew. */
  async end(): Promise<void> {
    for (let round = 0; round < END_ROUNDS_MAX && this.#releases.size > 0; round += 1) {
      const releases = [...this.#releases]
      this.#releases.clear()
      for (const release of releases) release()
      await turned()
    }
  }

  /** Ends {@link settleUntil} with `failure` after the present event. For code that is called where it cannot throw. The first one counts. */
  fail(failure: Error): void {
    this.#failure ??= failure
  }

  /** Adds something that happened to the {@link fingerprint}. */
  note(value: number): void {
    const mixed = Math.imul(this.#fingerprint ^ value, 0x9e3779b1)
    this.#fingerprint = mixed ^ (mixed >>> 15)
  }

  chance(ratio: number): boolean {
    return this.random() < ratio
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low)
  }

  /** Writes a line of the trace; `describe` is called only when somebody reads it. */
  trace(describe: () => string): void {
    this.#trace?.(`${this.#nowMs.toFixed(1).padStart(9)}  ${describe()}`)
  }
}

/** Resolves once every promise reaction that is ready, and those that they make ready, has run: only then Node's own queue gets its turn. */
function settled(): Promise<void> {
  return new Promise(resolve => {
    process.nextTick(resolve)
  })
}

function turned(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

/** One of `items`, which must not be empty. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

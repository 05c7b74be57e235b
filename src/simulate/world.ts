import type { Random } from '../model/random.ts'
import { EventQueue } from './event-queue.ts'
import { Violation } from './violation.ts'

/** More events than any sound run makes: a run that gets here sends messages in circles. */
const EVENTS_MAX = 400_000

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
  #nowMs = 0
  #eventsCount = 0

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

  at(atMs: number, run: () => void): void {
    this.#queue.add(Math.max(atMs, this.#nowMs), run)
  }

  after(ms: number, run: () => void): void {
    this.#queue.add(this.#nowMs + ms, run)
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

/** One of `items`, which must not be empty. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

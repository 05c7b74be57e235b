import type { CaresEvents, EventName, EventRecord } from '../../model/events.ts'
import type { Clock } from '../../model/ports/clock.ts'

/** Newest events that are kept, for clients that come back. */
const EVENTS_KEPT_MAX = 1_000

/**
 * Events beside calls that are kept when the calls since have pushed them out, for who asks for all there is: that the orchestrator changed an hour ago
 * is of interest though it was ten thousand calls ago.
 */
const OLDER_KEPT_MAX = 200

/** The events of this peer's session: the rooms of the daemon emit, the API reads on from where each of its clients is. */
export class EventLog {
  readonly #clock: Clock
  readonly #listeners = new Set<(event: EventRecord) => void>()
  #kept: EventRecord[] = []
  #older: readonly EventRecord[] = []
  #lastId = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** Number of the newest event; 0: there was none. */
  get lastId(): number {
    return this.#lastId
  }

  emit<Name extends EventName>(type: Name, data: CaresEvents[Name]): void {
    const event = { id: ++this.#lastId, at: this.#clock.timestamp(), type, data } as EventRecord
    this.#kept.push(event)
    // Cut in batches: moving the whole list for each event would make emitting linear in what is kept.
    if (this.#kept.length >= EVENTS_KEPT_MAX * 2) {
      this.#older = this.#olderThan(EVENTS_KEPT_MAX)
      this.#kept = this.#kept.slice(-EVENTS_KEPT_MAX)
    }
    for (const listener of this.#listeners) listener(event)
  }

  /** What is kept with a number above `id`, oldest first. After 0 that is all there is, and older than a thousand events only what is not of calls. */
  after(id: number): readonly EventRecord[] {
    const news = Math.min(this.#lastId - id, EVENTS_KEPT_MAX, this.#kept.length)
    const newest = news <= 0 ? [] : this.#kept.slice(-news)
    return id === 0 ? [...this.#olderThan(news), ...newest] : newest
  }

  #olderThan(newest: number): readonly EventRecord[] {
    const before = this.#kept.slice(0, this.#kept.length - newest)
    return [...this.#older, ...before.filter(({ type }) => !type.startsWith('invocation:'))].slice(-OLDER_KEPT_MAX)
  }

  /** Calls `listener` with each event to come, before `emit` returns. It must not throw, nor take long. */
  subscribe(listener: (event: EventRecord) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }
}

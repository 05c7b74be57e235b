import type { CaresEvents, EventName, EventRecord } from '../model/events.ts'
import type { Clock } from '../model/ports/clock.ts'
import { Journal } from './journal.ts'

/** Events that a client can still ask for after it was away. */
const EVENTS_KEPT_MAX = 1_000

/** The events of this peer's session: the rooms of the daemon emit, the API follows. */
export class EventLog {
  readonly #journal = new Journal<Omit<EventRecord, 'id'>>({ itemsMax: EVENTS_KEPT_MAX })
  readonly #clock: Clock

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  emit<Name extends EventName>(type: Name, data: CaresEvents[Name]): void {
    this.#journal.append({ type, data, at: this.#clock.timestamp() })
  }

  /** Kept events after `afterId` (default: none of them), then those to come, until the signal aborts. */
  async *follow({
    afterId = this.#journal.lastId,
    types,
    signal
  }: {
    afterId?: number | undefined
    types?: readonly EventName[] | undefined
    signal: AbortSignal
  }): AsyncGenerator<EventRecord, void> {
    for await (const { id, value } of this.#journal.follow(afterId, { signal })) {
      if (types === undefined || types.includes(value.type)) yield { ...value, id } as EventRecord
    }
  }
}

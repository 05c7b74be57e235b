import type { Clock } from '../../model/ports/clock.ts'
import type { Store } from '../../model/ports/store.ts'

/**
 * Longest that applied entries wait until the tables are written. Higher: fewer writes, as what changes several times is written once, and a short task
 * does that three times within a quarter of a second. Lower: less to apply again after a crash; and until a quorum says what is agreed, a peer serves what its
 * tables say.
 */
const FLUSH_MS = 250
/** So many entries do not wait for that: writing what they change takes some ten milliseconds, in which the peer does nothing else. */
const ENTRIES_MAX = 1_000

export interface TableFlushComponents {
  readonly store: Pick<Store, 'flush'>
  readonly clock: Pick<Clock, 'after'>
  /** It is time to `look`. */
  readonly onDue: () => void
}

/**
 * Has the tables written some time after they have changed. The log has what they follow from, on the disks of a majority before anybody is told, so
 * that nothing is promised by writing them: were they written with each commit, that would cost each a second fsync.
 */
export class TableFlush {
  readonly #components: TableFlushComponents
  #entries = 0
  #isDue = false
  #alarm: Disposable | undefined

  constructor(components: TableFlushComponents) {
    this.#components = components
  }

  /** So many entries were applied. */
  applied(entries: number): void {
    this.#entries += entries
    if (this.#entries >= ENTRIES_MAX) this.#isDue = true
    this.#alarm ??= this.#components.clock.after(FLUSH_MS, () => {
      this.#isDue = true
      this.#components.onDue()
    })
  }

  /** Writes the tables if it is time. To be called when nothing else is being written. */
  async look(): Promise<void> {
    if (!this.#isDue) return
    this.stop()
    await this.#components.store.flush()
  }

  /** Leaves it to the store to write what has not been written. */
  stop(): void {
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = undefined
    this.#isDue = false
    this.#entries = 0
  }
}

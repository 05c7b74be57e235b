import { CaresError } from '../../model/errors.ts'
import type { PeerId, Session } from '../../model/ids.ts'

/** Orders that one placer may have out at once. Each waits for an answer over a lane; at this number the lanes, not the ledger, are full. */
export const LEDGER_ORDERS_MAX = 65_536

/** A worker speaks of the orders it has seen for so long; an order of its session that is older counts as seen, spoken of or not. */
export const SEEN_AFTER_MS = 10_000

/** One order that has been, or is about to be, sent. */
export interface Reservation {
  readonly worker: PeerId
  /** The session of the worker that the order names. */
  readonly session: Session
  /** See `functionKey`. */
  readonly function: string
  readonly cpus: number
  readonly memoryBytes: number
  /** Of the last-level cache, what it is expected to need; a whole number. Absent: not known. */
  readonly llcBytes?: number | undefined
  /** `warm`: it claims an idle container, whose memory and cores the worker has reserved already. */
  readonly start: 'warm' | 'cold'
}

/** What a worker has been ordered but does not show in its statistics yet. Whole numbers, so that sums never drift below zero. */
export interface Unseen {
  readonly orders: number
  readonly milliCpus: number
  readonly memoryBytes: number
  /** Of cold starts only. */
  readonly coldMilliCpus: number
  /** Of cold starts only. */
  readonly coldMemoryBytes: number
  readonly llcBytes: number
}

/** No orders. */
export const NOTHING_UNSEEN: Unseen = { orders: 0, milliCpus: 0, memoryBytes: 0, coldMilliCpus: 0, coldMemoryBytes: 0, llcBytes: 0 }

interface Entry extends Reservation {
  readonly order: number
  readonly orderedAtMs: number
  readonly milliCpus: number
  /** The worker's, as long as the order is in it. */
  readonly account: WorkerAccount
}

interface WorkerAccount {
  /** By order number, which is also the order of insertion. */
  readonly unseen: Map<number, Entry>
  readonly sum: { -readonly [Name in keyof Unseen]: number }
}

/**
 * Workers and functions with nothing unseen whose accounts stay: most have the next order a moment later, and opening and closing accounts took as
 * long as keeping them. They are empty and take some 300 bytes each.
 */
const EMPTY_KEPT_MAX = 1_024

/**
 * A placer's own orders that are not finished. Statistics are up to seconds old, and in that time one placer sends hundreds of orders: without
 * its ledger it would send them all to the worker that looked idle last (measured: slowdown 25 instead of 1.35 with statistics of 3 s).
 * An order counts on top of the worker's statistics until these include it.
 */
export class Ledger {
  readonly #entries = new Map<number, Entry>()
  readonly #workers = new Map<PeerId, WorkerAccount>()
  /** Function to worker to unseen claims on idle containers. */
  readonly #claims = new Map<string, Map<PeerId, number>>()
  #lastOrder = 0

  /** Orders out. */
  get size(): number {
    return this.#entries.size
  }

  /** Enters an order and returns its number, one more than the last. Throws `overloaded` at {@link LEDGER_ORDERS_MAX}. */
  reserve(reservation: Reservation, nowMs: number): number {
    if (this.#entries.size >= LEDGER_ORDERS_MAX) {
      throw new CaresError('overloaded', `${LEDGER_ORDERS_MAX} executions are under way from this peer`, {
        retryable: true,
        hint: 'try again later'
      })
    }
    const { worker, session, function: fn, cpus, memoryBytes, llcBytes = 0, start } = reservation
    const milliCpus = Math.round(cpus * 1_000)
    const entry: Entry = {
      worker,
      session,
      function: fn,
      cpus,
      memoryBytes,
      llcBytes,
      start,
      order: ++this.#lastOrder,
      orderedAtMs: nowMs,
      milliCpus,
      account: this.#accountOf(worker)
    }
    this.#entries.set(entry.order, entry)
    entry.account.unseen.set(entry.order, entry)
    add(entry.account.sum, entry, 1)
    if (start === 'warm') this.#claim(entry, 1)
    return entry.order
  }

  /** Ends an order, however it ended. Returns its worker; undefined if it had ended before. */
  release(order: number): PeerId | undefined {
    const entry = this.#entries.get(order)
    if (entry === undefined) return undefined
    this.#entries.delete(order)
    this.#uncount(entry)
    return entry.worker
  }

  /**
   * Takes note of statistics: orders they include count no more.
   *
   * @param upTo the highest number of this placer's orders that the statistics include; undefined when they speak of none
   * @param heardAtMs when the statistics came
   */
  seen(worker: PeerId, session: Session, upTo: number | undefined, heardAtMs: number): void {
    const account = this.#workers.get(worker)
    if (account === undefined) return
    for (const entry of account.unseen.values()) {
      // What was ordered from an earlier life of the worker does not run in this one.
      const isOver = entry.session < session
      const isIncluded = entry.session === session && (entry.order <= (upTo ?? 0) || heardAtMs - entry.orderedAtMs >= SEEN_AFTER_MS)
      if (isOver || isIncluded) this.#uncount(entry)
    }
  }

  /** What counts on top of the worker's statistics, as it stands now: the same object says more once there is another order. */
  unseen(worker: PeerId): Unseen {
    return this.#workers.get(worker)?.sum ?? NOTHING_UNSEEN
  }

  /** Workers with idle containers of this function that own unseen orders have claimed, and how many. */
  claims(fn: string): ReadonlyMap<PeerId, number> | undefined {
    const claims = this.#claims.get(fn)
    return claims === undefined || claims.size === 0 ? undefined : claims
  }

  #accountOf(worker: PeerId): WorkerAccount {
    let account = this.#workers.get(worker)
    if (account === undefined) this.#workers.set(worker, (account = { unseen: new Map(), sum: { ...NOTHING_UNSEEN } }))
    return account
  }

  #uncount(entry: Entry): void {
    const { account } = entry
    if (!account.unseen.delete(entry.order)) return
    add(account.sum, entry, -1)
    if (account.unseen.size === 0 && this.#workers.size > EMPTY_KEPT_MAX) this.#workers.delete(entry.worker)
    if (entry.start === 'warm') this.#claim(entry, -1)
  }

  #claim({ function: fn, worker }: Entry, by: 1 | -1): void {
    let claims = this.#claims.get(fn)
    if (claims === undefined) this.#claims.set(fn, (claims = new Map<PeerId, number>()))
    const count = (claims.get(worker) ?? 0) + by
    if (count > 0) claims.set(worker, count)
    else claims.delete(worker)
    if (claims.size === 0 && this.#claims.size > EMPTY_KEPT_MAX) this.#claims.delete(fn)
  }
}

function add(sum: WorkerAccount['sum'], { start, milliCpus, memoryBytes, llcBytes = 0 }: Entry, sign: 1 | -1): void {
  sum.orders += sign
  sum.milliCpus += sign * milliCpus
  sum.memoryBytes += sign * memoryBytes
  sum.llcBytes += sign * llcBytes
  if (start !== 'cold') return
  sum.coldMilliCpus += sign * milliCpus
  sum.coldMemoryBytes += sign * memoryBytes
}

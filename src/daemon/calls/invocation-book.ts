import { CaresError } from '../../model/errors.ts'
import type { InvocationId } from '../../model/ids.ts'
import type { AnswerHead, InvocationRecord } from '../../model/invocation.ts'
import { type InvocationQuery, type InvocationSummary, summaryOf } from '../../model/invocation-list.ts'
import type { Receipt } from '../../model/placement.ts'
import type { InvocationRequest } from '../../model/service.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { RequestPrint } from './request-print.ts'
import { untilAborted } from '../../model/until-aborted.ts'

const RECORDS_MAX = 10_000
/** Placements of one invocation that its record keeps. */
const RECEIPTS_MAX = 8
/** Answers kept for their invocation's id or idempotency key: at most so many bytes, for so long. */
const RESULT_BYTES_MAX = 64 * 2 ** 20
const RESULT_KEPT_MS = 600_000
/** A larger answer is not kept: the call itself got it, its record says so. */
export const RESULT_BYTES_EACH_MAX = 2 ** 20

/** The answer to an invocation, as {@link InvocationBook} keeps it for those who ask later or again. */
export interface KeptResult {
  readonly head: AnswerHead
  readonly body: Uint8Array
}

/** The call that a key stands for, and what it has asked for. */
export interface KeyedCall {
  readonly id: InvocationId
  readonly print: RequestPrint
}

/** What a gateway remembers of its invocations, newest last, in bounds. */
export class InvocationBook {
  readonly #clock: Clock
  readonly #records = new Map<InvocationId, InvocationRecord>()
  readonly #waiters = new Map<InvocationId, PromiseWithResolvers<void>>()
  readonly #results = new Map<InvocationId, KeptResult & { atMs: number }>()
  readonly #byKey = new Map<string, KeyedCall & { atMs: number }>()
  #resultBytes = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  find(id: InvocationId): InvocationRecord | undefined {
    return this.#records.get(id)
  }

  /** Newest first. */
  list(limit: number): readonly InvocationRecord[] {
    return [...this.#records.values()].slice(-limit).reverse()
  }

  /** Newest first, as lists show them. */
  summaries({ function: fn, state, since = '', limit }: InvocationQuery): readonly InvocationSummary[] {
    this.#expire()
    return [...this.#records.values()]
      .filter(record => (fn === undefined || record.function === fn) && (state === undefined || record.state === state))
      .filter(({ acceptedAt }) => acceptedAt >= since)
      .slice(-limit)
      .reverse()
      .map(record => summaryOf(record, { hasResult: this.#results.has(record.id) }))
  }

  newestOf(fn: string): InvocationRecord | undefined {
    return this.list(RECORDS_MAX).find(record => record.function === fn)
  }

  open(record: InvocationRecord): void {
    this.#records.set(record.id, record)
    for (const [id, oldest] of this.#records) {
      if (this.#records.size <= RECORDS_MAX) break
      this.#records.delete(id)
      // One that still runs is kept, as if it were new: those who wait for it would never hear of its end. A gateway carries fewer than this.
      if (!isFinished(oldest)) this.#records.set(id, oldest)
    }
  }

  /** Changes a record that is still here. Finishing it wakes those who wait for it. */
  update(id: InvocationId, change: Partial<InvocationRecord>): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    const changed = { ...record, ...change }
    this.#records.set(id, changed)
    if (isFinished(changed)) {
      this.#waiters.get(id)?.resolve()
      this.#waiters.delete(id)
    }
  }

  /** Keeps why the invocation was placed where it was, or nowhere. */
  addReceipt(id: InvocationId, receipt: Receipt): void {
    const { receipts = [] } = this.#records.get(id) ?? {}
    this.update(id, { receipts: [...receipts, receipt].slice(-RECEIPTS_MAX) })
  }

  /** The record once finished, or as it is when the signal aborts. Throws `not_found`. */
  async waitFor(id: InvocationId, { signal }: { signal: AbortSignal }): Promise<InvocationRecord> {
    const record = this.#records.get(id)
    if (record === undefined) throw new CaresError('not_found', `no invocation ${id} is known here`)
    if (isFinished(record) || signal.aborted) return record
    const waiter = this.#waiters.get(id) ?? Promise.withResolvers<void>()
    this.#waiters.set(id, waiter)
    await untilAborted(waiter.promise, signal).catch(() => {}) // Then the record is told as it is.
    return this.#records.get(id) ?? record
  }

  keep(id: InvocationId, result: KeptResult): void {
    this.#results.set(id, { ...result, atMs: this.#clock.nowMs() })
    this.#resultBytes += result.body.length
    this.#expire()
  }

  result(id: InvocationId): KeptResult | null {
    this.#expire()
    return this.#results.get(id) ?? null
  }

  /** The invocation that a key of a function already stands for. */
  byKey(key: string | undefined): KeyedCall | undefined {
    if (key === undefined) return undefined
    this.#expire()
    const known = this.#byKey.get(key)
    // A key lives as long as the record that it stands for.
    return known !== undefined && this.#records.has(known.id) ? known : undefined
  }

  /**
   * The call that this one repeats; undefined, at once, when there is none, so that no other gets in before this one has set its key. Rejects with
   * `conflict` when it has the same key and asks for something else. Reads the body of a repeated one.
   */
  repeated(request: InvocationRequest, { signal }: { signal: AbortSignal }): Promise<InvocationId> | undefined {
    const known = this.byKey(keyOf(request))
    return known?.print.check(request, known.id, { signal }).then(() => known.id)
  }

  setKey(key: string, call: KeyedCall): void {
    this.#byKey.set(key, { ...call, atMs: this.#clock.nowMs() })
  }

  clearKey(key: string | undefined): void {
    if (key !== undefined) this.#byKey.delete(key)
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs()
    for (const [id, { body, atMs }] of this.#results) {
      if (nowMs - atMs <= RESULT_KEPT_MS && this.#resultBytes <= RESULT_BYTES_MAX) break
      this.#resultBytes -= body.length
      this.#results.delete(id)
    }
    for (const [key, { atMs }] of this.#byKey) {
      if (nowMs - atMs <= RESULT_KEPT_MS && this.#byKey.size <= RECORDS_MAX) break
      this.#byKey.delete(key)
    }
  }
}

function isFinished({ state }: InvocationRecord): boolean {
  return state === 'succeeded' || state === 'failed'
}

/** What an idempotency key stands for: it is the caller's own name for one call of one function. */
export function keyOf({ function: fn, idempotencyKey }: InvocationRequest): string | undefined {
  return idempotencyKey === undefined ? undefined : `${fn}\n${idempotencyKey}`
}

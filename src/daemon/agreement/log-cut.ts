import { entryAt, entryBytes, type Log } from '../../core/consensus/log.ts'
import type { Entry } from '../../model/consensus.ts'
import type { LogRetention } from './consensus-init.ts'

/** The log is cut once its applied entries take this many times the bytes that are to be kept: each cut costs a transaction. */
const BYTES_RATIO = 2

/** Counts what the applied entries of a log take, and says when it is to be cut. */
export class LogCutter {
  readonly #retention: LogRetention
  #appliedBytes: number

  constructor(log: Log, appliedIndex: number, retention: LogRetention) {
    this.#retention = retention
    this.#appliedBytes = bytesUpTo(log, appliedIndex)
  }

  applied(entries: readonly Entry[]): void {
    this.#appliedBytes += entries.reduce((sum, entry) => sum + entryBytes(entry), 0)
  }

  /** See {@link cutIndex}. */
  dueIndex(log: Log, appliedIndex: number): number | undefined {
    // So much that it would be cut: entries that a snapshot has replaced may have been counted.
    if (this.#appliedBytes > BYTES_RATIO * this.#retention.trailingBytes) this.#appliedBytes = bytesUpTo(log, appliedIndex)
    return cutIndex(log, { appliedIndex, appliedBytes: this.#appliedBytes }, this.#retention)
  }

  /** The log was cut to this. */
  cut(log: Log, appliedIndex: number): void {
    this.#appliedBytes = bytesUpTo(log, appliedIndex)
  }
}

/**
 * Up to which index a log that is applied up to `appliedIndex` is to be cut now; undefined: not yet. It keeps as many entries as it may, as long as they do
 * not take more bytes than they may: a peer that lacks them gets the tables instead, which are then less than the entries. `appliedBytes`: at least what
 * the applied entries in it take.
 */
export function cutIndex(
  log: Log,
  { appliedIndex, appliedBytes }: { appliedIndex: number; appliedBytes: number },
  { trailingEntries, compactEveryEntries, trailingBytes }: Omit<LogRetention, 'chunkBytes'>
): number | undefined {
  const start = log.snapshot.index
  if (appliedBytes > BYTES_RATIO * trailingBytes) {
    const index = Math.max(appliedIndex - trailingEntries, oldestWithin(log, appliedIndex, trailingBytes))
    if (index > start) return index
  }
  const index = appliedIndex - trailingEntries
  return index - start < compactEveryEntries ? undefined : index
}

/** The index after which the applied entries take no more than `bytesMax`. */
function oldestWithin(log: Log, appliedIndex: number, bytesMax: number): number {
  let bytes = 0
  for (let index = appliedIndex; ; index--) {
    const entry = entryAt(log, index)
    if (entry === undefined) return index
    bytes += entryBytes(entry)
    if (bytes > bytesMax) return index
  }
}

/** What the applied entries of a log take. */
export function bytesUpTo(log: Log, appliedIndex: number): number {
  return log.entries.reduce((sum, entry) => sum + (entry.index <= appliedIndex ? entryBytes(entry) : 0), 0)
}

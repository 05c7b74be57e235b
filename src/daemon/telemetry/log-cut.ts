import { entryAt, entryBytes, type Log } from '../../core/consensus/log.ts'
import type { LogRetention } from '../agreement/consensus-init.ts'

/** What is kept may be so many times what must be, before the log is cut: it costs a transaction. */
const BYTES_RATIO = 2

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

/** What was counted, counted anew once it is so much that the log would be cut: entries that a snapshot has replaced may be in it. */
export function recount(
  log: Log,
  { appliedIndex, appliedBytes }: { appliedIndex: number; appliedBytes: number },
  { trailingBytes }: Pick<LogRetention, 'trailingBytes'>
): number {
  return appliedBytes > BYTES_RATIO * trailingBytes ? bytesUpTo(log, appliedIndex) : appliedBytes
}

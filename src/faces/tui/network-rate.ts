import { readFile } from 'node:fs/promises'

/** Bytes that came and went through the interfaces of this machine since it started. */
export interface NetworkCounters {
  readonly atMs: number
  readonly inBytes: number
  readonly outBytes: number
}

/** Linux's counters (proc_pid_net(5), `/proc/net/dev`), without the loopback interface; undefined where there are none. */
export async function readNetworkCounters(nowMs: number): Promise<NetworkCounters | undefined> {
  try {
    return { atMs: nowMs, ...parseNetDev(await readFile('/proc/net/dev', 'utf8')) }
  } catch {
    // Other systems do not tell; the row says that nothing is measured.
    return undefined
  }
}

/** The sums of a `/proc/net/dev`. */
export function parseNetDev(text: string): { readonly inBytes: number; readonly outBytes: number } {
  const rows = text.split('\n').flatMap(line => {
    const [, name = '', numbers = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? []
    return name === '' || name === 'lo' ? [] : [numbers.split(/\s+/).map(Number)]
  })
  const sum = (column: number): number => rows.reduce((total, row) => total + (row[column] ?? 0), 0)
  return { inBytes: sum(0), outBytes: sum(SENT_COLUMN) }
}

/** Eight columns are of what was received. */
const SENT_COLUMN = 8

/** Bytes a second between two readings; nothing where the counters began anew. */
export function networkRate(before: NetworkCounters, after: NetworkCounters): { readonly inBytes: number; readonly outBytes: number } {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1_000)
  const rate = (from: number, to: number): number => Math.max(0, to - from) / seconds
  return { inBytes: rate(before.inBytes, after.inBytes), outBytes: rate(before.outBytes, after.outBytes) }
}

import { shareOfMachine, usdOf } from '../../model/price.ts'
import type { CostAmounts, CostKey, CostLedger, CostRow } from '../../model/costs.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import type { InvocationRecord, Run } from '../../model/invocation.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Receipt } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { InvocationBook } from '../calls/invocation-book.ts'

/** Rows of one gateway. Callers name themselves, so there may be any number of them: beyond this they are counted together. */
const COST_ROWS_MAX = 2_048

/** The caller of rows that were one too many. */
const OTHER_CALLERS = 'other'

/** Finished calls that are counted in one go. The book holds their records for much longer. */
const BATCH = 256

/** No costs at all. */
export const NO_COSTS: CostAmounts = {
  calls: 0,
  tasks: 0,
  failed: 0,
  succeeded: 0,
  cpuMs: 0,
  gbMs: 0,
  bytesIn: 0,
  bytesOut: 0,
  usd: 0,
  estimatedUsd: 0,
  quotedUsd: 0,
  runMs: 0,
  totalMs: 0,
  predictedMs: 0,
  regretMs: 0
}

export interface CostBookComponents {
  readonly clock: Clock
  readonly book: Pick<InvocationBook, 'find' | 'update'>
  /** What is known of a peer, however it stands. */
  readonly profileOf: (peer: PeerId) => PeerProfile | undefined
}

/** What the calls through this gateway, and the tasks that ended here, have cost, for whom and where: one row for each function, caller and peer. */
export class CostBook {
  readonly #components: CostBookComponents
  readonly #since: string
  readonly #rows = new Map<string, CostRow>()
  #finished: InvocationId[] = []

  constructor(components: CostBookComponents) {
    this.#components = components
    this.#since = components.clock.timestamp()
  }

  /** Takes note that a call has ended. Its record is read later, when somebody asks or some have come together: not on the answer's way. */
  finished(invocation: InvocationId): void {
    this.#finished.push(invocation)
    if (this.#finished.length >= BATCH) this.#count()
  }

  /**
   * Takes note of what a call has taken that this gateway had cut short: that comes after its end, when the call may be counted already. Only its
   * worker knows; a second word of it changes nothing.
   */
  cut(worker: PeerId, invocation: InvocationId, { start, usage }: Run): void {
    this.#count()
    const { book, profileOf } = this.#components
    const record = book.find(invocation)
    if (record === undefined || record.worker !== worker || record.usage !== undefined) return
    const told = { ...record, start, usage }
    book.update(invocation, { start, usage })
    // A call that has not ended here is counted, with this, when it does.
    if (record.totalMs === undefined) return
    const { function: fn, caller = '' } = record
    this.add({ function: fn, caller, peer: worker }, sum(costOf(told, profileOf(worker)), costOf(record, profileOf(worker)), -1))
  }

  /** Adds what something has cost that is not in the book of calls. */
  add({ function: fn, caller, peer }: Pick<CostRow, CostKey>, amounts: CostAmounts): void {
    const known = this.#rows.get(keyOf(fn, caller, peer))
    const row = known ?? this.#newRow(fn, caller, peer)
    this.#rows.set(keyOf(row.function, row.caller, row.peer), { ...row, ...sum(row, amounts) })
  }

  /** All that has been counted. */
  ledger(): CostLedger {
    this.#count()
    return { since: this.#since, rows: [...this.#rows.values()] }
  }

  #count(): void {
    const finished = this.#finished
    this.#finished = []
    for (const invocation of finished) {
      const record = this.#components.book.find(invocation)
      // What never ran has cost nothing, and has no peer.
      if (record?.worker === undefined) continue
      const { function: fn, worker: peer, caller = '' } = record
      this.add({ function: fn, caller, peer }, costOf(record, this.#components.profileOf(peer)))
    }
  }

  #newRow(fn: string, caller: string, peer: PeerId): CostRow {
    if (this.#rows.size < COST_ROWS_MAX) return { ...NO_COSTS, function: fn, caller, peer }
    const others = this.#rows.get(keyOf(fn, OTHER_CALLERS, peer))
    if (others !== undefined) return others
    // No room even for that: the oldest row gives way. Sums over everything then lack it.
    const [oldest = ''] = this.#rows.keys()
    this.#rows.delete(oldest)
    return { ...NO_COSTS, function: fn, caller: OTHER_CALLERS, peer }
  }
}

/** What one finished invocation has cost, and what had been expected. */
export function costOf(record: InvocationRecord, profile: PeerProfile | undefined): CostAmounts {
  const { usage, totalMs = 0, state } = record
  const receipt = record.receipts.at(-1)
  const predictedMs = receipt === undefined ? 0 : (expectedMs(receipt) ?? 0)
  const share = receipt === undefined || profile === undefined ? 0 : shareOfMachine(profile.capacity, receipt.cpus, receipt.memoryBytes)
  const usdPerHour = profile?.usdPerHour ?? 0
  const occupiedMs = usage === undefined ? 0 : usage.pullMs + usage.startMs + usage.runMs
  return {
    calls: 1,
    tasks: 0,
    failed: state === 'failed' ? 1 : 0,
    succeeded: state === 'succeeded' ? 1 : 0,
    cpuMs: usage?.cpuMs ?? 0,
    gbMs: ((receipt?.memoryBytes ?? 0) / 1e9) * (usage?.runMs ?? 0),
    bytesIn: usage?.bytesIn ?? 0,
    bytesOut: usage?.bytesOut ?? 0,
    usd: usdOf(usdPerHour, share, occupiedMs),
    quotedUsd: receipt === undefined ? 0 : expectedUsd(receipt, { usdPerHour, share }),
    runMs: usage?.runMs ?? 0,
    totalMs,
    predictedMs,
    regretMs: state === 'succeeded' ? regretMs(record) : 0
  }
}

/**
 * By how much the best of the other candidates was expected to be quicker than the chosen one was in truth; 0 where it was not. What another one
 * would have taken in truth nobody knows; its expectation is the best word there is.
 */
export function regretMs({ receipts, totalMs }: Pick<InvocationRecord, 'receipts' | 'totalMs'>): number {
  const decision = receipts.at(-1)?.decision
  if (decision === undefined || totalMs === undefined) return 0
  let leastMs = Number.POSITIVE_INFINITY
  for (const verdict of decision.verdicts) {
    if (verdict.fits && verdict.peer !== decision.chosen) leastMs = Math.min(leastMs, verdict.cost.total)
  }
  return leastMs === Number.POSITIVE_INFINITY ? 0 : Math.max(0, totalMs - leastMs)
}

function expectedMs({ decision }: Receipt): number | undefined {
  if (decision.expected != null) return decision.expected.totalMs
  const verdict = decision.verdicts.find(({ peer }) => peer === decision.chosen)
  return verdict?.fits === true ? verdict.cost.total : undefined
}

/** By what the placement went: like the bill without the time on the network, in which no peer is occupied. */
function expectedUsd({ decision }: Receipt, { usdPerHour, share }: { usdPerHour: number; share: number }): number {
  if (decision.expected != null) return decision.expected.usd
  const verdict = decision.verdicts.find(({ peer }) => peer === decision.chosen)
  return verdict?.fits === true ? usdOf(usdPerHour, share, verdict.cost.total - verdict.cost.network) : 0
}

/** `a + factor · b`, of each amount. */
function sum(a: CostAmounts, b: CostAmounts, factor = 1): CostAmounts {
  const total = { ...a }
  for (const key of Object.keys(NO_COSTS) as (keyof CostAmounts)[]) total[key] = (a[key] ?? 0) + factor * (b[key] ?? 0)
  return total
}

/** Callers and peers have no blank; an image may have, where it is a command. */
function keyOf(fn: string, caller: string, peer: PeerId): string {
  return `${peer} ${caller} ${fn}`
}

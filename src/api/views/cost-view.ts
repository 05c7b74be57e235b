import { COST_KEYS, type CostAmounts, type CostKey, type CostLedger } from '../../model/costs.ts'
import type { CostItem, CostList } from '../../model/rest-costs.ts'

const MS_PER_SECOND = 1_000

type Sums = Omit<CostItem, CostKey>

/** The ledgers of several gateways as one, by the keys that were asked for, dearest first. */
export function costView(
  { ledgers, missing }: { ledgers: readonly CostLedger[]; missing: number },
  { by, nameOf }: { by: readonly CostKey[]; nameOf: (peer: string) => string }
): CostList {
  const keys = COST_KEYS.filter(key => by.includes(key))
  const items = new Map<string, CostItem>()
  let totals = sumsOf(undefined, undefined)
  for (const row of ledgers.flatMap(({ rows }) => rows)) {
    const named = { function: row.function, caller: row.caller, peer: nameOf(row.peer) }
    const own = Object.fromEntries(keys.map(key => [key, named[key]]))
    const id = JSON.stringify(own)
    items.set(id, { ...own, ...sumsOf(items.get(id), row) })
    totals = sumsOf(totals, row)
  }
  const sorted = [...items.values()].sort((a, b) => b.usd - a.usd || b.cpuSeconds - a.cpuSeconds || b.runMs - a.runMs)
  return { by: keys, since: ledgers.map(({ since }) => since).sort()[0] ?? '', peers: ledgers.length, missing, items: sorted, totals }
}

/** The rows as CSV (RFC 4180): a line of names, then one for each. */
export function costCsv({ by, items }: CostList): string {
  const columns = [...by, ...(Object.keys(sumsOf(undefined, undefined)) as (keyof Sums)[])]
  const lines = items.map(item => columns.map(column => csvField(item[column] ?? '')).join(','))
  return [columns.join(','), ...lines].map(line => `${line}\r\n`).join('')
}

function sumsOf(before: Sums | undefined, row: CostAmounts | undefined): Sums {
  const plus = (key: keyof Sums & keyof CostAmounts): number => (before?.[key] ?? 0) + (row?.[key] ?? 0)
  return {
    calls: plus('calls'),
    tasks: plus('tasks'),
    failed: plus('failed'),
    cpuSeconds: (before?.cpuSeconds ?? 0) + (row?.cpuMs ?? 0) / MS_PER_SECOND,
    gbSeconds: (before?.gbSeconds ?? 0) + (row?.gbMs ?? 0) / MS_PER_SECOND,
    bytesIn: plus('bytesIn'),
    bytesOut: plus('bytesOut'),
    usd: plus('usd'),
    estimatedUsd: plus('estimatedUsd'),
    quotedUsd: plus('quotedUsd'),
    runMs: plus('runMs'),
    totalMs: plus('totalMs'),
    predictedMs: plus('predictedMs'),
    regretMs: plus('regretMs'),
    // An earlier version does not say; its failed ones hold tasks, too.
    succeeded: (before?.succeeded ?? 0) + (row === undefined ? 0 : (row.succeeded ?? Math.max(0, row.calls - row.failed)))
  }
}

/** A spreadsheet would take a text that starts with one of these for a formula. */
const FORMULA = /^[=+\-@\t\r]/

function csvField(value: string | number): string {
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

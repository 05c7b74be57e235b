import type { CostItem, CostList } from '../model/rest-costs.ts'
import type { Quote } from '../model/rest-quote.ts'
import type { Cell, Column, Table, TableView } from './table.ts'
import { formatBytes, formatDurationMs, formatUsd } from '../model/units.ts'
import { cacheNeedText } from './cache-text.ts'
import { queueLines, remarkLines, verdictsTable } from './explain-view.ts'
import { policyText } from './policy-text.ts'
import { renderTable } from './table.ts'
import { keyed } from './text.ts'

/** What a call would take and cost, how sure that is, and who was looked at. */
export function quoteLines(quote: Quote, view: TableView): string[] {
  const { function: name, revision, inputBytes, params, peer, start, time, run, memory, outputBytes } = quote
  const asked = quote.asked === undefined ? '' : `, ${policyText(quote.asked)}`
  const input = `${formatBytes(inputBytes)} of input${params === undefined ? '' : `, ${params}`}${asked}`
  return [
    `${name} r${revision} with ${input}`,
    ...keyed([
      ['peer', peer === null ? 'nobody' : `${peer.name}, ${start} start`],
      ['time', time === null ? '-' : upTo(formatDurationMs(time.ms), formatDurationMs(time.upperMs))],
      ['run', `${upTo(formatDurationMs(run.ms), formatDurationMs(run.upperMs))} at reference speed`],
      ['cpu', run.cpuMs === undefined ? 'not measured' : formatDurationMs(run.cpuMs)],
      ['memory', memoryText(memory)],
      ...(quote.cache === undefined ? [] : [['cache', cacheNeedText(quote.cache)] as const]),
      ['answer', formatBytes(outputBytes)],
      ['cost', costText(quote)],
      ['sure', sureText(quote)]
    ]),
    '',
    ...renderTable(verdictsTable(quote.candidates), view),
    ...queueLines(quote.candidates),
    ...remarkLines(quote),
    ...(peer === null ? ['', quote.why] : [])
  ]
}

function costText({ peer, cost }: Quote): string {
  if (cost !== null) return upTo(formatUsd(cost.usd), formatUsd(cost.upperUsd))
  return peer === null ? '-' : 'no price is stated'
}

/** How sure a quote is, in words. */
function sureText({ sure: { level, samples, basis, errorRatio } }: Quote): string {
  const runs = `${samples} earlier ${samples === 1 ? 'run' : 'runs'}`
  const how = basis === undefined || samples === 0 ? '' : ` by ${basis}`
  const error = errorRatio === undefined ? '' : `, half of them predicted within ${Math.round(100 * errorRatio)} %`
  return samples === 0 ? 'a guess: it has not run yet' : `${level}: from ${runs}${how}${error}`
}

/** The ledger, dearest first, with a line of sums. */
export function costsTable({ by, items, totals }: CostList): Table {
  const numbers: readonly (readonly [Column, (item: Omit<CostItem, 'function' | 'caller' | 'peer'>) => string])[] = [
    [{ title: 'CALLS', align: 'right' }, ({ calls }) => String(calls)],
    [{ title: 'TASKS', align: 'right' }, ({ tasks }) => String(tasks)],
    [{ title: 'FAILED', align: 'right' }, ({ failed }) => String(failed)],
    [{ title: 'CPU S', align: 'right' }, ({ cpuSeconds }) => cpuSeconds.toFixed(2)],
    [{ title: 'GB S', align: 'right' }, ({ gbSeconds }) => gbSeconds.toFixed(2)],
    [{ title: 'IN', align: 'right' }, ({ bytesIn }) => formatBytes(bytesIn)],
    [{ title: 'OUT', align: 'right' }, ({ bytesOut }) => formatBytes(bytesOut)],
    [{ title: 'COST', align: 'right' }, ({ usd }) => formatUsd(usd)],
    [{ title: 'ESTIMATED', align: 'right', wide: true }, ({ estimatedUsd }) => formatUsd(estimatedUsd)],
    [{ title: 'QUOTED', align: 'right', wide: true }, ({ quotedUsd }) => formatUsd(quotedUsd)],
    [{ title: 'MEAN', align: 'right' }, ({ totalMs, calls, tasks }) => formatDurationMs(totalMs / Math.max(1, calls + tasks))],
    [
      { title: 'PREDICTED', align: 'right', wide: true },
      ({ predictedMs, calls, tasks }) => formatDurationMs(predictedMs / Math.max(1, calls + tasks))
    ],
    [{ title: 'REGRET', align: 'right' }, ({ regretMs, succeeded }) => (succeeded === 0 ? '-' : formatDurationMs(regretMs / succeeded))]
  ]
  const row = (keys: readonly string[], item: Omit<CostItem, 'function' | 'caller' | 'peer'>): Cell[] => [
    ...keys,
    ...numbers.map(([, read]) => read(item))
  ]
  return {
    columns: [...by.map(key => ({ title: key.toUpperCase() })), ...numbers.map(([column]) => column)],
    rows: [
      ...items.map(item =>
        row(
          by.map(key => item[key] || '-'),
          item
        )
      ),
      ...(items.length > 1
        ? [
            row(
              by.map((_, at) => (at === 0 ? 'all' : '')),
              totals
            )
          ]
        : [])
    ]
  }
}

function upTo(expected: string, upper: string): string {
  return expected === upper ? expected : `${expected}, at most about ${upper}`
}

function memoryText({ bytes, upperBytes, limitBytes }: Quote['memory']): string {
  const limit = `limit ${formatBytes(limitBytes)}`
  if (bytes === undefined) return `not measured, ${limit}`
  return `${upTo(formatBytes(bytes), formatBytes(upperBytes ?? bytes))}, ${limit}`
}

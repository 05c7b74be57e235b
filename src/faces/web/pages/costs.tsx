import { useState } from 'preact/hooks'
import type { CostItem } from '../../../model/rest-costs.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { ratio, timeOfDay } from '../../text.ts'
import { useAsked, useLive, useNowMs } from '../hooks.ts'
import { Empty, Loading } from '../parts/empty.tsx'
import { Problem } from '../parts/problem.tsx'
import { agoText, moneyText } from '../words.ts'

const ASK_EVERY_MS = 5_000

/** By what costs are told apart. */
const KEYS = ['function', 'peer', 'caller'] as const

/** What calls and tasks have cost, told apart by function, peer or caller. */
export function Costs() {
  const live = useLive()
  const nowMs = useNowMs()
  const [by, setBy] = useState<(typeof KEYS)[number]>('function')
  const { value: costs, error } = useAsked(by, options => live.client.costs(by, options), { everyMs: ASK_EVERY_MS, isFinal: () => false })
  return (
    <>
      <div class="head">
        <h1>Costs</h1>
        <div class="segments" role="group" aria-label="Costs told apart by">
          {KEYS.map(key => (
            <button key={key} type="button" aria-pressed={key === by} onClick={() => setBy(key)}>
              by {key}
            </button>
          ))}
        </div>
        {costs === undefined ? null : (
          <p class="dim push">
            since {timeOfDay(costs.since).slice(0, 8)}, {agoText(costs.since, nowMs)}, from {costs.peers}{' '}
            {costs.peers === 1 ? 'peer' : 'peers'}
            {costs.missing === 0 ? '' : `; ${costs.missing} did not answer`}
          </p>
        )}
      </div>
      {error === undefined ? null : <Problem error={error} />}
      {costs === undefined ? (
        error === undefined ? (
          <Loading what="the costs" />
        ) : null
      ) : (
        <>
          <dl class="figures stacked card">
            <Figure name="Spent" value={moneyText(costs.totals.usd)} note={`${moneyText(costs.totals.quotedUsd)} expected`} />
            <Figure name="Calls" value={String(costs.totals.calls)} note={`${costs.totals.failed} failed, tasks included`} />
            <Figure name="Tasks" value={String(costs.totals.tasks)} note="ended" />
            <Figure name="CPU" value={formatDurationMs(1_000 * costs.totals.cpuSeconds)} note="of one core" />
            <Figure
              name="Waited"
              value={formatDurationMs(costs.totals.totalMs)}
              note={`${formatDurationMs(costs.totals.predictedMs)} expected`}
            />
            <Figure name="Regret" value={formatDurationMs(costs.totals.regretMs)} note="lost by choosing another peer" />
          </dl>
          <section class="card">
            {costs.items.length === 0 ? (
              <Empty title="No call and no task has ended yet.">
                A peer states its price by <code>cares peer --price USD_PER_HOUR</code>
              </Empty>
            ) : (
              <Rows rows={costs.items} by={by} total={costs.totals.totalMs} />
            )}
          </section>
        </>
      )}
    </>
  )
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} <small class="dim">{note}</small>
      </dd>
    </div>
  )
}

function Rows({ rows, by, total }: { rows: readonly CostItem[]; by: (typeof KEYS)[number]; total: number }) {
  return (
    <div class="table-box">
      <table aria-label={`Costs by ${by}`}>
        <thead>
          <tr>
            <th scope="col">{by.charAt(0).toUpperCase() + by.slice(1)}</th>
            <th scope="col" class="number">
              Spent
            </th>
            <th scope="col" class="number wide">
              Expected
            </th>
            <th scope="col" class="number">
              Calls
            </th>
            <th scope="col" class="number wide">
              Tasks
            </th>
            <th scope="col" class="number wide">
              Failed
            </th>
            <th scope="col" class="number wide">
              CPU
            </th>
            <th scope="col" class="versus wide">
              Part of all time
            </th>
            <th scope="col" class="number">
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row[by]}>
              <th scope="row">{row[by] === undefined || row[by] === '' ? <span class="dim">not said</span> : row[by]}</th>
              <td class="number">{moneyText(row.usd)}</td>
              <td class="number wide">{moneyText(row.quotedUsd)}</td>
              <td class="number">{row.calls}</td>
              <td class="number wide">{row.tasks}</td>
              <td class="number wide">{row.failed}</td>
              <td class="number wide">{formatDurationMs(1_000 * row.cpuSeconds)}</td>
              <td class="versus wide">
                <svg class="versus-bar" width="100%" height="10" aria-hidden="true">
                  <rect class="actual" width={`${(100 * ratio(row.totalMs, total)).toFixed(1)}%`} height="10" rx="1" />
                </svg>
              </td>
              <td class="number">{formatDurationMs(row.totalMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

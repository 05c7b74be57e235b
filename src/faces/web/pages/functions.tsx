import { useState } from 'preact/hooks'
import { HISTORY } from '../../../model/history.ts'
import type { StatsHistoryBody } from '../../../model/rest-telemetry.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { formatAge, oneDecimal, percent } from '../../text.ts'
import { historyScope } from '../../history-scope.ts'
import { perSecond, RANGES } from '../history.ts'
import { useLiveState, useNowMs } from '../hooks.ts'
import { Empty, Loading } from '../parts/empty.tsx'
import { FunctionLink } from '../parts/links.tsx'
import { useHistory } from '../parts/range.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { hrefOf } from '../route.ts'

/** Every function of the cluster. */
export function Functions() {
  const { functions, stats } = useLiveState()
  const nowMs = useNowMs()
  const { history } = useHistory({ peer: 'none' })
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const shown = (functions ?? []).filter(({ name, image }) => `${name} ${image}`.toLowerCase().includes(wanted))
  const warmOf = (name: string) => stats?.functions.filter(fn => fn.name === name) ?? []
  return (
    <>
      <div class="head">
        <h1>Functions</h1>
        <input
          type="search"
          placeholder="Name or image"
          aria-label="Filter the functions"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
        <a class="button primary push" href={hrefOf({ page: 'upload' })}>
          Upload function
        </a>
      </div>
      <section class="card">
        {functions === null ? (
          <Loading what="the functions" />
        ) : functions.length === 0 ? (
          <Empty title="No function yet.">
            Any image that reads stdin or serves HTTP is one. <a href={hrefOf({ page: 'upload' })}>Upload the first</a>, or run{' '}
            <code>cares upload IMAGE NAME</code>
          </Empty>
        ) : shown.length === 0 ? (
          <Empty title="No function fits the filter." />
        ) : (
          <div class="table-box">
            <table aria-label="Functions">
              <thead>
                <tr>
                  <th scope="col">Function</th>
                  <th scope="col" class="wide">
                    Contract
                  </th>
                  <th scope="col" class="wide">
                    Image
                  </th>
                  <th scope="col" class="number wide">
                    Revision
                  </th>
                  <th scope="col" class="number">
                    Calls
                  </th>
                  <th scope="col" class="wide">
                    Per second
                  </th>
                  <th scope="col" class="number wide">
                    Failed
                  </th>
                  <th scope="col" class="number wide">
                    Cold
                  </th>
                  <th scope="col" class="number">
                    p95
                  </th>
                  <th scope="col" class="number">
                    Warm
                  </th>
                  <th scope="col" class="number">
                    Age
                  </th>
                </tr>
              </thead>
              <tbody>
                {shown.map(fn => (
                  <tr key={fn.name}>
                    <th scope="row">
                      <FunctionLink name={fn.name} />
                    </th>
                    <td class="wide">{fn.contract}</td>
                    <td class="wide clip mono" title={fn.image}>
                      {fn.image}
                    </td>
                    <td class="number wide">{fn.revision}</td>
                    <CallCells history={history} name={fn.name} />
                    <td class="number">{warmOf(fn.name).reduce((sum, { idle, busy }) => sum + idle + busy, 0)}</td>
                    <td class="number">{formatAge(fn.updatedAt, nowMs)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {shown.length === 0 || history === undefined ? null : <p class="legend">Calls of the last 5 minutes, {historyScope(history)}</p>}
      </section>
    </>
  )
}

/** How the calls of one function went lately. */
function CallCells({ history, name }: { history: StatsHistoryBody | undefined; name: string }) {
  const found = history?.functions.find(fn => fn.name === name)
  const { calls, failed, cold, p95Ms } = found?.overall ?? NO_CALLS
  const rates = perSecond(found?.calls ?? [], history?.stepMs ?? 1).map(rate => rate ?? 0)
  return (
    <>
      <td class="number">{history === undefined ? '' : calls}</td>
      <td class="wide">
        {calls === 0 ? null : (
          <Sparkline
            values={rates}
            max={Math.max(1, ...rates)}
            slots={SLOTS}
            label={`calls of ${name} per second; now ${oneDecimal(rates.at(-1) ?? 0)}`}
          />
        )}
      </td>
      <td class={failed === 0 ? 'number wide' : 'number wide bad-text'}>{calls === 0 ? '–' : percent(failed, calls)}</td>
      <td class="number wide">{calls === 0 ? '–' : percent(cold, calls)}</td>
      <td class="number">{p95Ms === null ? '–' : formatDurationMs(p95Ms)}</td>
    </>
  )
}

const NO_CALLS = { calls: 0, failed: 0, cold: 0, p95Ms: null }

/** Steps of the shortest range. */
const SLOTS = RANGES[0].spanS / (HISTORY.fine.stepMs / 1_000)

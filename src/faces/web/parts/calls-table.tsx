import { useState } from 'preact/hooks'
import type { Invocation } from '../../../model/rest-invocations.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { ratio } from '../../text.ts'
import { surprise } from '../cost-bars.ts'
import { ageText } from '../words.ts'
import { CallState } from './badges.tsx'
import { CallLink, FunctionLink, PeerLink } from './links.tsx'

/** Rows that are shown at first: enough to see how things go, few enough to scroll by. */
const ROWS_SHOWN = 50

/** Calls with what was predicted of them beside what they took; of those that run, what they have taken so far. */
export function CallsTable({ calls: all, nowMs, label }: { calls: readonly Invocation[]; nowMs: number; label: string }) {
  const [isWhole, setWhole] = useState(false)
  const calls = isWhole ? all : all.slice(0, ROWS_SHOWN)
  return (
    <div class="table-box">
      <table class="calls" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Call</th>
            <th scope="col">Function</th>
            <th scope="col">State</th>
            <th scope="col" class="wide">
              Worker
            </th>
            <th scope="col" class="wide">
              Start
            </th>
            <th scope="col" class="number">
              Predicted
            </th>
            <th scope="col" class="number">
              Actual
            </th>
            <th scope="col" class="wide versus">
              Predicted against actual
            </th>
            <th scope="col" class="number wide">
              Off by
            </th>
            <th scope="col" class="number wide">
              Age
            </th>
          </tr>
        </thead>
        <tbody>
          {calls.map(call => (
            <tr key={call.id}>
              <td>
                <CallLink id={call.id} />
              </td>
              <td>
                <FunctionLink name={call.function} />
              </td>
              <td>
                <CallState call={call} />
              </td>
              <td class="wide">
                {call.worker === null ? <span class="dim">–</span> : <PeerLink peer={call.worker} />}
                {call.placement === 'fallback' ? <span class="badge">fallback</span> : null}
              </td>
              <td class="wide">{call.start ?? <span class="dim">–</span>}</td>
              <td class="number">{milliseconds(call.predictedMs)}</td>
              <td class="number">{milliseconds(tookMs(call, nowMs))}</td>
              <td class="wide versus">
                <Versus call={call} tookMs={tookMs(call, nowMs)} />
              </td>
              <td class="number wide">{offBy(call)}</td>
              <td class="number wide">{ageText(call.acceptedAt, nowMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {calls.length === all.length ? null : (
        <button type="button" class="more" onClick={() => setWhole(true)}>
          Show all {all.length}
        </button>
      )}
    </div>
  )
}

/** Each call by its own scale: how well it was predicted is the question, and calls of milliseconds stand beside calls of minutes. */
function Versus({ call, tookMs }: { call: Invocation; tookMs: number }) {
  const predicted = call.predictedMs ?? 0
  const width = (ms: number): string => `${(100 * ratio(ms, Math.max(predicted, tookMs))).toFixed(2)}%`
  return (
    <svg class="versus-bar" width="100%" height="14" aria-hidden="true">
      <rect class="predicted" width={width(predicted)} height="5" rx="1" />
      <rect class={call.state === 'failed' ? 'actual failed' : 'actual'} y="7" width={width(tookMs)} height="7" rx="1" />
    </svg>
  )
}

function tookMs({ totalMs, acceptedAt }: Invocation, nowMs: number): number {
  return totalMs ?? Math.max(0, nowMs - Date.parse(acceptedAt))
}

function milliseconds(ms: number | null | undefined) {
  return ms === null || ms === undefined ? <span class="dim">–</span> : formatDurationMs(ms)
}

function offBy({ predictedMs, totalMs, state }: Invocation) {
  if (state !== 'succeeded' || predictedMs === null || predictedMs === undefined || totalMs === null) return <span class="dim">–</span>
  const off = Math.round(100 * surprise(predictedMs, totalMs))
  return <span class={Math.abs(off) <= 25 ? '' : 'warn-text'}>{`${off > 0 ? '+' : ''}${off}%`}</span>
}

import type { Explanation, PlacementItem } from '../../../model/rest-invocations.ts'
import { formatBytes, formatDurationMs } from '../../../model/units.ts'
import { timeOfDay } from '../../text.ts'
import { callScaleMs, chosenCost, costSegments, surprise, usageSegments } from '../cost-bars.ts'
import { useAsked, useLive, useNowMs } from '../hooks.ts'
import { CallState } from '../parts/badges.tsx'
import { CallLog } from '../parts/call-log.tsx'
import { CostBar, CostLegend } from '../parts/cost-bar.tsx'
import { CancelButton } from '../parts/cancel-button.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { Facts } from '../parts/facts.tsx'
import { FunctionLink, PeerLink } from '../parts/links.tsx'
import { Placement } from '../parts/placement.tsx'
import { Problem } from '../parts/problem.tsx'
import { agoText, bytesText } from '../words.ts'

const ASK_EVERY_MS = 1_000

/** One call: what happened to it, and why it ran where it ran, in the numbers that decided. */
export function Call({ id }: { id: string }) {
  const live = useLive()
  const { value: explanation, error } = useAsked(id, options => live.client.explain(id, options), {
    everyMs: ASK_EVERY_MS,
    isFinal: ({ invocation }) => hasEnded(invocation)
  })
  return (
    <>
      <div class="head">
        <h1>
          Call <span class="mono id">{id}</span>
        </h1>
        {explanation === undefined ? null : <CallState call={explanation.invocation} />}
        {explanation === undefined || hasEnded(explanation.invocation) ? null : (
          <CancelButton cancel={options => live.client.cancel(id, options)} />
        )}
      </div>
      {error === undefined ? null : <Problem error={error} />}
      {explanation !== undefined ? <Explained explanation={explanation} /> : error === undefined ? <Loading what="the call" /> : null}
    </>
  )
}

function Explained({ explanation }: { explanation: Explanation }) {
  const nowMs = useNowMs()
  const { invocation, placements, predictedMs, actualMs } = explanation
  const { usage, error } = invocation
  return (
    <>
      {error === null ? null : (
        <p class="note bad">
          <strong>{error.code.replace(/_/g, ' ')}:</strong> {error.message}
        </p>
      )}
      <section class="card">
        <h2>Predicted and actual</h2>
        <PredictedAndActual explanation={explanation} />
        {predictedMs === null || actualMs === null ? null : (
          <Difference predictedMs={predictedMs} actualMs={actualMs} last={placements.at(-1)} />
        )}
        <CostLegend other />
      </section>
      {placements.length === 0 ? (
        <section class="card">
          <Empty title="It has not been placed.">No peer was chosen for it yet, or it ended before.</Empty>
        </section>
      ) : (
        placements.map((placement, i) => (
          <Placement key={`${placement.round}/${placement.try}/${i}`} placement={placement} turn={i + 1} of={placements.length} />
        ))
      )}
      <div class="columns">
        <section class="card">
          <h2>Facts</h2>
          <Facts
            rows={[
              ['Function', <FunctionLink name={invocation.function} />],
              ['Revision', String(invocation.revision)],
              ['Request', <code>{`${invocation.method} ${invocation.path}`}</code>],
              ['Came through', <PeerLink peer={invocation.gateway} />],
              ['Ran on', invocation.worker === null ? 'no peer' : <PeerLink peer={invocation.worker} />],
              ['Start', invocation.start ?? 'not known'],
              ['Answer', invocation.status === null ? 'none' : `status ${invocation.status}`],
              ['CPU time', usage?.cpuMs === undefined ? 'not measured' : formatDurationMs(usage.cpuMs)],
              ['Memory peak', usage?.memoryPeakBytes === undefined ? 'not measured' : formatBytes(usage.memoryPeakBytes)],
              ['In and out', usage === null ? 'not known' : `${bytesText(usage.bytesIn)} in, ${bytesText(usage.bytesOut)} out`],
              ['Accepted', `${timeOfDay(invocation.acceptedAt)}, ${agoText(invocation.acceptedAt, nowMs)}`]
            ]}
          />
        </section>
        <CallLog id={invocation.id} isOver={hasEnded(invocation)} />
      </div>
    </>
  )
}

function PredictedAndActual({ explanation }: { explanation: Explanation }) {
  const scale = callScaleMs(explanation)
  const { invocation, placements, predictedMs, actualMs } = explanation
  const last = placements.at(-1)
  const cost = last === undefined ? undefined : chosenCost(last)
  return (
    <div class="cost-rows">
      <span>Predicted</span>
      {cost === undefined ? (
        <span class="dim">nothing: no peer was chosen</span>
      ) : (
        <CostBar segments={costSegments(cost)} scaleMs={scale} label="Predicted" />
      )}
      <span class="number">{predictedMs === null ? '–' : formatDurationMs(predictedMs)}</span>
      <span>Actual</span>
      {actualMs === null ? (
        <span class="dim">it has not ended</span>
      ) : (
        <CostBar segments={usageSegments(invocation)} scaleMs={scale} label="Actual" />
      )}
      <span class="number">{actualMs === null ? '–' : formatDurationMs(actualMs)}</span>
    </div>
  )
}

function Difference({ predictedMs, actualMs, last }: { predictedMs: number; actualMs: number; last: PlacementItem | undefined }) {
  const off = Math.round(100 * surprise(predictedMs, actualMs))
  const samples = last?.estimate.samples ?? 0
  return (
    <p class="dim">
      {off === 0 ? 'As predicted' : `It took ${Math.abs(off)}% ${off > 0 ? 'longer' : 'less'} than predicted`}, from{' '}
      {samples === 0 ? 'nothing but defaults: no run of it was known' : `${samples} earlier ${samples === 1 ? 'run' : 'runs'}`}.
    </p>
  )
}

function hasEnded({ state }: Explanation['invocation']): boolean {
  return state === 'succeeded' || state === 'failed'
}

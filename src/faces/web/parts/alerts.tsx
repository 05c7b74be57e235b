import { useState } from 'preact/hooks'
import { useAsked, useLive, useNowMs } from '../hooks.ts'
import { agoText } from '../words.ts'

const ASK_EVERY_MS = 5_000

/** The most severe come first; more of them would push the cluster itself off the page. */
const ALERTS_SHOWN = 3

/** Alerts that are raised now, the most severe first; nothing while there are none. */
export function Alerts() {
  const live = useLive()
  const nowMs = useNowMs()
  const [shownMax, setShownMax] = useState(ALERTS_SHOWN)
  const { value } = useAsked('alerts', options => live.client.alerts(options), { everyMs: ASK_EVERY_MS, isFinal: () => false })
  if (value === undefined || value.items.length === 0) return null
  const more = value.items.length - shownMax
  return (
    <ul class="alerts" aria-label="Alerts">
      {value.items.slice(0, shownMax).map(({ key, severity, message, raisedAt }) => (
        <li key={key} class={`note ${severity === 'critical' ? 'bad' : 'warn'}`}>
          <strong>{severity}:</strong> {message} <span class="dim">{agoText(raisedAt, nowMs)}</span>
        </li>
      ))}
      {more <= 0 ? null : (
        <li>
          <button type="button" class="quiet" onClick={() => setShownMax(Number.POSITIVE_INFINITY)}>
            {more} more
          </button>
        </li>
      )}
    </ul>
  )
}

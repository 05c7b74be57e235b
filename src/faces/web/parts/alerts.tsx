import { useState } from 'preact/hooks'
import type { AlertItem } from '../../../model/rest-events.ts'
import { useAsked, useLive, useNowMs } from '../hooks.ts'
import { agoText } from '../words.ts'

const ASK_EVERY_MS = 5_000

/** The most severe come first; more of them would push the cluster itself off the page. */
const ALERTS_SHOWN = 3

/** What is raised now, the most severe first; undefined until that is known. */
export function useAlerts(): readonly AlertItem[] | undefined {
  const live = useLive()
  const { value } = useAsked('alerts', options => live.client.alerts(options), { everyMs: ASK_EVERY_MS, isFinal: () => false })
  return value?.items
}

/** Alerts that are raised now; nothing while there are none. */
export function Alerts({ alerts }: { alerts: readonly AlertItem[] }) {
  const nowMs = useNowMs()
  const [shownMax, setShownMax] = useState(ALERTS_SHOWN)
  if (alerts.length === 0) return null
  const more = alerts.length - shownMax
  return (
    <ul class="alerts" aria-label="Alerts">
      {alerts.slice(0, shownMax).map(({ key, severity, message, raisedAt }) => (
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

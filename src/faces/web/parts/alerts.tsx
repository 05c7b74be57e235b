import { useAsked, useLive, useNowMs } from '../hooks.ts'
import { agoText } from '../words.ts'

const ASK_EVERY_MS = 5_000

/** Alerts that are raised now, the most severe first; nothing while there are none. */
export function Alerts() {
  const live = useLive()
  const nowMs = useNowMs()
  const { value } = useAsked('alerts', options => live.client.alerts(options), { everyMs: ASK_EVERY_MS, isFinal: () => false })
  if (value === undefined || value.items.length === 0) return null
  return (
    <ul class="alerts" aria-label="Alerts">
      {value.items.map(({ key, severity, message, raisedAt }) => (
        <li key={key} class={`note ${severity === 'critical' ? 'bad' : 'warn'}`}>
          <strong>{severity}:</strong> {message} <span class="dim">{agoText(raisedAt, nowMs)}</span>
        </li>
      ))}
    </ul>
  )
}

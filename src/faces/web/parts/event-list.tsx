import type { Peer } from '../../../model/rest.ts'
import type { EventItem } from '../../../model/rest-events.ts'
import { shortId } from '../../../model/short-id.ts'
import { timeOfDay } from '../../text.ts'
import { eventText } from '../../view-model.ts'
import { hrefOf, type Route } from '../route.ts'

/** Events, newest first; each leads to what it is about. */
export function EventList({ events, peers, label }: { events: readonly EventItem[]; peers: readonly Peer[] | null; label: string }) {
  const names = new Map((peers ?? []).map(({ id, name }) => [id, name]))
  const nameOf = (id: string): string => names.get(id) ?? shortId(id)
  return (
    <ol class="events" aria-label={label}>
      {events.map(event => {
        const about = subjectOf(event)
        const text = eventText(event, nameOf).replace(/i-[0-9a-z]{20}([0-9a-z]{6})/, '…$1')
        return (
          <li key={`${event.at}/${event.id}`} class={`${toneOf(event)} ${isOfCall(event) ? 'of-call' : ''}`}>
            <time dateTime={event.at} title={event.at}>
              {timeOfDay(event.at).slice(0, 8)}
            </time>
            <span class="dot" aria-hidden="true" />
            <span class="event-what">
              <span class="event-type">{event.type}</span>{' '}
              <span class="event-text">{about === undefined ? text : <a href={hrefOf(about)}>{text}</a>}</span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}

/** Whether the text tells by itself what has happened. */
function isOfCall({ type }: EventItem): boolean {
  return type.startsWith('invocation:')
}

function subjectOf({ type, data }: EventItem): Route | undefined {
  switch (type) {
    case 'peer:joined':
    case 'peer:returned':
    case 'peer:suspected':
    case 'peer:gone':
    case 'peer:drain-changed':
      return { page: 'peer', id: data.peer }
    case 'orchestrator:changed':
      return data.orchestrator === null ? { page: 'map' } : { page: 'peer', id: data.orchestrator }
    case 'function:uploaded':
      return { page: 'function', name: data.name }
    case 'invocation:placed':
    case 'invocation:finished':
      return { page: 'call', id: data.invocation }
    default:
      return undefined
  }
}

function toneOf({ type, data }: EventItem): string {
  switch (type) {
    case 'peer:joined':
    case 'peer:returned':
    case 'function:uploaded':
      return 'good'
    case 'peer:suspected':
    case 'peer:drain-changed':
      return 'warn'
    case 'peer:gone':
      return 'bad'
    case 'orchestrator:changed':
      return data.orchestrator === null ? 'bad' : 'busy'
    case 'invocation:finished':
      return data.code === null ? 'good' : 'bad'
    case 'task:health-changed':
      return data.health === 'healthy' ? 'good' : 'bad'
    case 'task:port-refused':
      return 'bad'
    case 'runtime:state-changed':
      return data.ready ? 'good' : 'bad'
    case 'alert:raised':
      return data.severity === 'critical' ? 'bad' : 'warn'
    case 'alert:cleared':
      return 'good'
    default:
      return 'quiet-dot'
  }
}

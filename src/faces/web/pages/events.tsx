import { useState } from 'preact/hooks'
import type { EventItem } from '../../../model/rest-events.ts'
import { eventLine } from '../../view-model.ts'
import { useLiveState } from '../hooks.ts'
import { CALL_EVENTS_MAX, OTHER_EVENTS_MAX } from '../live/state.ts'
import { Empty } from '../parts/empty.tsx'
import { EventList } from '../parts/event-list.tsx'

type NounOf<Type extends string> = Type extends `${infer Noun}:${string}` ? Noun : never

/** All kinds that there are, those first that people look for. */
const NOUNS = Object.keys({
  alert: true,
  peer: true,
  orchestrator: true,
  voters: true,
  strategy: true,
  function: true,
  image: true,
  task: true,
  invocation: true,
  runtime: true
} satisfies Record<NounOf<EventItem['type']>, true>)

/** What happens in the cluster, as the peer that serves the page sees it. */
export function Events() {
  const { events, peers, cluster } = useLiveState()
  const [filter, setFilter] = useState('')
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const names = new Map((peers ?? []).map(({ id, name }) => [id, name]))
  const wanted = filter.trim().toLowerCase()
  const isShown = (event: EventItem): boolean =>
    !hidden.has(nounOf(event)) && (wanted === '' || eventLine(event, names).toLowerCase().includes(wanted))
  const shown = events.filter(isShown)
  return (
    <>
      <div class="head">
        <h1>Events</h1>
        <input
          type="search"
          placeholder="Any word of them"
          aria-label="Filter the events"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
        <p class="dim push">as {cluster?.self.name ?? 'this peer'} sees them</p>
      </div>
      <div class="toggles" role="group" aria-label="Kinds of events">
        {NOUNS.map(noun => (
          <button
            key={noun}
            type="button"
            aria-pressed={!hidden.has(noun)}
            onClick={() => setHidden(hidden.has(noun) ? new Set([...hidden].filter(other => other !== noun)) : new Set([...hidden, noun]))}
          >
            {noun} <span class="dim">{events.filter(event => nounOf(event) === noun).length}</span>
          </button>
        ))}
      </div>
      <section class="card">
        {shown.length > 0 ? (
          <EventList events={shown} peers={peers} label="Events, newest first" />
        ) : events.length === 0 ? (
          <Empty title="Nothing has happened yet.">
            Events come as they happen; the page keeps the newest {CALL_EVENTS_MAX} of calls and {OTHER_EVENTS_MAX} of all else.
          </Empty>
        ) : (
          <Empty title="No event fits the filter." />
        )}
      </section>
    </>
  )
}

function nounOf({ type }: EventItem): string {
  return type.split(':')[0] ?? ''
}

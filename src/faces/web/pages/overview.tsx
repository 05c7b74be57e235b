import type { ComponentChildren } from 'preact'
import { START_KINDS } from '../../../model/invocation.ts'
import type { AlertItem } from '../../../model/rest-events.ts'
import type { Peer } from '../../../model/rest.ts'
import type { InvocationList } from '../../../model/rest-invocations.ts'
import { formatBytes, formatDurationMs } from '../../../model/units.ts'
import { oneDecimal, percent, ratio } from '../../text.ts'
import { historyScope } from '../../history-scope.ts'
import { degradations, isStuck, verdict } from '../../view-model.ts'
import { useCalls, useLiveState } from '../hooks.ts'
import { busiest, perSecond, summed, timesOf } from '../history.ts'
import type { LiveState } from '../live/state.ts'
import { Alerts, useAlerts } from '../parts/alerts.tsx'
import { AmountBar, AmountLegend } from '../parts/amount-bar.tsx'
import { Chart } from '../parts/chart.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { EventList } from '../parts/event-list.tsx'
import { PeersTable } from '../parts/peers-table.tsx'
import { RangeChoice, useHistory } from '../parts/range.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { hrefOf } from '../route.ts'

const EVENTS_SHOWN = 8

/** More rows than this would push all else off the page. */
const PEERS_SHOWN = 10

const SPARKLINE_SAMPLES = 120

/** How the last calls have started changes slowly. */
const STARTS_AGE_S = 10

/** The cluster at a glance. */
export function Overview() {
  const state = useLiveState()
  const calls = useCalls(STARTS_AGE_S)
  const alerts = useAlerts()
  const { peers, stats, samples, cluster, functions } = state
  if (peers === null || stats === null || cluster === null) return <Loading what="the cluster" />
  const processes = peers.filter(({ runtime, state }) => runtime === 'process' && state !== 'gone')
  const { totals } = stats
  // Calls have a page, and would push out of sight what happens once an hour.
  const events = state.events.filter(({ type }) => !type.startsWith('invocation:'))
  const there = totals.peers.alive + totals.peers.draining
  const done = samples.map(({ donePerS }) => donePerS)
  return (
    <>
      <div class="head">
        <h1>Overview</h1>
        <Verdict state={state} alerts={alerts} />
      </div>
      <Alerts alerts={alerts ?? []} />
      {processes.length === 0 ? null : (
        <p class="note">
          <strong>No isolation:</strong> {processes.map(({ name }) => name).join(', ')} {processes.length === 1 ? 'runs' : 'run'} functions
          as plain processes, not in containers.
        </p>
      )}
      <section class="tiles" aria-label="The cluster now">
        <Tile title="Peers" value={String(there)} unit={there === peers.length ? 'all there' : `of ${peers.length} known`}>
          <p class="dim">
            {cluster.private ? 'private cluster' : 'open cluster'}, {cluster.quorum} of {cluster.voters.length} voters decide
          </p>
        </Tile>
        <Tile title="Running" value={String(totals.running)} unit={totals.running === 1 ? 'execution' : 'executions'}>
          <Sparkline
            values={done}
            max={Math.max(1, ...done)}
            slots={SPARKLINE_SAMPLES}
            label={`executions ended per second, last two minutes; now ${oneDecimal(done.at(-1) ?? 0)}`}
          />
        </Tile>
        <Tile
          title="CPU"
          value={percent(totals.used.cpus, totals.capacity.cpus)}
          unit={`${percent(totals.reserved.cpus, totals.capacity.cpus)} reserved`}
        >
          <AmountBar
            label="CPU cores of the cluster"
            used={totals.used.cpus}
            reserved={totals.reserved.cpus}
            capacity={totals.capacity.cpus}
            format={oneDecimal}
          />
        </Tile>
        <Tile
          title="Memory"
          value={percent(totals.used.memoryBytes, totals.capacity.memoryBytes)}
          unit={`${percent(totals.reserved.memoryBytes, totals.capacity.memoryBytes)} reserved`}
        >
          <AmountBar
            label="Memory of the cluster"
            used={totals.used.memoryBytes}
            reserved={totals.reserved.memoryBytes}
            capacity={totals.capacity.memoryBytes}
            format={formatBytes}
          />
        </Tile>
      </section>
      <Charts />
      <section class="card">
        <h2>
          <a href={hrefOf({ page: 'peers' })}>Peers</a>
        </h2>
        <PeersTable peers={mostNoteworthy(peers)} samples={samples} />
        <AmountLegend />
        {peers.length <= PEERS_SHOWN ? null : (
          <a class="button more" href={hrefOf({ page: 'peers' })}>
            All {peers.length} peers
          </a>
        )}
      </section>
      <div class="columns">
        <section class="card">
          <h2>
            <a href={hrefOf({ page: 'events' })}>Events</a>
          </h2>
          {events.length === 0 ? (
            <Empty title="Nothing has happened yet." />
          ) : (
            <EventList events={events.slice(0, EVENTS_SHOWN)} peers={peers} label="Newest events" />
          )}
        </section>
        <section class="card">
          <h2>Starts</h2>
          <Starts calls={calls} />
          <h2>Functions</h2>
          {functions === null || functions.length === 0 ? (
            <Empty title="No function yet.">
              <a href={hrefOf({ page: 'upload' })}>Upload the first</a>, or: <code>cares upload IMAGE NAME</code>
            </Empty>
          ) : (
            <ul class="chips">
              {functions.map(({ name, revision }) => (
                <li key={name}>
                  <a href={hrefOf({ page: 'function', name })}>
                    {name} <span class="dim">r{revision}</span>
                  </a>
                </li>
              ))}
            </ul>
          )}
        </section>
      </div>
    </>
  )
}

/** What is wrong and who orchestrates come first, then the busiest. */
function mostNoteworthy(peers: readonly Peer[]): readonly Peer[] {
  if (peers.length <= PEERS_SHOWN) return peers
  const weight = ({ state, role, used, capacity }: Peer): number =>
    (state === 'alive' ? 0 : 4) + (role === 'orchestrator' ? 2 : 0) + ratio(used.cpus, capacity.cpus)
  return peers.toSorted((a, b) => weight(b) - weight(a)).slice(0, PEERS_SHOWN)
}

function Verdict({ state: { cluster, peers, link }, alerts }: { state: LiveState; alerts: readonly AlertItem[] | undefined }) {
  // What was healthy when it was last seen may not be so now, and nothing is until the alerts are known.
  if (cluster === null || peers === null || link.state !== 'answered' || alerts === undefined) return null
  const { text, tone } = verdict(degradations(cluster, peers), alerts, { stuck: isStuck(cluster, peers) })
  return (
    <p class={`verdict ${tone}-text`} role="status">
      {capitalised(text)}
    </p>
  )
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function Tile({ title, value, unit, children }: { title: string; value: string; unit: string; children: ComponentChildren }) {
  return (
    <div class="card tile">
      <h2>{title}</h2>
      <p class="figure">
        {value} <span class="dim">{unit}</span>
      </p>
      {children}
    </div>
  )
}

function Charts() {
  const { range, choose, history } = useHistory()
  if (history === undefined) return <Loading what="the last minutes" />
  const timesS = timesOf(history)
  const failed = summed(history.peers.map(peer => peer.failed))
  const ended = summed([...history.peers.map(peer => peer.succeeded), failed])
  const slow = busiest(history, LATENCY_COLOURS.length)
  return (
    <section aria-label="Over time">
      <RangeChoice range={range} choose={choose} />
      <div class="columns">
        <Chart
          title="Executions"
          note="per second, whole cluster"
          timesS={timesS}
          spanS={range.spanS}
          lines={[
            { label: 'ended', colour: 'accent', values: perSecond(ended, history.stepMs), fill: true },
            { label: 'failed', colour: 'bad', values: perSecond(failed, history.stepMs) }
          ]}
          format={oneDecimal}
          empty="No execution has ended in this time."
        />
        <Chart
          title="Latency"
          note={`95th percentile, ${historyScope(history)}`}
          timesS={timesS}
          spanS={range.spanS}
          lines={slow.map(({ name, p95Ms }, index) => ({ label: name, colour: LATENCY_COLOURS[index] ?? '', values: p95Ms }))}
          format={formatDurationMs}
          empty="No call has ended in this time."
        />
      </div>
    </section>
  )
}

/** The functions that are called most have a line each. */
const LATENCY_COLOURS = ['accent', 'second', 'third'] as const

function Starts({ calls }: { calls: InvocationList | null }) {
  const started = (calls?.items ?? []).filter(({ start }) => start !== null)
  if (calls === null) return <Loading what="the last calls" />
  if (started.length === 0) return <Empty title="No call has been started yet." />
  const counts = START_KINDS.map(kind => ({ kind, count: started.filter(({ start }) => start === kind).length }))
  let from = 0
  return (
    <>
      <svg class="starts" width="100%" height="12" role="img" aria-label={counts.map(({ kind, count }) => `${kind} ${count}`).join(', ')}>
        {counts.map(({ kind, count }) => {
          const x = from
          from += count
          return (
            <rect
              key={kind}
              class={`start-${kind}`}
              x={`${(100 * x) / started.length}%`}
              width={`${(100 * count) / started.length}%`}
              height="12"
            />
          )
        })}
      </svg>
      <p class="legend">
        {counts.map(({ kind, count }) => (
          <span key={kind}>
            <span class={`swatch start-${kind}`} aria-hidden="true" /> {kind} <strong>{percent(count, started.length)}</strong>
          </span>
        ))}
        <span class="dim">
          of the last {started.length} calls, {historyScope(calls)}
        </span>
      </p>
    </>
  )
}

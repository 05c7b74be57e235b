import { useState } from 'preact/hooks'
import type { Invocation } from '../../../model/rest.ts'
import { percent } from '../../text.ts'
import { accuracy } from '../cost-bars.ts'
import { useCalls, useLiveState, useNowMs } from '../hooks.ts'
import { ActiveAndDone } from '../parts/active-and-done.tsx'
import { CallsTable } from '../parts/calls-table.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { hrefOf } from '../route.ts'

/** Calls that wait or run, and those that have ended: what was predicted of each beside what it took. */
export function Calls() {
  const { cluster, stats } = useLiveState()
  const calls = useCalls(1)
  const nowMs = useNowMs()
  const [filter, setFilter] = useState('')
  if (calls === null) return <Loading what="the calls" />
  const wanted = filter.trim().toLowerCase()
  const shown = calls.filter(({ id, function: name, state, worker, error }) =>
    [id, name, state, worker?.name ?? '', error?.code ?? ''].some(text => text.toLowerCase().includes(wanted))
  )
  const active = shown.filter(isActive)
  const done = shown.filter(call => !isActive(call))
  const good = accuracy(done)
  const gateway = cluster?.self.name ?? 'this peer'
  return (
    <>
      <div class="head">
        <h1>Calls</h1>
        <input
          type="search"
          placeholder="Function, worker, state or id"
          aria-label="Filter the calls"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
        <p class="dim push">
          the newest {calls.length} through {gateway}
        </p>
      </div>
      <dl class="figures card">
        <div>
          <dt>In flight</dt>
          <dd>{stats?.gateway.inFlight ?? 0}</dd>
        </div>
        <div>
          <dt>Queued</dt>
          <dd>{active.filter(({ state }) => state === 'queued').length}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>{percent(done.filter(({ state }) => state === 'failed').length, done.length)}</dd>
        </div>
        <div>
          <dt>Predictions off by</dt>
          <dd>
            {good === null ? '–' : `${Math.round(100 * good.medianError)}%`} <small class="dim">median</small>
          </dd>
        </div>
        <div>
          <dt>Within a quarter</dt>
          <dd>
            {good === null ? '–' : `${Math.round(100 * good.within25)}%`}{' '}
            <small class="dim">{good === null ? 'no call yet' : `of ${good.calls}`}</small>
          </dd>
        </div>
      </dl>
      <ActiveAndDone
        items={shown}
        isActive={isActive}
        table={(calls, label) => (
          <>
            <CallsTable calls={calls} nowMs={nowMs} label={label} />
            <VersusLegend />
          </>
        )}
        labels={{ active: 'Queued and running calls', done: 'Calls that have ended' }}
        idle="Nothing runs now."
        none={
          shown.length < calls.length ? (
            <Empty title="No call fits the filter." />
          ) : (
            <Empty title="No call has come to its end through this peer yet.">
              Pick a function <a href={hrefOf({ page: 'functions' })}>and invoke it</a>, or: <code>cares invoke NAME -d DATA</code>
            </Empty>
          )
        }
      />
    </>
  )
}

function isActive({ state }: Pick<Invocation, 'state'>): boolean {
  return state === 'queued' || state === 'running'
}

function VersusLegend() {
  return (
    <p class="legend only-wide">
      <span>
        <span class="swatch predicted" aria-hidden="true" /> predicted when it was placed
      </span>
      <span>
        <span class="swatch accent" aria-hidden="true" /> actual
      </span>
      <span>
        <span class="swatch bad" aria-hidden="true" /> failed
      </span>
    </p>
  )
}

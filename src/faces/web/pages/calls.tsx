import { useState } from 'preact/hooks'
import { percent } from '../../text.ts'
import { accuracy } from '../cost-bars.ts'
import { useCalls, useLiveState, useNowMs } from '../hooks.ts'
import { CallsTable } from '../parts/calls-table.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { hrefOf } from '../route.ts'

/** Calls that wait or run, and those that have ended: what was predicted of each beside what it took. */
export function Calls() {
  const { cluster, stats } = useLiveState()
  const calls = useCalls()
  const nowMs = useNowMs()
  const [filter, setFilter] = useState('')
  if (calls === null) return <Loading what="the calls" />
  const wanted = filter.trim().toLowerCase()
  const shown = calls.filter(({ id, function: name, state, worker, error }) =>
    [id, name, state, worker?.name ?? '', error?.code ?? ''].some(text => text.toLowerCase().includes(wanted))
  )
  const isActive = (state: string): boolean => state === 'queued' || state === 'running'
  const active = shown.filter(({ state }) => isActive(state))
  const done = shown.filter(({ state }) => !isActive(state))
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
      <section class="card">
        <h2>
          Queued and running <span class="dim">{active.length}</span>
        </h2>
        {active.length === 0 ? (
          <Empty title="Nothing runs now." />
        ) : (
          <CallsTable calls={active} nowMs={nowMs} label="Queued and running calls" />
        )}
      </section>
      <section class="card">
        <h2>
          Done <span class="dim">{done.length}</span>
        </h2>
        {done.length > 0 ? (
          <>
            <CallsTable calls={done} nowMs={nowMs} label="Calls that have ended" />
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
          </>
        ) : calls.length === 0 ? (
          <Empty title="No call has come through this peer yet.">
            Pick a function <a href={hrefOf({ page: 'functions' })}>and invoke it</a>, or: <code>cares invoke NAME -d DATA</code>
          </Empty>
        ) : (
          <Empty title="No call fits the filter." />
        )}
      </section>
    </>
  )
}

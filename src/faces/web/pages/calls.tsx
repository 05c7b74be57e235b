import { useState } from 'preact/hooks'
import type { Invocation } from '../../../model/rest-invocations.ts'
import { historyScope } from '../../history-scope.ts'
import { percent } from '../../text.ts'
import { accuracy } from '../cost-bars.ts'
import { useCalls, useNowMs } from '../hooks.ts'
import { ActiveAndDone } from '../parts/active-and-done.tsx'
import { CallsTable } from '../parts/calls-table.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { hrefOf } from '../route.ts'

/** Calls that wait or run, and those that have ended: what was predicted of each beside what it took. */
export function Calls() {
  const list = useCalls(1)
  const nowMs = useNowMs()
  const [filter, setFilter] = useState('')
  if (list === null) return <Loading what="the calls" />
  const calls = list.items
  const wanted = filter.trim().toLowerCase()
  const shown = calls.filter(({ id, function: name, state, worker, gateway, error }) =>
    [id, name, state, worker?.name ?? '', gateway.name, error?.code ?? ''].some(text => text.toLowerCase().includes(wanted))
  )
  const active = shown.filter(isActive)
  const done = shown.filter(call => !isActive(call))
  const good = accuracy(done)
  return (
    <>
      <div class="head">
        <h1>Calls</h1>
        <input
          type="search"
          placeholder="Function, peer, state or id"
          aria-label="Filter the calls"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
        <p class="dim push">
          the newest {calls.length}, {historyScope(list)}
        </p>
      </div>
      <dl class="figures card">
        <div>
          <dt>Running</dt>
          <dd>{active.filter(({ state }) => state === 'running').length}</dd>
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
            <Empty title="Nobody has called a function yet.">
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

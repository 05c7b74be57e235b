import { useState } from 'preact/hooks'
import { type CaresError, toCaresError } from '../../../model/errors.ts'
import type { FunctionItem } from '../../../model/rest.ts'
import { formatBytes, formatDurationMs } from '../../../model/units.ts'
import { contractText, placementText } from '../../function-view.ts'
import { historyScope } from '../../history-scope.ts'
import { fieldsOf } from '../function-form.ts'
import { perSecond, timesOf } from '../history.ts'
import { useAsked, useLive, useLiveState, useNowMs } from '../hooks.ts'
import { CallsTable } from '../parts/calls-table.tsx'
import { Copy } from '../parts/copy.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { Facts } from '../parts/facts.tsx'
import { FunctionForm } from '../parts/function-form.tsx'
import { InvokeBox } from '../parts/invoke-box.tsx'
import { Problem } from '../parts/problem.tsx'
import { RangeChoice, useHistory } from '../parts/range.tsx'
import { Chart } from '../parts/chart.tsx'
import { hrefOf } from '../route.ts'
import { agoText } from '../words.ts'

const CALLS_SHOWN = 15

const CALLS_EVERY_MS = 1_000

/** One function: call it, see its calls, change it. */
export function FunctionPage({ name }: { name: string }) {
  const { functions, uploads, stats } = useLiveState()
  const live = useLive()
  const ask = (options: { signal: AbortSignal }) => live.client.calls({ limit: CALLS_SHOWN, function: name, ...options })
  const calls = useAsked(`calls of ${name}`, ask, { everyMs: CALLS_EVERY_MS, isFinal: () => false }).value
  const nowMs = useNowMs()
  const [isChanging, setChanging] = useState(false)
  if (functions === null) return <Loading what="the function" />
  const fn = functions.find(fn => fn.name === name)
  if (fn === undefined) {
    return (
      <>
        <h1>{name}</h1>
        <div class="card">
          <Empty title="There is no function of this name.">
            <a href={hrefOf({ page: 'functions' })}>All functions</a>, or <a href={hrefOf({ page: 'upload' })}>upload one</a>
          </Empty>
        </div>
      </>
    )
  }
  const warm = stats?.functions.filter(fn => fn.name === name) ?? []
  return (
    <>
      <div class="head">
        <h1>{name}</h1>
        <span class="badge">revision {fn.revision}</span>
        <span class="push actions">
          {fn.contract === 'stdio' ? (
            <a class="button" href={hrefOf({ page: 'run', like: 'function', id: name })} title="Durable, and again elsewhere if it fails">
              Run as task
            </a>
          ) : null}
          <button type="button" aria-expanded={isChanging} onClick={() => setChanging(!isChanging)}>
            {isChanging ? 'Leave as it is' : 'Change'}
          </button>
          <Remove fn={fn} />
        </span>
      </div>
      <Copy text={fn.url} label="the URL" />
      {isChanging ? (
        <section class="card">
          <h2>Next revision</h2>
          <FunctionForm key={fn.revision} initial={fieldsOf(fn)} before={fn} onDone={() => setChanging(false)} />
        </section>
      ) : null}
      <div class="columns uneven">
        <InvokeBox fn={fn} />
        <section class="card">
          <h2>As it is</h2>
          <Facts
            rows={[
              ['Image', <code>{fn.image}</code>],
              ['Contract', contractText(fn)],
              ['CPU', `${fn.cpus} ${fn.cpus === 1 ? 'core' : 'cores'}`],
              ['Memory', formatBytes(fn.memoryBytes)],
              ...(fn.arch === undefined ? [] : ([['CPU type', fn.arch]] as const)),
              ...(fn.gpus === undefined ? [] : ([['GPUs', String(fn.gpus)]] as const)),
              ['Timeout', formatDurationMs(fn.timeoutMs)],
              ...(fn.contract === 'http'
                ? ([['Concurrency', String(fn.concurrency)]] as const)
                : ([['Prewarm', String(fn.prewarm)]] as const)),
              ['Network', fn.network],
              ['Placement', placementText(fn)],
              ['Retries', fn.idempotent ? 'idempotent: may be run again' : 'only while it has not started'],
              ['Environment', Object.keys(fn.env).join(' ') || 'none'],
              [
                'Warm',
                warm.length === 0
                  ? 'nothing'
                  : warm.map(({ revision, idle, busy, peers }) => `r${revision}: ${idle} idle, ${busy} busy on ${peers}`).join('; ')
              ],
              ['Digest', <code title={fn.digest}>{fn.digest.slice(0, 19)}…</code>]
            ]}
          />
          <h2>Revisions</h2>
          <Revisions fn={fn} uploads={uploads.filter(({ data }) => data.name === name)} nowMs={nowMs} />
        </section>
      </div>
      <Charts name={name} />
      <section class="card">
        <h2>Calls {calls === undefined ? null : <small class="dim">{historyScope(calls)}</small>}</h2>
        {calls === undefined ? (
          <Loading what="its calls" />
        ) : calls.items.length === 0 ? (
          <Empty title="Nobody has called it yet.">
            Invoke it above, or: <code>cares invoke {name} -d DATA</code>
          </Empty>
        ) : (
          <CallsTable calls={calls.items} nowMs={nowMs} label={`Calls of ${name}`} />
        )}
      </section>
    </>
  )
}

function Charts({ name }: { name: string }) {
  const { range, choose, history } = useHistory({ peer: 'none', fn: name })
  if (history === undefined) return <Loading what="the last minutes" />
  const time = { timesS: timesOf(history), spanS: range.spanS }
  const [own] = history.functions
  const rate = (counts: readonly number[] = []) => perSecond(counts, history.stepMs)
  return (
    <section aria-label="Over time">
      <RangeChoice range={range} choose={choose} />
      <div class="columns">
        <Chart
          title="Calls"
          note={`per second, ${historyScope(history)}`}
          {...time}
          lines={[
            { label: 'all', colour: 'accent', values: rate(own?.calls), fill: true },
            { label: 'cold', colour: 'third', values: rate(own?.cold) },
            { label: 'failed', colour: 'bad', values: rate(own?.failed) }
          ]}
          format={twoDecimals}
          empty="No call has ended in this time."
        />
        <Chart
          title="Latency"
          note={historyScope(history)}
          {...time}
          lines={[
            { label: 'p50', colour: 'accent', values: own?.p50Ms ?? [] },
            { label: 'p95', colour: 'second', values: own?.p95Ms ?? [] },
            { label: 'p99', colour: 'third', values: own?.p99Ms ?? [] }
          ]}
          format={formatDurationMs}
          empty="No call has ended in this time."
        />
      </div>
    </section>
  )
}

function twoDecimals(value: number): string {
  return value.toFixed(2).replace(/\.?0+$/, '')
}

function Revisions({
  fn,
  uploads,
  nowMs
}: {
  fn: FunctionItem
  uploads: readonly { readonly at: string; readonly data: { readonly revision: number; readonly image: string } }[]
  nowMs: number
}) {
  const earlier = uploads.filter(({ data }) => data.revision !== fn.revision)
  const rows = [
    { revision: fn.revision, image: fn.image, at: fn.updatedAt },
    ...earlier.map(({ at, data }) => ({ revision: data.revision, image: data.image, at }))
  ]
  return (
    <ol class="plain revisions">
      {rows.map(({ revision, image, at }) => (
        <li key={revision}>
          <span class="badge">r{revision}</span>
          <code class="clip" title={image}>
            {image}
          </code>
          <span class="dim push">{agoText(at, nowMs)}</span>
        </li>
      ))}
    </ol>
  )
}

function Remove({ fn }: { fn: FunctionItem }) {
  const live = useLive()
  const [isSure, setSure] = useState(false)
  const [error, setError] = useState<CaresError>()
  const remove = async (): Promise<void> => {
    try {
      await live.client.removeFunction(fn, { signal: new AbortController().signal })
      live.refresh()
      location.hash = hrefOf({ page: 'functions' })
    } catch (cause) {
      setError(toCaresError(cause))
    }
  }
  return (
    <>
      {isSure ? (
        <>
          <button type="button" class="danger" onClick={() => void remove()}>
            Really remove {fn.name}
          </button>
          <button type="button" onClick={() => setSure(false)}>
            Keep
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setSure(true)}>
          Remove
        </button>
      )}
      {error === undefined ? null : <Problem error={error} />}
    </>
  )
}

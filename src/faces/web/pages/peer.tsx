import { useState } from 'preact/hooks'
import { type CaresError, toCaresError } from '../../../model/errors.ts'
import type { Peer } from '../../../model/rest.ts'
import { formatBytes } from '../../../model/units.ts'
import { FENCED, runningText } from '../../peer-view.ts'
import { formatAge, oneDecimal } from '../../text.ts'
import { inPercent, perSecond, summed, timesOf } from '../history.ts'
import { useLive, useLiveState, useNowMs } from '../hooks.ts'
import { AmountBar, AmountLegend } from '../parts/amount-bar.tsx'
import { PeerState, RoleBadge } from '../parts/badges.tsx'
import { Chart } from '../parts/chart.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { Facts } from '../parts/facts.tsx'
import { FunctionLink } from '../parts/links.tsx'
import { Problem } from '../parts/problem.tsx'
import { RangeChoice, useHistory } from '../parts/range.tsx'

function Charts({ peer }: { peer: Peer }) {
  const { range, choose, history } = useHistory({ peer: peer.id, fn: 'none' })
  const [own] = history?.peers ?? []
  if (history === undefined || own === undefined) return <Loading what="the last minutes" />
  const time = { timesS: timesOf(history), spanS: range.spanS }
  return (
    <section aria-label="Over time">
      <RangeChoice range={range} choose={choose} />
      <div class="columns">
        <Chart
          title="CPU and memory"
          note="part of its capacity"
          {...time}
          lines={[
            { label: 'CPU', colour: 'accent', values: inPercent(own.cpusUsed, peer.capacity.cpus), fill: true },
            { label: 'memory', colour: 'second', values: inPercent(own.memoryUsedBytes, peer.capacity.memoryBytes) }
          ]}
          format={value => `${Math.round(value)}%`}
          empty="Nothing was heard of it in this time."
        />
        <Chart
          title="Executions"
          note="per second, on this peer"
          {...time}
          lines={[
            { label: 'ended', colour: 'accent', values: perSecond(summed([own.succeeded, own.failed]), history.stepMs), fill: true },
            { label: 'failed', colour: 'bad', values: perSecond(own.failed, history.stepMs) }
          ]}
          format={oneDecimal}
          empty="Nothing was heard of it in this time."
        />
      </div>
    </section>
  )
}

/** One peer: what it has, what it does, and whether it takes work. */
export function PeerPage({ id }: { id: string }) {
  const { peers } = useLiveState()
  const nowMs = useNowMs()
  if (peers === null) return <Loading what="the peer" />
  const peer = peers.find(peer => peer.id === id || peer.name === id)
  if (peer === undefined) {
    return (
      <>
        <h1>{id}</h1>
        <div class="card">
          <Empty title="No peer of this name or id is known.">
            <a href="#/peers">All peers</a>
          </Empty>
        </div>
      </>
    )
  }
  const { capacity, used, reserved } = peer
  return (
    <>
      <div class="head">
        <h1>
          {peer.name} <RoleBadge role={peer.role} />
        </h1>
        <PeerState state={peer.state} />
        <Drain peer={peer} />
      </div>
      {peer.runtime === 'process' ? (
        <p class="note">
          <strong>No isolation:</strong> this peer runs functions as plain processes, not in containers.
        </p>
      ) : null}
      <section class="card">
        <h2>Capacity</h2>
        <div class="capacity">
          <span>CPU, cores</span>
          <AmountBar label="CPU" used={used.cpus} reserved={reserved.cpus} capacity={capacity.cpus} format={oneDecimal} />
          <span>Memory</span>
          <AmountBar
            label="Memory"
            used={used.memoryBytes}
            reserved={reserved.memoryBytes}
            capacity={capacity.memoryBytes}
            format={formatBytes}
          />
          <span>Disk</span>
          <AmountBar label="Disk" used={used.diskBytes} reserved={0} capacity={capacity.diskBytes} format={formatBytes} />
        </div>
        <AmountLegend />
      </section>
      <Charts peer={peer} />
      <div class="columns">
        <section class="card">
          <h2>Warm containers</h2>
          {peer.warm.length === 0 ? (
            <Empty title="Nothing is warm here.">Functions with the http contract, and those with prewarm, stay warm after a call.</Empty>
          ) : (
            <ul class="plain">
              {peer.warm.map(pool => (
                <li key={pool.function}>
                  <FunctionLink name={pool.function.split('@')[0] ?? ''} /> <span class="dim">r{pool.function.split('@')[1]}</span>
                  <span class="push">
                    {pool.idle} idle, {pool.busy} busy
                  </span>
                </li>
              ))}
            </ul>
          )}
        </section>
        <section class="card">
          <h2>Facts</h2>
          <Facts
            rows={[
              ['Work', `${runningText(peer)}, ${peer.succeeded} succeeded, ${peer.failed} failed`],
              ['Votes', peer.fenced === true ? <span class="bad-text">{FENCED}</span> : peer.voter ? 'yes' : 'no, it learns'],
              ['Runtime', peer.runtimeReady || peer.runtime === 'none' ? peer.runtime : `${peer.runtime}: does not answer`],
              ['Images', `${peer.images} of registered functions`],
              ['CPU type', peer.arch],
              ...(peer.gpuRefusal === undefined ? [] : ([['GPUs', peer.gpuRefusal]] as const)),
              ['Price', peer.usdPerHour === 0 ? 'not stated' : `${peer.usdPerHour} USD an hour`],
              [
                'Labels',
                Object.entries(peer.labels)
                  .map(pair => pair.join('='))
                  .join(' ') || 'none'
              ],
              ['API', peer.api],
              ['Addresses', peer.addresses.join(' ')],
              ['Version', peer.version],
              ['Up for', formatAge(peer.startedAt, nowMs)],
              ['Id', peer.id]
            ]}
          />
        </section>
      </div>
    </>
  )
}

function Drain({ peer }: { peer: Peer }) {
  const live = useLive()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<CaresError>()
  if (peer.state === 'gone' || peer.state === 'suspect') return null
  const drains = peer.state !== 'draining'
  const change = async (): Promise<void> => {
    setBusy(true)
    try {
      await live.client.setDraining(peer.id, drains, { signal: new AbortController().signal })
      setError(undefined)
      live.refresh()
    } catch (cause) {
      setError(toCaresError(cause))
    } finally {
      setBusy(false)
    }
  }
  return (
    <div class="push">
      <button
        type="button"
        disabled={isBusy}
        title={drains ? 'It ends what it runs and takes no new work' : 'It takes work again'}
        onClick={() => void change()}
      >
        {drains ? 'Drain' : 'Resume'}
      </button>
      {error === undefined ? null : <Problem error={error} />}
    </div>
  )
}

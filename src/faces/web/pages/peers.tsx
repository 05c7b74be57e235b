import { useState } from 'preact/hooks'
import { useLiveState } from '../hooks.ts'
import { AmountLegend } from '../parts/amount-bar.tsx'
import { Copy } from '../parts/copy.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { PeersTable } from '../parts/peers-table.tsx'

/** What only this machine can dial. */
const LOOPBACK = /^\/(ip4\/127\.|ip6\/::1\/|dns4?\/localhost\/)/

/** Every peer of the cluster. */
export function Peers() {
  const { peers, samples, cluster } = useLiveState()
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const shown = (peers ?? []).filter(({ name, id, state, labels }) =>
    [name, id, state, ...Object.entries(labels).map(pair => pair.join('='))].some(text => text.toLowerCase().includes(wanted))
  )
  return (
    <>
      <div class="head">
        <h1>Peers</h1>
        <input
          type="search"
          placeholder="Name, state or label"
          aria-label="Filter the peers"
          value={filter}
          onInput={event => setFilter(event.currentTarget.value)}
        />
      </div>
      <section class="card">
        {peers === null ? (
          <Loading what="the peers" />
        ) : shown.length === 0 ? (
          <Empty title="No peer fits the filter." />
        ) : (
          <PeersTable peers={shown} samples={samples} />
        )}
        <AmountLegend />
      </section>
      {cluster?.id === null || cluster?.id === undefined ? null : (
        <section class="card">
          <h2>Add a peer</h2>
          <p class="dim">
            On another machine with CARES, with the id of this cluster
            {cluster.secretHidden ? ' and its secret, which is shown only on this machine or to whoever has the token' : ''}:
          </p>
          <Copy text={`CARES_BOOTSTRAP='${cluster.id}' cares peer`} label="the command" />
          {LOOPBACK.test(cluster.id) ? (
            <p class="warn-text">
              Only peers of this machine can dial this address: start this peer with <code>--listen</code> or <code>--announce</code> and an
              address of its network.
            </p>
          ) : null}
        </section>
      )}
    </>
  )
}

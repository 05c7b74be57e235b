import { useState } from 'preact/hooks'
import { useLiveState } from '../hooks.ts'
import { AmountLegend } from '../parts/amount-bar.tsx'
import { Empty, Loading } from '../parts/empty.tsx'
import { PeersTable } from '../parts/peers-table.tsx'

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
          <pre class="command">cares peer --bootstrap {cluster.id}</pre>
        </section>
      )}
    </>
  )
}

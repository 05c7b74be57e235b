import type { Peer } from '../../../model/rest.ts'
import { formatBytes } from '../../../model/units.ts'
import { oneDecimal, percent } from '../../text.ts'
import type { Sample } from '../live/samples.ts'
import { AmountBar } from './amount-bar.tsx'
import { PeerState, RoleBadge } from './badges.tsx'
import { PeerLink } from './links.tsx'
import { Sparkline } from './sparkline.tsx'

/** Two minutes: what a row has room for. */
const SPARKLINE_SAMPLES = 120

/** Peers with what they use, have promised and have done. */
export function PeersTable({ peers, samples }: { peers: readonly Peer[]; samples: readonly Sample[] }) {
  const history = samples.slice(-SPARKLINE_SAMPLES)
  return (
    <div class="table-box">
      <table class="peers" aria-label="Peers">
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">State</th>
            <th scope="col">CPU, cores</th>
            <th scope="col">Memory</th>
            <th scope="col" class="wide">
              CPU, 2 min
            </th>
            <th scope="col" class="number">
              Running
            </th>
            <th scope="col" class="number wide">
              Done
            </th>
            <th scope="col" class="number wide">
              Succeeded
            </th>
          </tr>
        </thead>
        <tbody>
          {peers.map(peer => (
            <PeerRow key={peer.id} peer={peer} history={history} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function PeerRow({ peer, history }: { peer: Peer; history: readonly Sample[] }) {
  const { capacity, used, reserved, succeeded, failed } = peer
  const cpu = history.flatMap(({ peers }) => peers.get(peer.id)?.cpu ?? [])
  return (
    <tr class={peer.state === 'gone' ? 'gone' : ''}>
      <th scope="row">
        <PeerLink peer={peer} /> <RoleBadge role={peer.role} />
        {peer.runtime === 'none' ? <span class="badge">no work</span> : null}
      </th>
      <td>
        <PeerState state={peer.state} />
      </td>
      {peer.state === 'gone' ? (
        <td colSpan={2} class="dim">
          not heard any more
        </td>
      ) : (
        <>
          <td class="amount-cell">
            <AmountBar
              label={`CPU of ${peer.name}`}
              used={used.cpus}
              reserved={reserved.cpus}
              capacity={capacity.cpus}
              format={oneDecimal}
            />
          </td>
          <td class="amount-cell">
            <AmountBar
              label={`Memory of ${peer.name}`}
              used={used.memoryBytes}
              reserved={reserved.memoryBytes}
              capacity={capacity.memoryBytes}
              format={formatBytes}
            />
          </td>
        </>
      )}
      <td class="wide spark-cell">
        <Sparkline values={cpu} max={1} slots={SPARKLINE_SAMPLES} label={`CPU of ${peer.name}, last two minutes`} />
      </td>
      <td class="number">{peer.running}</td>
      <td class="number wide">{succeeded + failed}</td>
      <td class="number wide">{percent(succeeded, succeeded + failed)}</td>
    </tr>
  )
}

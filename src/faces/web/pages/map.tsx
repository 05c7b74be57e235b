import { formatDurationMs } from '../../../model/units.ts'
import { oneDecimal, percent, ratio } from '../../text.ts'
import { useLiveState } from '../hooks.ts'
import { flows, layOut, type MapNode } from '../map-layout.ts'
import { PeerState, RoleBadge } from '../parts/badges.tsx'
import { Loading } from '../parts/empty.tsx'
import { PeerLink } from '../parts/links.tsx'
import { hrefOf } from '../route.ts'

/** Who orchestrates, who votes, who sends work to whom, as it happens. */
export function ClusterMap() {
  const { peers, cluster, samples } = useLiveState()
  if (peers === null || cluster === null) return <Loading what="the cluster" />
  const { orchestrator, self } = cluster
  const nodes = layOut(peers, orchestrator?.id)
  const placeOf = new Map(nodes.map(node => [node.peer.id, node]))
  const work = flows(samples, orchestrator?.id ?? self.id)
  const centre = orchestrator === null ? undefined : placeOf.get(orchestrator.id)
  const perS = new Map(work.map(flow => [flow.to, flow.perS]))
  return (
    <>
      <div class="head">
        <h1>Map</h1>
        <p class="dim">
          {orchestrator === null
            ? `No orchestrator: ${cluster.reason === '' ? 'one is being elected' : cluster.reason}. Each peer places the calls that come to it.`
            : `${orchestrator.name} orchestrates since term ${cluster.term}.`}
        </p>
      </div>
      <div class="columns uneven">
        <section class="card map-card">
          <svg
            class="map"
            viewBox="-150 -96 300 200"
            role="img"
            aria-label={`Map of ${peers.length} peers; the table beside it says the same`}
          >
            {centre === undefined ? (
              <text class="nobody" y="2">
                no orchestrator
              </text>
            ) : (
              nodes
                .filter(node => node !== centre && node.peer.state !== 'gone')
                .map(node => (
                  <line
                    key={node.peer.id}
                    class={node.peer.voter ? 'spoke voter' : 'spoke'}
                    x1={centre.x}
                    y1={centre.y}
                    x2={node.x}
                    y2={node.y}
                  />
                ))
            )}
            {work.map(({ from, to, perS }) => {
              const [start, end] = [placeOf.get(from), placeOf.get(to)]
              if (start === undefined || end === undefined) return null
              return (
                <line
                  key={to}
                  class="flow"
                  x1={start.x}
                  y1={start.y}
                  x2={end.x}
                  y2={end.y}
                  stroke-width={Math.min(4, 1 + Math.log2(1 + perS) / 2)}
                >
                  <title>{`${start.peer.name} to ${end.peer.name}: ${oneDecimal(perS)} executions a second`}</title>
                </line>
              )
            })}
            {nodes.map(node => (
              <Node key={node.peer.id} node={node} isSelf={node.peer.id === self.id} labelled={nodes.length <= LABELS_MAX} />
            ))}
          </svg>
          <p class="legend">
            <span>
              <span class="swatch accent" aria-hidden="true" /> work, live
            </span>
            <span>
              <span class="line-swatch solid" aria-hidden="true" /> voter
            </span>
            <span>
              <span class="line-swatch" aria-hidden="true" /> learner
            </span>
            <span>disc filled by CPU in use</span>
          </p>
        </section>
        <section class="card">
          <h2>Who does what</h2>
          <div class="table-box">
            <table aria-label="Peers on the map">
              <thead>
                <tr>
                  <th scope="col">Peer</th>
                  <th scope="col">State</th>
                  <th scope="col">Log</th>
                  <th scope="col" class="number">
                    Work/s
                  </th>
                  <th scope="col" class="number">
                    Heard
                  </th>
                </tr>
              </thead>
              <tbody>
                {nodes.map(({ peer }) => (
                  <tr key={peer.id}>
                    <th scope="row">
                      <PeerLink peer={peer} /> <RoleBadge role={peer.role} />
                      {peer.id === self.id ? <span class="badge">this page</span> : null}
                    </th>
                    <td>
                      <PeerState state={peer.state} />
                    </td>
                    <td>{peer.fenced === true ? <span class="bad-text">no part</span> : peer.voter ? 'votes' : 'learns'}</td>
                    <td class="number">{oneDecimal(perS.get(peer.id) ?? samples.at(-1)?.peers.get(peer.id)?.donePerS ?? 0)}</td>
                    <td class="number">{formatDurationMs(peer.ageMs)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      </div>
    </>
  )
}

/** More names than this around the ring would lie on each other; the table has them all. */
const LABELS_MAX = 24

function Node({ node: { peer, x, y, radius }, isSelf, labelled }: { node: MapNode; isSelf: boolean; labelled: boolean }) {
  const cpu = ratio(peer.used.cpus, peer.capacity.cpus)
  const words = `${peer.name}, ${peer.role}, ${peer.state}, CPU ${percent(peer.used.cpus, peer.capacity.cpus)}, ${peer.running} running`
  return (
    <a href={hrefOf({ page: 'peer', id: peer.id })} aria-label={words} class={`node ${peer.state} ${peer.role}`}>
      <title>{words}</title>
      {isSelf ? <circle class="self" cx={x} cy={y} r={radius + 3} /> : null}
      <circle class="disc" cx={x} cy={y} r={radius} />
      <circle class="load" cx={x} cy={y} r={radius * Math.sqrt(Math.min(1, cpu))} />
      <circle class="rim" cx={x} cy={y} r={radius} />
      {labelled ? (
        <text x={x} y={y + radius + 9}>
          {peer.name}
        </text>
      ) : null}
    </a>
  )
}

import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { type Cluster, json } from '../e2e/cluster.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'

/** What a peer says of its cluster. */
export async function stateOf(peer: PeerProcess): Promise<ClusterState> {
  return await json<ClusterState>(peer, '/v1/cluster')
}

/** Waits until the cluster has so many voters, so that it survives a death; returns the orchestrator. */
export async function voters(cluster: Cluster, count: number): Promise<PeerProcess> {
  await eventually(`${count} voters`, async () => {
    const states = await Promise.all(cluster.alive.map(stateOf))
    return states.every(({ voters: seen }) => seen.length === count) ? true : undefined
  })
  return await cluster.settled()
}

/** Waits until `peer` follows an orchestrator that is not `not`; returns the orchestrator's id. */
export async function otherOrchestrator(peer: PeerProcess, not: PeerProcess): Promise<string> {
  return await eventually('another orchestrator', async () => {
    const { orchestrator } = await stateOf(peer)
    return orchestrator === null || orchestrator.id === not.id ? undefined : orchestrator.id
  })
}

import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { Persisted, Store } from '../../model/ports/store.ts'

/**
 * Makes a peer with an empty data directory the first member, and only voter, of a new cluster; leaves any other as it is. The founding
 * configuration stands before the log's first entry, so that it needs no election.
 */
export async function foundCluster(
  store: Store,
  persisted: Persisted,
  { self, uid }: { self: PeerId; uid: ClusterUid }
): Promise<Persisted> {
  if (persisted.cluster !== null) return persisted
  const snapshot = { index: 0, term: 0, configuration: { voters: [self], learners: [] } }
  await store.compact(snapshot)
  // Last: without it, a peer that dies here founds its cluster anew.
  await store.setCluster(uid)
  return { ...persisted, cluster: uid, snapshot }
}

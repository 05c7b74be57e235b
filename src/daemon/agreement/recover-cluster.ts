import { configurationAt, createLog, lastIndex, lastTerm } from '../../core/consensus/log.ts'
import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { Persisted, Store } from '../../model/ports/store.ts'
import type { RecoveryAssessment } from '../../model/recovery.ts'

/** What the disk of a stopped peer tells, to be compared with those of other survivors. `cluster`: as in `persisted`, which must be in one. */
export function assessRecovery(
  persisted: Persisted,
  { data, peer, cluster }: { data: string; peer: PeerId; cluster: ClusterUid }
): RecoveryAssessment {
  const log = createLog(persisted.snapshot, persisted.entries)
  const { voters, learners } = configurationAt(log, lastIndex(log))
  return {
    data,
    peer,
    cluster,
    term: persisted.hardState.term,
    voters,
    learners,
    lastTerm: lastTerm(log),
    lastIndex: lastIndex(log),
    appliedIndex: persisted.appliedIndex,
    functions: persisted.tables.functions.size
  }
}

/**
 * Has a peer go on alone, when a majority of the voters is lost for good: it becomes the one voter of its log, in a later term, so that at its
 * next start it elects itself and agrees to all that it holds. The cluster gets another uid: peers of the old one, should they come back after
 * all, are strangers then, and cannot lead or join this one with what they hold.
 */
export async function recoverCluster(store: Store, persisted: Persisted, { self, uid }: { self: PeerId; uid: ClusterUid }): Promise<void> {
  const log = createLog(persisted.snapshot, persisted.entries)
  const term = persisted.hardState.term + 1
  await store.persist({
    hardState: { term, votedFor: self },
    append: [{ index: lastIndex(log) + 1, term, kind: 'configuration', configuration: { voters: [self], learners: [] } }]
  })
  await store.setAddresses([])
  // Last: until then, the same command again makes up for a crash in between.
  await store.setCluster(uid)
}

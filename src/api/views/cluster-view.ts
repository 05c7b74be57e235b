import type { Cluster } from '../../model/rest.ts'
import type { ClusterStatus } from '../../model/service.ts'
import type { PeerRef } from './names.ts'

/** How the cluster stands. The secret is the part of its id after the `#`. */
export function clusterView(status: ClusterStatus, { name, showSecret }: { name: (id: string) => PeerRef; showSecret: boolean }): Cluster {
  const bare = status.id?.split('#', 1)[0] ?? null
  const id = showSecret ? status.id : bare
  return {
    id,
    secretHidden: id !== status.id,
    uid: status.uid,
    private: status.private,
    self: name(status.self),
    orchestrator: status.orchestrator === null ? null : { ...status.orchestrator },
    reason: status.reason,
    term: status.term,
    voters: status.voters,
    learners: status.learners,
    ...(status.names === undefined ? {} : { names: status.names }),
    quorum: status.quorum,
    faultTolerance: status.faultTolerance,
    lastIndex: status.lastIndex,
    commitIndex: status.commitIndex,
    appliedIndex: status.appliedIndex,
    commandVersion: status.commandVersion,
    ...(status.lag === undefined ? {} : { lag: status.lag }),
    strategy: status.strategy,
    fenced: status.fenced
  }
}

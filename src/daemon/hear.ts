import type { ClusterUid } from '../model/ids.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { Consensus } from './agreement/consensus.ts'
import type { StateCheck } from './agreement/state-check.ts'
import type { Placer } from './calls/placer.ts'
import type { Members } from './members/members.ts'

export interface HearComponents {
  readonly transport: Transport
  readonly consensus: Consensus
  readonly members: Members
  readonly stateCheck: StateCheck
  readonly placer: Pick<Placer, 'hearOutside'>
  readonly cluster: () => ClusterUid | null
}

/** Passes on what other peers say unasked, and which of them are connected, until the signal aborts. */
export function hear(
  { transport, consensus, members, stateCheck, placer, cluster }: HearComponents,
  { signal }: { signal: AbortSignal }
): void {
  transport.on('consensus', (from, message) => consensus.receive(from, message), { signal })
  transport.on(
    'heartbeat',
    (from, heartbeat, via) => {
      members.heard(from, heartbeat, via)
      if (heartbeat.cluster === cluster() && !members.isOutdated(heartbeat.profile)) stateCheck.heard(from, heartbeat)
    },
    { signal }
  )
  transport.on(
    'digest',
    (from, digest) => {
      if (members.heardDigest(from, digest)) placer.hearOutside(digest.peers)
    },
    { signal }
  )
  transport.on('connected', peer => members.connectionChanged(peer, true), { signal })
  transport.on(
    'disconnected',
    peer => {
      consensus.disconnected(peer)
      members.connectionChanged(peer, false)
    },
    { signal }
  )
}

import type { ConsensusMessage } from '../../model/consensus.ts'
import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { isIntact } from './outgoing-snapshots.ts'

export interface ConsensusMailComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly cluster: () => ClusterUid | null
}

/** What consensus sends and hears: every message names its cluster, and what should not have come is dropped. */
export class ConsensusMail {
  readonly #components: ConsensusMailComponents
  readonly #heardAtMs = new Map<PeerId, number>()

  constructor(components: ConsensusMailComponents) {
    this.#components = components
  }

  /** Best effort. */
  send(to: PeerId, message: ConsensusMessage): void {
    const { transport, cluster } = this.#components
    const own = cluster()
    transport.sendConsensus(to, own === null ? message : { ...message, cluster: own })
  }

  /** Whether a message is one to act on. */
  accepts(from: PeerId, message: ConsensusMessage): boolean {
    const { clock, log, cluster } = this.#components
    // Peers of a cluster that was lost, and went on elsewhere as another one, may still know this peer as one of theirs.
    const own = cluster()
    if (own !== null && message.cluster !== undefined && message.cluster !== own) return false
    this.#heardAtMs.set(from, clock.nowMs())
    if (message.type !== 'snapshot-request' || isIntact(message)) return true
    log.warn({ peer: from, index: message.snapshot.index, offset: message.offset }, 'damaged part of a snapshot dropped')
    return false
  }

  /** Milliseconds since the last message of a peer; Infinity for one never heard. */
  silentMs(peer: PeerId): number {
    const heardAtMs = this.#heardAtMs.get(peer)
    return heardAtMs === undefined ? Number.POSITIVE_INFINITY : this.#components.clock.nowMs() - heardAtMs
  }
}

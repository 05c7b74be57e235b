import { COMMAND_VERSION } from '../../core/registry/command-version.ts'
import type { ConsensusMessage, SnapshotChunk } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'
import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { snapshotVersion } from '../../model/snapshot-format.ts'
import { isIntact } from './outgoing-snapshots.ts'
import type { SnapshotHealth } from './snapshot-health.ts'

/** Shortest time between two log lines about a snapshot that this peer cannot read, which its leader offers several times a second. */
const TELL_EVERY_MS = 60_000

export interface ConsensusMailComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly cluster: () => ClusterUid | null
  readonly snapshotHealth?: Pick<SnapshotHealth, 'note'> | undefined
}

/** Sends and checks the messages of consensus: each names its cluster, and those of other clusters, or that cannot be read, are dropped. */
export class ConsensusMail {
  readonly #components: ConsensusMailComponents
  readonly #heardAtMs = new Map<PeerId, number>()
  #toldAtMs = Number.NEGATIVE_INFINITY

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
    if (message.type !== 'snapshot-request') return true
    if (isIntact(message)) return this.#isReadable(from, message)
    log.warn({ peer: from, index: message.snapshot.index, offset: message.offset }, 'damaged part of a snapshot dropped')
    return false
  }

  /** A snapshot of a newer version is not taken at all: this peer waits for its upgrade. */
  #isReadable(from: PeerId, { offset, data }: SnapshotChunk): boolean {
    const version = offset === 0 ? snapshotVersion(data) : undefined
    if (version === undefined) return true
    const { clock, log, snapshotHealth } = this.#components
    const failure = version <= COMMAND_VERSION ? null : tooNew(version)
    snapshotHealth?.note('read', failure)
    if (failure === null) return true
    if (clock.nowMs() - this.#toldAtMs < TELL_EVERY_MS) return false
    this.#toldAtMs = clock.nowMs()
    log.error({ peer: from, version, reads: COMMAND_VERSION }, failure.message)
    return false
  }

  /** Milliseconds since the last message of a peer; Infinity for one never heard. */
  silentMs(peer: PeerId): number {
    const heardAtMs = this.#heardAtMs.get(peer)
    return heardAtMs === undefined ? Number.POSITIVE_INFINITY : this.#components.clock.nowMs() - heardAtMs
  }
}

function tooNew(version: number): CaresError {
  return new CaresError('incompatible', `the snapshot of the cluster has the newer version ${version}: upgrade this peer`)
}

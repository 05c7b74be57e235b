import type { Strategy } from '../core/scheduler/strategy.ts'
import type { AlertThresholds } from '../model/alerts.ts'
import type { Command, CommandCodec } from '../model/command.ts'
import type { InvocationId, PeerId, Session } from '../model/ids.ts'
import type { PeerProfile } from '../model/peer.ts'
import type { AlertSink } from '../model/ports/alert-sink.ts'
import type { BlobStore } from '../model/ports/blob-store.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ImageDirectory } from '../model/ports/image-directory.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ObservationStore } from '../model/ports/observation-store.ts'
import type { Host, Runtime } from '../model/ports/runtime.ts'
import type { Spool } from '../model/ports/spool.ts'
import type { Persisted, Store } from '../model/ports/store.ts'
import type { Tcp } from '../model/ports/tcp.ts'
import type { TaskStore } from '../model/ports/task-store.ts'
import type { Tracer } from '../model/ports/tracer.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { Timings } from '../model/presets.ts'
import type { Random } from '../model/random.ts'
import type { Seed } from './agreement/joining.ts'

/** What a peer is, and was when it last stopped. */
export interface DaemonInit {
  readonly self: PeerId
  readonly session: Session
  readonly persisted: Persisted
  readonly timings: Timings
  readonly strategy: Strategy
  readonly private: boolean
  /** Thresholds of alerts that are not the usual ones. */
  readonly alerts?: AlertThresholds | undefined
}

/** The ports, and what only the composition root knows. */
export interface DaemonComponents {
  readonly store: Store
  readonly transport: Transport
  readonly host: Host
  readonly runtime: Runtime | null
  /** Where tasks are kept. @default the replicated log */
  readonly taskStore?: TaskStore | undefined
  /** Room for large inputs and results of tasks. Absent: there are only small ones. */
  readonly blobs?: BlobStore | undefined
  /** Where connections to published services come in, and go on to their programs. Absent: they do not. */
  readonly tcp?: Tcp | undefined
  /** Room for images on their way. Absent: images do not travel. */
  readonly spool?: Spool | undefined
  /** Who has which image, beyond what the peers' statistics say. @default nobody is asked */
  readonly directory?: ImageDirectory | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Where observations outlive the process. Absent: they do not. */
  readonly observations?: ObservationStore | undefined
  readonly random: Random
  readonly codec: CommandCodec
  /** What a peer must read to read a command. @default that of the registry: another one is for tests of what becomes of versions */
  readonly versionOf?: ((command: Command) => number) | undefined
  readonly seeds: readonly Seed[]
  readonly profile: () => PeerProfile
  readonly clusterId: () => string | null
  readonly newInvocationId: () => InvocationId
  /** Who is told of alerts. @default nobody */
  readonly alertSink?: AlertSink | undefined
  /** Who is told what is done for each call. @default nobody */
  readonly tracer?: Tracer | undefined
}

import type { Command, CommandCodec } from '../../model/command.ts'
import type { Configuration, ConsensusRole } from '../../model/consensus.ts'
import type { CaresError } from '../../model/errors.ts'
import type { ClusterUid, PeerId, Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Applied, Persisted, RegistryTables, Store } from '../../model/ports/store.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Timings } from '../../model/presets.ts'
import type { Random } from '../../model/random.ts'
import type { SnapshotHealth } from './snapshot-health.ts'

/** When the log is cut, and in which pieces its snapshots travel. */
export interface LogRetention {
  /** Entries kept behind the applied index. Higher: peers that were away for longer need no snapshot. Lower: less memory and disk. */
  readonly trailingEntries: number
  /**
   * Bytes of them, beyond which fewer are kept; up to twice as many until they are cut. All are in memory. The default holds some 4,000 small tasks, seconds
   * of full load: a peer that was away for longer takes the tables, compressed, which are less by then.
   */
  readonly trailingBytes: number
  /** Cutting waits for so many entries more: it costs a transaction. */
  readonly compactEveryEntries: number
  /** As much as one append carries by default: 40 ms on a link of 100 Mbit/s, so that the heartbeat behind it is not late. */
  readonly chunkBytes: number
}

/** The defaults of production. */
export const RETENTION: LogRetention = {
  trailingEntries: 10_000,
  trailingBytes: 8_388_608,
  compactEveryEntries: 2_000,
  chunkBytes: 524_288
}

/** What a peer's consensus starts from. */
export interface ConsensusInit {
  readonly self: PeerId
  readonly timings: Timings
  readonly persisted: Persisted
  /** Neither votes nor campaigns until `release`. @default false */
  readonly isHeld?: boolean
  /** 0 to 4: how much later than others this peer campaigns. @default 0 */
  readonly rankSlot?: number
  /** In place of some of the defaults. */
  readonly retention?: Partial<LogRetention>
}

/** What it needs around it. */
export interface ConsensusComponents {
  readonly store: Store
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly codec: CommandCodec
  /** What a peer must read to read a command. @default that of the registry */
  readonly versionOf?: ((command: Command) => number) | undefined
  /** Why a command of a version that the log does not have yet may not come into it now; null when it may. @default it always may */
  readonly newVersionRefusal?: ((version: number) => CaresError | null) | undefined
  /** This peer's cluster; null while it is in none. */
  readonly cluster: () => ClusterUid | null
  readonly listener: ConsensusListener
  /** Told when a snapshot cannot be made or read, and when that is over. @default nobody is */
  readonly snapshotHealth?: Pick<SnapshotHealth, 'note'> | undefined
}

/** A peer's own part in the cluster. */
export interface ConsensusRoleNow {
  readonly role: ConsensusRole
  /** Whom to ask; null while nobody is known. */
  readonly leader: PeerId | null
  readonly term: Term
  /** This peer leads, and its own first entry is applied: it may decide. */
  readonly active: boolean
}

/** What the rest of the peer hears of consensus. Called between steps; must not throw. */
export interface ConsensusListener {
  onRole(role: ConsensusRoleNow): void
  onConfiguration(configuration: Configuration): void
  onTables(tables: RegistryTables, applied: readonly Applied[]): void
  /** This peer takes no part any more; the reason says why. */
  onFenced(reason: CaresError): void
}

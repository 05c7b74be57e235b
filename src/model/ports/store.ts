import type { Command, Outcome, Remembered } from '../command.ts'
import type { Entry, HardState, SnapshotChunk, SnapshotMeta, StagedSnapshot } from '../consensus.ts'
import type { PeerAddress } from '../control.ts'
import type { FunctionRecord } from '../function.ts'
import type { ClusterUid, PeerId, Session } from '../ids.ts'
import type { AgreedStrategy } from '../placement.ts'
import type { TaskTables } from '../task.ts'
import type { Startable } from './startable.ts'

/** What the log has amounted to so far: the tables that every peer holds. Immutable to its readers. */
export interface RegistryTables {
  readonly functions: ReadonlyMap<string, FunctionRecord>
  /** The last revision of names that were removed, so that a name never goes back in revision. */
  readonly removed: ReadonlyMap<string, number>
  /** Peers that are asked to take no new work. */
  readonly draining: ReadonlySet<string>
  /** Absent: each peer places by the strategy that it was started with. */
  readonly strategy?: AgreedStrategy | undefined
  readonly tasks: TaskTables
  /** What came of the latest commands that have an id, by that, the oldest first. */
  readonly remembered: ReadonlyMap<string, Remembered>
  /** The newest version of the commands that made them: what a peer must read to hold them. Absent: 1. See `core/registry/command-version.ts`. */
  readonly commandVersion?: number | undefined
}

/** Everything a peer finds again after a restart. */
export interface Persisted {
  /** Absent in a new data directory. */
  readonly cluster: ClusterUid | null
  /** This start's number, already on disk. */
  readonly session: Session
  readonly hardState: HardState
  /** What the tables held when the log was last cut. Index 0, term 0 and an empty configuration at first. */
  readonly snapshot: SnapshotMeta
  /** From `snapshot.index + 1` on, without gaps. */
  readonly entries: readonly Entry[]
  readonly tables: RegistryTables
  /** The tables include the log up to here; at least `snapshot.index`. */
  readonly appliedIndex: number
  /** What has arrived of a snapshot that was not complete yet; null when there is none, or what there was is damaged. */
  readonly staged: StagedSnapshot | null
  /** Where peers were last reached. */
  readonly addresses: readonly PeerAddress[]
}

/** What one step of consensus wants on disk, in one transaction, before anything of it is sent. */
export interface PersistBatch {
  readonly hardState?: HardState | undefined
  /** Entries from here on are replaced. */
  readonly truncateFrom?: number | undefined
  readonly append: readonly Entry[]
}

/** One committed command, with what it did: both were computed by `core/registry`. */
export interface Applied {
  readonly index: number
  readonly command: Command
  readonly outcome: Outcome
}

/**
 * The disk of one peer. Every promise has reached the disk (fsync) when it resolves. A failing disk rejects with `disk_failed`, and the peer
 * must then stop taking part.
 */
export interface Store extends Startable {
  /** Reads all, and takes the next session number. Call once, after start. Throws `conflict` when another process uses the directory. */
  load(): Promise<Persisted>
  setCluster(cluster: ClusterUid): Promise<void>
  persist(batch: PersistBatch): Promise<void>
  /**
   * Takes over what the tables have become. They are written later, together with what becomes of them until then: by `flush`, `compact` or `stop`. A
   * crash before that takes them back to what was written, and loses nothing: the entries that made them are in the log, and are applied again.
   */
  apply(applied: readonly Applied[], tables: RegistryTables, appliedIndex: number): void
  /** Writes the tables' changes and the applied index in one transaction, if there are any. */
  flush(): Promise<void>
  /** The tables as of `appliedIndex`, in a form that `restore` takes on another peer, with the CRC-32 of `data`. */
  snapshot(): Promise<{ index: number; data: Uint8Array; checksum: number }>
  /** Keeps a part of a snapshot from the leader. It must follow what is kept already, or start another snapshot at offset 0. */
  stage(chunk: SnapshotChunk): Promise<void>
  /**
   * Replaces tables and log by the snapshot whose parts are staged, and forgets the parts. Throws `protocol` when they cannot be read: then
   * only the parts are forgotten.
   */
  restore(snapshot: SnapshotMeta): Promise<RegistryTables>
  /** Forgets entries up to `snapshot.index`, which the tables must include; writes the tables with that. */
  compact(snapshot: SnapshotMeta): Promise<void>
  setAddresses(addresses: readonly PeerAddress[]): Promise<void>
  /** Forgets the cluster (log, tables, term), after the peer has left it. The identity stays. */
  reset(): Promise<void>
}

/** Which peer's key and files these are. */
export interface Identity {
  readonly id: PeerId
  /** libp2p's protobuf form of the ed25519 private key. */
  readonly privateKey: Uint8Array
}

import { firstBatch } from '../../core/consensus/configuration.ts'
import type { Configuration, Entry, HardState, SnapshotChunk, SnapshotMeta, StagedSnapshot } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
import { Violation } from '../violation.ts'
import { decodeMachine, EMPTY_MACHINE, type Machine } from './machine.ts'

/** What is on one peer's disk: all that it finds again after a crash. */
export interface DiskImage {
  hardState: HardState
  snapshot: SnapshotMeta
  entries: Entry[]
  /** The state as of `snapshot`. */
  snapshotMachine: Machine
  /** The tables, as of the last apply that was written. */
  machine: Machine
  /** Parts of a snapshot that has not arrived in whole. */
  staged: { readonly chunk: SnapshotChunk; readonly bytes: readonly number[] } | null
}

/** A disk of a peer in a cluster whose configuration is agreed from the start; an empty one waits to be added. */
export function createImage(configuration: Configuration): DiskImage {
  return {
    hardState: { term: 0, votedFor: null },
    snapshot: { index: 0, term: 0, configuration },
    entries: [],
    snapshotMachine: EMPTY_MACHINE,
    machine: EMPTY_MACHINE,
    staged: null
  }
}

/** The disk of the peer that creates a cluster. */
export function createFirstImage(self: PeerId): DiskImage {
  const image = createImage({ voters: [], learners: [] })
  writeBatch(image, firstBatch(self))
  return image
}

/** Writes what one step wants on disk: the entries from `truncateFrom` on go, and the new ones come after those that are left. */
export function writeBatch(image: DiskImage, { hardState, truncateFrom, append }: PersistBatch): void {
  if (hardState !== undefined) image.hardState = hardState
  if (truncateFrom !== undefined) image.entries.length = Math.max(0, truncateFrom - image.snapshot.index - 1)
  for (const entry of append) image.entries.push(entry)
}

/** One more part of a snapshot; the first part of another one takes the place of what was there. */
export function writeStage(image: DiskImage, chunk: SnapshotChunk): void {
  const kept = chunk.offset === 0 ? [] : (image.staged?.bytes ?? [])
  if (kept.length !== chunk.offset) throw new Violation(`a part of a snapshot from ${chunk.offset} on is staged after ${kept.length} bytes`)
  image.staged = { chunk, bytes: [...kept, ...chunk.data] }
}

/** What a peer is told of {@link DiskImage.staged} when it starts. */
export function stagedOf({ staged }: DiskImage): StagedSnapshot | null {
  if (staged === null) return null
  const { snapshot, bytes, checksum } = staged.chunk
  return { offer: { snapshot, bytes, checksum }, received: staged.bytes.length }
}

/** Tables and log become those of the staged snapshot. */
export function writeRestore(image: DiskImage, snapshot: SnapshotMeta): void {
  const { chunk, bytes } = image.staged ?? {}
  if (chunk?.snapshot.index !== snapshot.index || bytes?.length !== chunk.bytes) {
    throw new Violation(`the snapshot of ${snapshot.index} is restored from ${bytes?.length} bytes of that of ${chunk?.snapshot.index}`)
  }
  image.snapshot = snapshot
  image.entries = []
  image.snapshotMachine = decodeMachine(Uint8Array.from(bytes))
  image.machine = image.snapshotMachine
  image.staged = null
}

/** Forgets the entries that `snapshot` stands for; `machine` is the state as of its index. */
export function writeCompact(image: DiskImage, snapshot: SnapshotMeta, machine: Machine): void {
  image.entries.splice(0, snapshot.index - image.snapshot.index)
  image.snapshot = snapshot
  image.snapshotMachine = machine
}

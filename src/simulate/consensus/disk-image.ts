import { firstBatch } from '../../core/consensus/configuration.ts'
import type { Configuration, Entry, HardState, SnapshotMeta } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
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
}

/** A disk of a peer in a cluster whose configuration is agreed from the start; an empty one waits to be added. */
export function createImage(configuration: Configuration): DiskImage {
  return {
    hardState: { term: 0, votedFor: null },
    snapshot: { index: 0, term: 0, configuration },
    entries: [],
    snapshotMachine: EMPTY_MACHINE,
    machine: EMPTY_MACHINE
  }
}

/** The disk of the peer that creates a cluster. */
export function createFirstImage(self: PeerId): DiskImage {
  const image = createImage({ voters: [], learners: [] })
  writeBatch(image, firstBatch(self))
  return image
}

export function writeBatch(image: DiskImage, { hardState, truncateFrom, append }: PersistBatch): void {
  if (hardState !== undefined) image.hardState = hardState
  if (truncateFrom !== undefined) image.entries.length = Math.max(0, truncateFrom - image.snapshot.index - 1)
  for (const entry of append) image.entries.push(entry)
}

/** Tables and log become those of a snapshot. */
export function writeRestore(image: DiskImage, snapshot: SnapshotMeta, data: Uint8Array): void {
  image.snapshot = snapshot
  image.entries = []
  image.snapshotMachine = decodeMachine(data)
  image.machine = image.snapshotMachine
}

/** Forgets the entries that `snapshot` stands for; `machine` is the state as of its index. */
export function writeCompact(image: DiskImage, snapshot: SnapshotMeta, machine: Machine): void {
  image.entries.splice(0, snapshot.index - image.snapshot.index)
  image.snapshot = snapshot
  image.snapshotMachine = machine
}

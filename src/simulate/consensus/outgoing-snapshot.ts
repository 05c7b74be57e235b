import type { SnapshotPosition } from '../../core/consensus/effects.ts'
import { describeSnapshot, type RaftState } from '../../core/consensus/state.ts'
import type { SnapshotChunk, SnapshotOffer } from '../../model/consensus.ts'
import { encodeMachine, type Machine } from './machine.ts'

/** What `OutgoingSnapshots` of the daemon does, in a world where nothing waits: one snapshot, kept while the log goes on behind it. */
export class OutgoingSnapshot {
  readonly #chunkBytes: number
  #taken: { readonly offer: SnapshotOffer; readonly data: Uint8Array } | undefined

  /** `chunkBytes`: of one message. */
  constructor({ chunkBytes }: { chunkBytes: number }) {
    this.#chunkBytes = chunkBytes
  }

  /** The chunk at `at`, else the first of another snapshot; undefined when the log cannot describe one now. */
  chunk(state: RaftState, machine: Machine, at: SnapshotPosition | null): SnapshotChunk | undefined {
    if (this.#taken === undefined || this.#taken.offer.snapshot.index < state.log.snapshot.index) {
      const snapshot = describeSnapshot(state, machine.appliedIndex)
      const data = encodeMachine(machine)
      this.#taken = snapshot === undefined ? undefined : { offer: { snapshot, bytes: data.length, checksum: machine.hash }, data }
    }
    if (this.#taken === undefined) return undefined
    const { offer, data } = this.#taken
    const offset = at?.index === offer.snapshot.index && at.offset < offer.bytes ? at.offset : 0
    return { ...offer, offset, data: data.slice(offset, offset + this.#chunkBytes), dataChecksum: 0 }
  }
}

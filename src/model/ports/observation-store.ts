import type { SharedObservation } from '../observation.ts'
import type { Startable } from './startable.ts'

/**
 * Where a peer keeps what it has observed over its restarts. What is lost here is learned again: a disk that fails must not stop a peer for it,
 * so it is apart from the `Store`, whose every write must have reached the disk.
 */
export interface ObservationStore extends Startable {
  /** Everything that is kept, in the order in which it was written. */
  load(): Promise<readonly SharedObservation[]>
  /** Adds and removes in one go. */
  write(added: readonly SharedObservation[], dropped: readonly SharedObservation[]): Promise<void>
}

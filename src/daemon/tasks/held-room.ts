import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Reserved } from '../calls/placer.ts'

interface Held {
  readonly worker: PeerId
  readonly reserved: Reserved
  /** The number of the worker's newest words when it took the attempt; null before it has. */
  takenAt: number | null
}

/**
 * Reservations of room on workers for attempts, by key. Each is held until the worker's own statistics include the attempt: from then on it would count twice.
 */
export class HeldRoom {
  readonly #held = new Map<string, Held>()
  /** Those that their workers have taken. */
  readonly #taken = new Set<string>()

  hold(key: string, worker: PeerId, reserved: Reserved): void {
    this.#held.set(key, { worker, reserved, takenAt: null })
  }

  /** A worker has taken these. What it says of itself after what is known of it now includes them. */
  taken(worker: PeerId, keys: readonly string[], views: readonly PeerView[]): void {
    const seq = views.find(({ profile }) => profile.id === worker)?.stats.seq ?? 0
    for (const key of keys) {
      const held = this.#held.get(key)
      if (held === undefined) continue
      held.takenAt = seq
      this.#taken.add(key)
    }
  }

  /** Peers have told how they are. */
  told(views: readonly PeerView[]): void {
    if (this.#taken.size === 0) return
    const seqs = new Map(views.map(({ profile, stats }) => [profile.id, stats.seq]))
    for (const key of this.#taken) {
      const held = this.#held.get(key)
      if (held === undefined || seqs.get(held.worker) !== held.takenAt) this.release(key)
    }
  }

  /** The attempt is not under way any more. Says whether anything was still held for it. */
  release(key: string): boolean {
    this.#held.get(key)?.reserved.release()
    this.#taken.delete(key)
    return this.#held.delete(key)
  }

  releaseAll(): void {
    for (const key of this.#held.keys()) this.release(key)
  }
}

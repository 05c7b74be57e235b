import type { Digest, PeerId } from '../ids.ts'

/** Who has which image, as peers have announced in the DHT: a peer's own view of the cluster may not tell yet. */
export interface ImageDirectory {
  /** Announces that this peer has the image. Best effort. */
  provide(digest: Digest): void
  /** Peers that have announced it; some may be gone by now, or have removed it. Never rejects. */
  providers(digest: Digest, options: { signal: AbortSignal }): Promise<readonly PeerId[]>
}

import type { Digest, PeerId } from '../ids.ts'

/** Who has which image, as peers have announced it to the cluster at large: what a peer's own view may not tell yet. */
export interface ImageDirectory {
  /** Announces that this peer has the image. Best effort. */
  provide(digest: Digest): void
  /** Peers that have announced it, newest knowledge or not: some may be gone, or have it no more. Never rejects. */
  providers(digest: Digest, options: { signal: AbortSignal }): Promise<readonly PeerId[]>
}

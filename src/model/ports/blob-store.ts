import type { Digest } from '../ids.ts'
import type { Startable } from './startable.ts'

/** A blob on this peer. */
export interface StoredBlob {
  readonly digest: Digest
  readonly bytes: number
  /** When it was kept, read or named last, in the clock's milliseconds; the start of the process at the earliest. */
  readonly usedAtMs: number
}

/** A blob that is coming in. Whoever began it ends it by `keep` or `discard`. */
export interface BlobDraft {
  /** Throws `limit_reached` when there is no room for it. */
  append(chunk: Uint8Array): Promise<void>
  /** Resolves once all of it is on the disk, under the address of its content. */
  keep(): Promise<StoredBlob>
  discard(): Promise<void>
}

/**
 * Bytes by the SHA-256 of their content, on this peer's disk, within a limit on their sum. Everything throws `disk_failed`
 * when the disk fails, and `invalid` for an address that is none.
 */
export interface BlobStore extends Startable {
  create(): Promise<BlobDraft>
  /** The blob, if it is here. That it was named counts as use. */
  find(digest: Digest): StoredBlob | undefined
  /** Up to `bytesMax` bytes from `offset` on; fewer only at its end. Throws `not_found`. */
  read(digest: Digest, offset: number, bytesMax: number): Promise<Uint8Array>
  list(): readonly StoredBlob[]
  remove(digest: Digest): Promise<void>
}

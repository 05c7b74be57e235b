import type { Digest } from './ids.ts'
import type { RemoteError } from './invocation.ts'

/** Questions on `/cares/blob`. */
export type BlobUp =
  /** Send these bytes of a blob. */
  | { readonly type: 'read'; readonly digest: Digest; readonly offset: number; readonly bytes: number }
  /** The asker has this blob: take it from there, and keep it. */
  | { readonly type: 'hold'; readonly digest: Digest; readonly bytes: number }
  /** Do you have this blob? */
  | { readonly type: 'find'; readonly digest: Digest }

/** Their answers. After `failed` nothing follows. */
export type BlobDown =
  /** The next part of the bytes that `read` asked for: several pieces answer one question. */
  | { readonly type: 'piece'; readonly chunk: Uint8Array }
  /** The answer to `hold` and `find`: the blob is here, and has this length. */
  | { readonly type: 'held'; readonly bytes: number }
  | { readonly type: 'failed'; readonly error: RemoteError }

import type { Digest } from './ids.ts'
import type { RemoteError } from './invocation.ts'

/** Questions on `/cares/blob`. */
export type BlobUp =
  /** These bytes of a blob. */
  | { readonly type: 'read'; readonly digest: Digest; readonly offset: number; readonly bytes: number }
  /** The asker has this blob: take it from there, and keep it. */
  | { readonly type: 'hold'; readonly digest: Digest; readonly bytes: number }
  /** Whether the other side has it. */
  | { readonly type: 'find'; readonly digest: Digest }

/** Their answers. After `failed` nothing follows. */
export type BlobDown =
  /** What comes next of the bytes that were asked for. Several together answer one question. */
  | { readonly type: 'piece'; readonly chunk: Uint8Array }
  /** It is here, with so many bytes. */
  | { readonly type: 'held'; readonly bytes: number }
  | { readonly type: 'failed'; readonly error: RemoteError }

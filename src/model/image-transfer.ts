import type { Digest } from './ids.ts'
import type { RemoteError } from './invocation.ts'

/** A worker that lacks an image, to a peer that has it, on `/cares/image`. */
export type ImageUp = { readonly type: 'get'; readonly digest: Digest }

/** The image's archive, in the engine's own form. After `end` or `failed` nothing follows. */
export type ImageDown =
  | { readonly type: 'body'; readonly chunk: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'failed'; readonly error: RemoteError }

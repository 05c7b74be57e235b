import type { ArchiveId, Digest, PeerId } from './ids.ts'
import type { RemoteError } from './invocation.ts'

/** A worker that lacks an image, to a peer that has it, on `/cares/image`. */
export type ImageUp =
  | {
      readonly type: 'get'
      readonly digest: Digest
      /** Only this one will do: its first `offset` bytes are here already. Absent: any, from its beginning. */
      readonly archive?: ArchiveId | undefined
      readonly offset: number
      /** Bytes of the archive that the sender may have on their way. */
      readonly bytes: number
      /** Send it yourself, and do not answer `elsewhere`: the peers that you would name have failed the asker. */
      readonly direct: boolean
    }
  /** This many further bytes may be on their way. */
  | { readonly type: 'more'; readonly bytes: number }

/** The answer: where else to ask; or the name of an archive and its bytes. After `elsewhere`, `end` or `failed` nothing follows. */
export type ImageDown =
  | { readonly type: 'elsewhere'; readonly peers: readonly PeerId[] }
  | { readonly type: 'head'; readonly archive: ArchiveId }
  | { readonly type: 'body'; readonly chunk: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'failed'; readonly error: RemoteError }

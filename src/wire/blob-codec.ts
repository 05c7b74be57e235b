import type { MessageInitShape } from '@bufbuild/protobuf'
import type { BlobDown, BlobUp } from '../model/blob-transfer.ts'
import { readRemoteError, writeRemoteError } from './call-codec.ts'
import { bytes, refuse, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import { type BlobDown as BlobDownMessage, BlobDownSchema, type BlobUp as BlobUpMessage, BlobUpSchema } from './generated/blob_pb.ts'
import { BLOB_PIECE_BYTES_MAX, BLOB_READ_BYTES_MAX, MESSAGE_BYTES_MAX } from './limits.ts'
import { readDigest } from './function-codec.ts'

/** Who wants a blob, or has one that others should keep. The page is `protocols/blob.md`. */
export const blobUpCodec = createCodec({ schema: BlobUpSchema, name: 'blob', bytesMax: MESSAGE_BYTES_MAX, write: writeUp, read: readUp })

/** Its bytes, or that it is kept. */
export const blobDownCodec = createCodec({
  schema: BlobDownSchema,
  name: 'blob',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeDown,
  read: readDown
})

function writeUp(message: BlobUp): MessageInitShape<typeof BlobUpSchema> {
  const { digest } = message
  switch (message.type) {
    case 'read':
      return { kind: { case: 'read', value: { digest, offset: toWhole(message.offset, 'offset'), bytes: message.bytes } } }
    case 'hold':
      return { kind: { case: 'hold', value: { digest, bytes: toWhole(message.bytes, 'bytes') } } }
    case 'find':
      return { kind: { case: 'find', value: { digest } } }
    default:
      return refuse('blob: a question of an unknown type')
  }
}

function readUp({ kind }: BlobUpMessage): BlobUp {
  switch (kind.case) {
    case 'read': {
      const { digest, offset, bytes: wanted } = kind.value
      if (wanted === 0 || wanted > BLOB_READ_BYTES_MAX) refuse(`blob: ${wanted} bytes asked at once; 1 to ${BLOB_READ_BYTES_MAX} may be`)
      return { type: 'read', digest: readDigest(digest), offset: whole(offset, 'offset'), bytes: wanted }
    }
    case 'hold':
      return { type: 'hold', digest: readDigest(kind.value.digest), bytes: whole(kind.value.bytes, 'bytes') }
    case 'find':
      return { type: 'find', digest: readDigest(kind.value.digest) }
    default:
      return refuse('blob: a question of an unknown type')
  }
}

function writeDown(message: BlobDown): MessageInitShape<typeof BlobDownSchema> {
  switch (message.type) {
    case 'piece':
      return { kind: { case: 'piece', value: message.chunk } }
    case 'held':
      return { kind: { case: 'held', value: { bytes: toWhole(message.bytes, 'bytes') } } }
    case 'failed':
      return { kind: { case: 'failed', value: writeRemoteError(message.error) } }
    default:
      return refuse('blob: an answer of an unknown type')
  }
}

function readDown({ kind }: BlobDownMessage): BlobDown {
  switch (kind.case) {
    case 'piece':
      return { type: 'piece', chunk: bytes(kind.value, 'piece', BLOB_PIECE_BYTES_MAX) }
    case 'held':
      return { type: 'held', bytes: whole(kind.value.bytes, 'bytes') }
    case 'failed':
      return { type: 'failed', error: readRemoteError(kind.value) }
    default:
      return refuse('blob: an answer of an unknown type')
  }
}

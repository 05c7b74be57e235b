import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ArchiveId } from '../model/ids.ts'
import type { ImageDown, ImageUp } from '../model/image-transfer.ts'
import { readPeerId, readRemoteError, writeRemoteError } from './call-codec.ts'
import { bytes, list, optional, refuse, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import { type ImageDown as ImageDownMessage, ImageDownSchema, type ImageUp as ImageUpMessage, ImageUpSchema } from './generated/image_pb.ts'
import { ID_CHARS_MAX, IMAGE_GRANT_BYTES_MAX, IMAGE_PIECE_BYTES_MAX, MESSAGE_BYTES_MAX, PEERS_MAX } from './limits.ts'
import { readDigest } from './function-codec.ts'

/** Who lacks an image to who has it. The page is `protocols/image.md`. */
export const imageUpCodec = createCodec({
  schema: ImageUpSchema,
  name: 'image',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeUp,
  read: readUp
})

/** The image's archive, or where else to ask. */
export const imageDownCodec = createCodec({
  schema: ImageDownSchema,
  name: 'image',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeDown,
  read: readDown
})

function writeUp(message: ImageUp): MessageInitShape<typeof ImageUpSchema> {
  switch (message.type) {
    case 'get': {
      const { digest, archive = '', offset, bytes, direct } = message
      return { kind: { case: 'get', value: { digest, archive, offset: toWhole(offset, 'offset'), bytes, direct } } }
    }
    case 'more':
      return { kind: { case: 'more', value: { bytes: message.bytes } } }
    default:
      return refuse('image: a request of an unknown type')
  }
}

function readUp({ kind }: ImageUpMessage): ImageUp {
  switch (kind.case) {
    case 'get': {
      const { digest, archive, offset, bytes, direct } = kind.value
      return {
        type: 'get',
        digest: readDigest(digest),
        ...optional('archive', archive === '' ? undefined : readArchive(archive)),
        offset: whole(offset, 'offset'),
        bytes: readGrant(bytes),
        direct
      }
    }
    case 'more':
      return { type: 'more', bytes: readGrant(kind.value.bytes) }
    default:
      return refuse('image: a request of an unknown type')
  }
}

function writeDown(message: ImageDown): MessageInitShape<typeof ImageDownSchema> {
  switch (message.type) {
    case 'elsewhere':
      return { kind: { case: 'elsewhere', value: { peers: [...message.peers] } } }
    case 'head':
      return { kind: { case: 'head', value: { archive: message.archive } } }
    case 'body':
      return { kind: { case: 'body', value: message.chunk } }
    case 'end':
      return { kind: { case: 'end', value: {} } }
    case 'failed':
      return { kind: { case: 'failed', value: writeRemoteError(message.error) } }
    default:
      return refuse('image: a message of an unknown type')
  }
}

function readDown({ kind }: ImageDownMessage): ImageDown {
  switch (kind.case) {
    case 'elsewhere':
      return { type: 'elsewhere', peers: list(kind.value.peers, 'peers', PEERS_MAX).map(peer => readPeerId(peer, 'peer')) }
    case 'head':
      return { type: 'head', archive: readArchive(kind.value.archive) }
    case 'body':
      return { type: 'body', chunk: bytes(kind.value, 'body', IMAGE_PIECE_BYTES_MAX) }
    case 'end':
      return { type: 'end' }
    case 'failed':
      return { type: 'failed', error: readRemoteError(kind.value) }
    default:
      return refuse('image: a message of an unknown type')
  }
}

function readArchive(value: string): ArchiveId {
  return text(value, 'archive', ID_CHARS_MAX, { empty: false }) as ArchiveId
}

function readGrant(granted: number): number {
  if (granted > IMAGE_GRANT_BYTES_MAX) refuse(`image: ${granted} bytes granted at once, more than ${IMAGE_GRANT_BYTES_MAX}`)
  return granted
}

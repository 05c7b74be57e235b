import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ImageDown, ImageUp } from '../model/image-transfer.ts'
import { readChunk, readRemoteError, writeRemoteError } from './call-codec.ts'
import { refuse } from './check.ts'
import { createCodec } from './codec.ts'
import { type ImageDown as ImageDownMessage, ImageDownSchema, type ImageUp as ImageUpMessage, ImageUpSchema } from './generated/image_pb.ts'
import { MESSAGE_BYTES_MAX } from './limits.ts'
import { readDigest } from './registry-codec.ts'

/** Who lacks an image to who has it. The page is `protocols/image.md`. */
export const imageUpCodec = createCodec({
  schema: ImageUpSchema,
  name: 'image',
  bytesMax: MESSAGE_BYTES_MAX,
  write: ({ digest }: ImageUp): MessageInitShape<typeof ImageUpSchema> => ({ kind: { case: 'get', value: { digest } } }),
  read: ({ kind }: ImageUpMessage): ImageUp =>
    kind.case === 'get' ? { type: 'get', digest: readDigest(kind.value.digest) } : refuse('image: a request of an unknown type')
})

/** The image's archive. */
export const imageDownCodec = createCodec({
  schema: ImageDownSchema,
  name: 'image',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeDown,
  read: readDown
})

function writeDown(message: ImageDown): MessageInitShape<typeof ImageDownSchema> {
  switch (message.type) {
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
    case 'body':
      return { type: 'body', chunk: readChunk(kind.value) }
    case 'end':
      return { type: 'end' }
    case 'failed':
      return { type: 'failed', error: readRemoteError(kind.value) }
    default:
      return refuse('image: a message of an unknown type')
  }
}

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { CaresError } from '../model/errors.ts'
import type { RemoteError } from '../model/invocation.ts'
import { DETAILS_CHARS_MAX, ERROR_CHARS_MAX } from '../model/remote-error.ts'
import { BULK_BYTES_MIN, withBulk } from './bulk.ts'
import { bytes, optional, refuse, text } from './check.ts'
import { type Codec, createCodec } from './codec.ts'
import { type LaneAbort, LaneAbortSchema } from './generated/lane_pb.ts'
import { objectText } from './json-text.ts'
import { ID_CHARS_MAX, MESSAGE_BYTES_MAX } from './limits.ts'

/** One frame of a lane. `exchange` is the dialler's running number, from 1. */
export type LaneFrame = { readonly exchange: number } & (
  | { readonly type: 'open' }
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** The reader has taken messages of this many bytes. At least 1. */
  | { readonly type: 'credit'; readonly bytes: number }
  | { readonly type: 'end' }
  | { readonly type: 'abort'; readonly error: Omit<RemoteError, 'started'> }
)

/** The frame around a message or an abort: number, tags and lengths. */
const ENVELOPE_BYTES_MAX = 32
/** An abort may carry a message, a hint and details of up to 4 bytes a character. */
export const LANE_FRAME_BYTES_MAX = MESSAGE_BYTES_MAX + ENVELOPE_BYTES_MAX

/** Field numbers of `LaneFrame` in `protocols/lane.proto`. */
const FIELD = { exchange: 1, open: 2, message: 3, credit: 4, end: 5, abort: 6 } as const

const NOTHING = new Uint8Array()

/**
 * Frames of invoke, execute, control and task lanes. The page is `protocols/lane.md`.
 *
 * Each message of a call travels in one of these, so they are written and read field by field: the generated code takes five times as long. A test
 * compares the bytes with those of `lane.proto`.
 */
export const laneCodec: Codec<LaneFrame> = { encode: encodeFrame, decode: decodeFrame }

const abortCodec = createCodec({
  schema: LaneAbortSchema,
  name: 'lane',
  bytesMax: MESSAGE_BYTES_MAX,
  write: ({ code, message, hint, retryable, details }: AbortError) => ({ code, message, ...optional('hint', hint), retryable, details }),
  read: readAbort
})

type AbortError = Extract<LaneFrame, { type: 'abort' }>['error']

function encodeFrame(frame: LaneFrame): Uint8Array {
  const { exchange } = frame
  const writer = new BinaryWriter().tag(FIELD.exchange, WireType.Varint).uint32(exchange)
  switch (frame.type) {
    case 'open':
      return writer.tag(FIELD.open, WireType.LengthDelimited).bytes(NOTHING).finish()
    case 'message':
      if (frame.bytes.length > MESSAGE_BYTES_MAX)
        throw new CaresError('too_large', `lane: a message of ${frame.bytes.length} bytes; at most ${MESSAGE_BYTES_MAX} can be sent`)
      if (frame.bytes.length >= BULK_BYTES_MIN) return withBulk(writer, FIELD.message, frame.bytes)
      return writer.tag(FIELD.message, WireType.LengthDelimited).bytes(frame.bytes).finish()
    case 'credit':
      return writer.tag(FIELD.credit, WireType.Varint).uint32(frame.bytes).finish()
    case 'end':
      return writer.tag(FIELD.end, WireType.LengthDelimited).bytes(NOTHING).finish()
    case 'abort':
      return writer.tag(FIELD.abort, WireType.LengthDelimited).bytes(abortCodec.encode(frame.error)).finish()
  }
}

function decodeFrame(encoded: Uint8Array): LaneFrame {
  if (encoded.length > LANE_FRAME_BYTES_MAX) refuse(`lane: a frame of ${encoded.length} bytes, more than ${LANE_FRAME_BYTES_MAX}`)
  try {
    return readFrame(encoded)
  } catch (cause) {
    if (cause instanceof CaresError) throw cause
    throw new CaresError('protocol', 'lane: the frame cannot be read', { cause })
  }
}

function readFrame(encoded: Uint8Array): LaneFrame {
  // A plain view: a socket's Buffer would make the parts Buffers, whose slice() does not copy.
  const reader = new BinaryReader(new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.length))
  let exchange = 0
  let body: LaneFrame | undefined
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    const expected = field === FIELD.exchange || field === FIELD.credit ? WireType.Varint : WireType.LengthDelimited
    if (field > FIELD.abort) reader.skip(type, field)
    else if (type !== expected) refuse(`lane: field ${field} has the wrong type`)
    else if (field === FIELD.exchange) exchange = reader.uint32()
    else body = readBody(field, reader)
  }
  if (exchange === 0) refuse('lane: a frame of no exchange')
  if (body === undefined) return refuse('lane: a frame of an unknown type')
  return { ...body, exchange }
}

function readBody(field: number, reader: BinaryReader): LaneFrame {
  // The number of the exchange may come after its body: it is filled in at the end.
  const exchange = 0
  switch (field) {
    case FIELD.open:
      reader.bytes()
      return { exchange, type: 'open' }
    case FIELD.message:
      return { exchange, type: 'message', bytes: bytes(reader.bytes(), 'message', MESSAGE_BYTES_MAX) }
    case FIELD.credit: {
      const credit = reader.uint32()
      return credit === 0 ? refuse('lane: a credit of nothing') : { exchange, type: 'credit', bytes: credit }
    }
    case FIELD.end:
      reader.bytes()
      return { exchange, type: 'end' }
    default:
      return { exchange, type: 'abort', error: abortCodec.decode(reader.bytes()) }
  }
}

function readAbort({ code, message, hint, retryable, details }: LaneAbort): AbortError {
  return {
    code: text(code, 'code', ID_CHARS_MAX, { empty: false }),
    message: text(message, 'message', ERROR_CHARS_MAX),
    ...(hint === undefined ? {} : { hint: text(hint, 'hint', ERROR_CHARS_MAX) }),
    retryable,
    details: objectText(details, 'details', DETAILS_CHARS_MAX)
  }
}

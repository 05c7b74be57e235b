import { DETAILS_CHARS_MAX, ERROR_CHARS_MAX } from '../model/remote-error.ts'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { RemoteError } from '../model/invocation.ts'
import { bytes, optional, refuse, text } from './check.ts'
import { createCodec } from './codec.ts'
import { type LaneFrame as LaneFrameMessage, LaneFrameSchema } from './generated/lane_pb.ts'
import { objectText } from './json.ts'
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

/** Frames of invoke, execute and control lanes. The page is `protocols/lane.md`. */
export const laneCodec = createCodec({
  schema: LaneFrameSchema,
  name: 'lane',
  bytesMax: LANE_FRAME_BYTES_MAX,
  write: writeFrame,
  read: readFrame
})

function writeFrame(frame: LaneFrame): MessageInitShape<typeof LaneFrameSchema> {
  const { exchange } = frame
  switch (frame.type) {
    case 'open':
      return { exchange, kind: { case: 'open', value: {} } }
    case 'message':
      return { exchange, kind: { case: 'message', value: frame.bytes } }
    case 'credit':
      return { exchange, kind: { case: 'credit', value: frame.bytes } }
    case 'end':
      return { exchange, kind: { case: 'end', value: {} } }
    case 'abort': {
      const { code, message, hint, retryable, details } = frame.error
      return { exchange, kind: { case: 'abort', value: { code, message, ...optional('hint', hint), retryable, details } } }
    }
    default:
      return refuse('lane: a frame of an unknown type')
  }
}

function readFrame({ exchange, kind }: LaneFrameMessage): LaneFrame {
  if (exchange === 0) refuse('lane: a frame of no exchange')
  switch (kind.case) {
    case 'open':
      return { exchange, type: 'open' }
    case 'message':
      return { exchange, type: 'message', bytes: bytes(kind.value, 'message', MESSAGE_BYTES_MAX) }
    case 'credit':
      if (kind.value === 0) refuse('lane: a credit of nothing')
      return { exchange, type: 'credit', bytes: kind.value }
    case 'end':
      return { exchange, type: 'end' }
    case 'abort': {
      const { code, message, hint, retryable, details } = kind.value
      return {
        exchange,
        type: 'abort',
        error: {
          code: text(code, 'code', ID_CHARS_MAX, { empty: false }),
          message: text(message, 'message', ERROR_CHARS_MAX),
          ...(hint === undefined ? {} : { hint: text(hint, 'hint', ERROR_CHARS_MAX) }),
          retryable,
          details: objectText(details, 'details', DETAILS_CHARS_MAX)
        }
      }
    }
    default:
      return refuse('lane: a frame of an unknown type')
  }
}

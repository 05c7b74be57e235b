import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TaskId } from '../model/task.ts'
import type { TunnelDown, TunnelUp } from '../model/tunnel.ts'
import { bytes, refuse, text } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type TunnelDown as TunnelDownMessage,
  TunnelDownSchema,
  type TunnelUp as TunnelUpMessage,
  TunnelUpSchema
} from './generated/tunnel_pb.ts'
import { CHUNK_BYTES_MAX, ID_CHARS_MAX, MESSAGE_BYTES_MAX } from './limits.ts'

/** From the peer that a client has connected to. The page is `protocols/tunnel.md`. */
export const tunnelUpCodec = createCodec({
  schema: TunnelUpSchema,
  name: 'tunnel',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeUp,
  read: readUp
})

/** From the worker on which the service runs. */
export const tunnelDownCodec = createCodec({
  schema: TunnelDownSchema,
  name: 'tunnel',
  bytesMax: MESSAGE_BYTES_MAX,
  write: writeDown,
  read: readDown
})

function writeUp(message: TunnelUp): MessageInitShape<typeof TunnelUpSchema> {
  switch (message.type) {
    case 'open':
      return { kind: { case: 'open', value: { task: message.task } } }
    case 'body':
      return { kind: { case: 'body', value: message.chunk } }
    default:
      return refuse('tunnel: a message of an unknown type')
  }
}

function readUp({ kind }: TunnelUpMessage): TunnelUp {
  switch (kind.case) {
    case 'open':
      return { type: 'open', task: text(kind.value.task, 'task', ID_CHARS_MAX, { empty: false }) as TaskId }
    case 'body':
      return { type: 'body', chunk: bytes(kind.value, 'body', CHUNK_BYTES_MAX) }
    default:
      return refuse('tunnel: a message of an unknown type')
  }
}

function writeDown(message: TunnelDown): MessageInitShape<typeof TunnelDownSchema> {
  switch (message.type) {
    case 'opened':
      return { kind: { case: 'opened', value: {} } }
    case 'body':
      return { kind: { case: 'body', value: message.chunk } }
    default:
      return refuse('tunnel: a message of an unknown type')
  }
}

function readDown({ kind }: TunnelDownMessage): TunnelDown {
  switch (kind.case) {
    case 'opened':
      return { type: 'opened' }
    case 'body':
      return { type: 'body', chunk: bytes(kind.value, 'body', CHUNK_BYTES_MAX) }
    default:
      return refuse('tunnel: a message of an unknown type')
  }
}

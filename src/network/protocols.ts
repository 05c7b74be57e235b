import type { ProtocolName, Protocols } from '../model/ports/transport.ts'
import { blobDownCodec, blobUpCodec } from '../wire/blob-codec.ts'
import type { Codec } from '../wire/codec.ts'
import { controlAnswerCodec, controlRequestCodec } from '../wire/control-codec.ts'
import { executeDownCodec, executeUpCodec } from '../wire/execute-codec.ts'
import { imageDownCodec, imageUpCodec } from '../wire/image-codec.ts'
import { invokeDownCodec, invokeUpCodec } from '../wire/invoke-codec.ts'
import { taskAnswerCodec, taskAskCodec } from '../wire/task-codec.ts'
import { tunnelDownCodec, tunnelUpCodec } from '../wire/tunnel-codec.ts'
import { CHUNK_BYTES_MAX } from '../wire/limits.ts'

/** One protocol: what it is called on the wire, and its codecs. */
export interface LaneProtocol<Name extends ProtocolName> {
  readonly id: string
  readonly up: Codec<Protocols[Name]['up']>
  readonly down: Codec<Protocols[Name]['down']>
}

/** The protocols of exchanges. A new one needs a row here, a `.proto` and a page. The number in the id rises when old peers could not follow. */
export const LANE_PROTOCOLS: { readonly [Name in ProtocolName]: LaneProtocol<Name> } = {
  invoke: { id: '/cares/invoke/2', up: invokeUpCodec, down: invokeDownCodec },
  execute: { id: '/cares/execute/2', up: executeUpCodec, down: executeDownCodec },
  control: { id: '/cares/control/1', up: controlRequestCodec, down: controlAnswerCodec },
  task: { id: '/cares/task/1', up: taskAskCodec, down: taskAnswerCodec },
  image: { id: '/cares/image/2', up: imageUpCodec, down: imageDownCodec },
  blob: { id: '/cares/blob/1', up: blobUpCodec, down: blobDownCodec },
  tunnel: { id: '/cares/tunnel/1', up: tunnelUpCodec, down: tunnelDownCodec }
}

/** Those whose exchanges share a lane, in the order in which they are registered. */
export const LANE_PROTOCOL_NAMES = ['invoke', 'execute', 'control', 'task', 'tunnel'] as const satisfies readonly ProtocolName[]

/** Those whose exchanges have a stream each: bulk, which would stand in the way of others on a lane. */
export const STREAM_PROTOCOL_NAMES = ['image', 'blob'] as const satisfies readonly ProtocolName[]

/** See `protocols/consensus.md`. */
export const CONSENSUS_PROTOCOL = '/cares/consensus/1'

/** `message` itself or, for a body chunk that is longer than one message may be, the messages that carry its parts. */
export function split<Message extends object>(message: Message): readonly Message[] {
  if (!('chunk' in message) || !(message.chunk instanceof Uint8Array) || message.chunk.length <= CHUNK_BYTES_MAX) return [message]
  const { chunk } = message
  return Array.from({ length: Math.ceil(chunk.length / CHUNK_BYTES_MAX) }, (_, i) => ({
    ...message,
    chunk: chunk.subarray(i * CHUNK_BYTES_MAX, (i + 1) * CHUNK_BYTES_MAX)
  }))
}

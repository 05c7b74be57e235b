import { blobDownCodec, blobUpCodec } from '../../src/wire/blob-codec.ts'
import type { Codec } from '../../src/wire/codec.ts'
import { consensusCodec } from '../../src/wire/consensus-codec.ts'
import { controlAnswerCodec, controlRequestCodec } from '../../src/wire/control-codec.ts'
import { executeDownCodec, executeUpCodec } from '../../src/wire/execute-codec.ts'
import { digestCodec, heartbeatCodec } from '../../src/wire/gossip-codec.ts'
import { imageDownCodec, imageUpCodec } from '../../src/wire/image-codec.ts'
import { invokeDownCodec, invokeUpCodec } from '../../src/wire/invoke-codec.ts'
import { laneCodec } from '../../src/wire/lane-codec.ts'
import { commandCodec } from '../../src/wire/command-codec.ts'
import { taskAnswerCodec, taskAskCodec } from '../../src/wire/task-codec.ts'
import type { VALUES } from './values.ts'
import { tunnelDownCodec, tunnelUpCodec } from '../../src/wire/tunnel-codec.ts'

/** Every codec, by the name that the test values and golden files have. */
export const CODECS: Readonly<Record<keyof typeof VALUES, Codec<unknown>>> = {
  command: untyped(commandCodec),
  heartbeat: untyped(heartbeatCodec),
  digest: untyped(digestCodec),
  invokeUp: untyped(invokeUpCodec),
  invokeDown: untyped(invokeDownCodec),
  executeUp: untyped(executeUpCodec),
  executeDown: untyped(executeDownCodec),
  controlRequest: untyped(controlRequestCodec),
  controlAnswer: untyped(controlAnswerCodec),
  consensus: untyped(consensusCodec),
  imageUp: untyped(imageUpCodec),
  imageDown: untyped(imageDownCodec),
  tunnelUp: untyped(tunnelUpCodec),
  tunnelDown: untyped(tunnelDownCodec),
  blobUp: untyped(blobUpCodec),
  blobDown: untyped(blobDownCodec),
  taskAsk: untyped(taskAskCodec),
  taskAnswer: untyped(taskAnswerCodec),
  lane: untyped(laneCodec)
}

function untyped<Value>(codec: Codec<Value>): Codec<unknown> {
  return codec
}

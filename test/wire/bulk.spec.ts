import assert from 'node:assert/strict'
import { create, toBinary } from '@bufbuild/protobuf'
import { BULK_BYTES_MIN } from '../../src/wire/bulk.ts'
import { executeDownCodec, executeUpCodec } from '../../src/wire/execute-codec.ts'
import { ExecuteDownSchema, ExecuteUpSchema } from '../../src/wire/generated/execute_pb.ts'
import { ImageDownSchema } from '../../src/wire/generated/image_pb.ts'
import { LaneFrameSchema } from '../../src/wire/generated/lane_pb.ts'
import { imageDownCodec } from '../../src/wire/image-codec.ts'
import { laneCodec } from '../../src/wire/lane-codec.ts'

describe('bodies on the wire', () => {
  for (const length of [0, 1, BULK_BYTES_MIN - 1, BULK_BYTES_MIN, 65_536]) {
    const chunk = Uint8Array.from({ length }, (_, i) => i)
    const kind = { case: 'body', value: chunk } as const
    const body = { type: 'body', chunk } as const

    it(`are what their protocols say, ${length} bytes long`, () => {
      for (const [codec, bytes] of [
        [imageDownCodec, toBinary(ImageDownSchema, create(ImageDownSchema, { kind }))],
        [executeDownCodec, toBinary(ExecuteDownSchema, create(ExecuteDownSchema, { kind }))],
        [executeUpCodec, toBinary(ExecuteUpSchema, create(ExecuteUpSchema, { kind }))]
      ] as const) {
        const encoded = codec.encode(body)
        assert.deepEqual(Buffer.from(encoded), Buffer.from(bytes))
        assert.deepEqual(codec.decode(encoded), body)
        assert.deepEqual(Buffer.concat(codec.encodeParts?.(body) ?? []), Buffer.from(bytes))
      }
    })

    it(`travel in frames as lanes say, ${length} bytes long`, () => {
      const frame = { exchange: 300, type: 'message', bytes: chunk } as const
      const encoded = laneCodec.encode(frame)
      const bytes = toBinary(LaneFrameSchema, create(LaneFrameSchema, { exchange: 300, kind: { case: 'message', value: chunk } }))
      assert.deepEqual(Buffer.from(encoded), Buffer.from(bytes))
      assert.deepEqual(laneCodec.decode(encoded), frame)
    })
  }
})

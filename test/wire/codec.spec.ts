import assert from 'node:assert/strict'
import { create, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import * as fc from 'fast-check'
import { CaresError } from '../../src/model/errors.ts'
import { type CallHead, type ExecuteUp, HEADERS_MAX } from '../../src/model/invocation.ts'
import { ERROR_CHARS_MAX, fromRemoteError, toRemoteError } from '../../src/model/remote-error.ts'
import { heartbeatCodec } from '../../src/wire/gossip-codec.ts'
import { executeUpCodec } from '../../src/wire/execute-codec.ts'
import { invokeUpCodec } from '../../src/wire/invoke-codec.ts'
import { laneCodec } from '../../src/wire/lane-codec.ts'
import * as limits from '../../src/wire/limits.ts'
import { controlRequestCodec } from '../../src/wire/control-codec.ts'
import { CommandSchema } from '../../src/wire/generated/registry_pb.ts'
import { commandCodec, decodeCommand, writeCommand } from '../../src/wire/command-codec.ts'
import { sampleCall, sampleHeartbeat, sampleOrder } from '../support/messages.ts'
import { ATLAS, sampleFunction, sampleReceipt } from '../support/samples.ts'
import { taskAnswerCodec } from '../../src/wire/task-codec.ts'
import { CODECS } from './codecs.ts'
import { VALUES } from './values.ts'

/** Of `ControlRequest`. */
const PROPOSE_FIELD = 3

const isProtocol = (error: unknown): boolean => error instanceof CaresError && error.code === 'protocol'

for (const name of Object.keys(VALUES) as (keyof typeof VALUES)[]) {
  describe(`wire: ${name}`, () => {
    const codec = CODECS[name]
    const values: fc.Arbitrary<unknown> = VALUES[name]

    it('gives back every value as it was', () => {
      fc.assert(
        fc.property(values, value => assert.deepEqual(codec.decode(codec.encode(value)), value)),
        { numRuns: 200 }
      )
    })

    it('throws nothing but protocol for bytes of any kind', () => {
      const decodes = (bytes: Uint8Array): void => {
        try {
          codec.decode(bytes)
        } catch (error) {
          assert.ok(isProtocol(error), String(error))
        }
      }
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodes), { numRuns: 300 })
      const damaged = fc.tuple(values, fc.nat(), fc.nat(255), fc.nat()).map(([value, at, byte, cut]) => {
        const bytes = codec.encode(value).slice()
        if (bytes.length > 0) bytes[at % bytes.length] = byte
        return bytes.subarray(0, bytes.length - (cut % 3 === 0 ? cut % (bytes.length + 1) : 0))
      })
      fc.assert(fc.property(damaged, decodes), { numRuns: 300 })
    })

    it('refuses a message without a kind', () => {
      assert.throws(() => codec.decode(new Uint8Array()), isProtocol)
    })
  })
}

describe('wire: limits', () => {
  const call = sampleCall()
  const { head } = sampleOrder().order
  const headed = (changes: Partial<CallHead>): ExecuteUp => sampleOrder({ head: { ...head, ...changes } })
  const beat = sampleHeartbeat(ATLAS)
  const put = { type: 'function-put', digest: sampleFunction().digest, imageBytes: 1, at: 'now' } as const

  const refused: readonly (readonly [claim: string, encode: () => Uint8Array, message: RegExp])[] = [
    ['an id that is too long', () => invokeUpCodec.encode({ ...call, function: 'f'.repeat(limits.ID_CHARS_MAX + 1) }), /function has 129/],
    ['an empty id', () => invokeUpCodec.encode({ ...call, function: '' }), /function is empty/],
    ['a path that is too long', () => executeUpCodec.encode(headed({ path: '/'.repeat(limits.PATH_CHARS_MAX + 1) })), /path has 16385/],
    [
      'too many headers',
      () => executeUpCodec.encode(headed({ headers: Array.from({ length: HEADERS_MAX + 1 }, () => ['a', 'b']) })),
      /headers has 257/
    ],
    [
      'too much in headers',
      () => executeUpCodec.encode(headed({ headers: [['a', 'b'.repeat(limits.HEADERS_CHARS_MAX)]] })),
      /headers have more/
    ],
    [
      'a body that is too long',
      () => executeUpCodec.encode(sampleOrder({ body: new Uint8Array(limits.CHUNK_BYTES_MAX + 1) })),
      /body has 65537/
    ],
    ['a count below zero', () => invokeUpCodec.encode({ ...call, round: -1 }), /round/],
    ['an index that is not whole', () => invokeUpCodec.encode({ ...call, minIndex: 1.5 }), /minIndex/],
    ['a port that is none', () => commandCodec.encode({ ...put, spec: sampleFunction({ port: 65_536 }) }), /port is larger/],
    ['a number that is none', () => commandCodec.encode({ ...put, spec: sampleFunction({ cpus: Number.NaN }) }), /cpus/],
    [
      'too many addresses',
      () => heartbeatCodec.encode({ ...beat, profile: { ...beat.profile, addresses: Array(17).fill('/ip4/1.2.3.4') } }),
      /addresses has 17/
    ],
    [
      'details that are no object',
      () => laneCodec.encode({ exchange: 1, type: 'abort', error: { code: 'x', message: '', retryable: false, details: '[]' } }),
      /details/
    ]
  ]
  for (const [claim, encode, message] of refused) {
    it(`refuses ${claim}, at the sender`, () => {
      assert.throws(encode, (error: CaresError) => error.code === 'invalid' && message.test(error.message))
    })
  }

  it('refuses a whole message that is too large, at either end', () => {
    const env = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`K${i}`, 'v'.repeat(limits.PAIR_VALUE_CHARS_MAX)]))
    assert.throws(
      () => commandCodec.encode({ ...put, spec: sampleFunction({ env }) }),
      (error: CaresError) => error.code === 'too_large'
    )
    assert.throws(() => commandCodec.decode(new Uint8Array(limits.COMMAND_BYTES_MAX + 1)), isProtocol)
  })

  it('keeps a key called __proto__ out of records', () => {
    const spec = sampleFunction({ env: JSON.parse('{"__proto__":"x"}') as Record<string, string> })
    assert.throws(
      () => commandCodec.encode({ ...put, spec }),
      (error: CaresError) => error.code === 'invalid'
    )
  })
})

describe('wire: commands of a newer version', () => {
  const spec = sampleFunction({ env: { A: '1' }, placement: { strategy: 'cost' } })
  const message = create(CommandSchema, writeCommand({ type: 'function-put', spec, digest: spec.digest, imageBytes: 1, at: 'now' }))
  assert.ok(message.kind.case === 'functionPut' && message.kind.value.spec?.placement !== undefined)
  const written = message.kind.value.spec
  const unknown = { no: 99, wireType: WireType.Varint, data: Uint8Array.of(1) }
  const bytesWith = (part: { $unknown?: unknown }): Uint8Array => {
    part.$unknown = [unknown]
    try {
      return toBinary(CommandSchema, message)
    } finally {
      delete part.$unknown
    }
  }

  for (const [where, part] of [
    ['a command', message],
    ['its kind', message.kind.value],
    ['a spec', written],
    ['a policy', written.placement],
    ['a list', written.env[0]]
  ] as const) {
    it(`are not read without an unknown field of ${where}, from the log or as a proposal`, () => {
      assert.ok(part !== undefined)
      assert.equal(decodeCommand(toBinary(CommandSchema, message)).type, 'function-put')
      const bytes = bytesWith(part)
      assert.throws(() => decodeCommand(bytes), { code: 'incompatible', message: /does not know/, hint: /upgrade this peer/ })
      const proposal = new BinaryWriter().tag(PROPOSE_FIELD, WireType.LengthDelimited).bytes(bytes).finish()
      assert.throws(() => controlRequestCodec.decode(proposal), isProtocol)
    })
  }

  it('are not read when their kind is unknown', () => {
    const bytes = new BinaryWriter().tag(77, WireType.LengthDelimited).bytes(Uint8Array.of(1)).finish()
    assert.throws(() => decodeCommand(bytes), { code: 'incompatible', hint: /upgrade this peer/ })
  })

  it('are not read when a change of tasks has an unknown field or is of an unknown type', () => {
    for (const change of [
      { type: 'cancel', id: 't-1', at: 'now', gently: true },
      { type: 'freeze', id: 't-1', at: 'now' }
    ]) {
      const bytes = toBinary(
        CommandSchema,
        create(CommandSchema, { kind: { case: 'taskChanges', value: { changes: JSON.stringify([change]) } } })
      )
      assert.throws(() => decodeCommand(bytes), { code: 'incompatible' })
    }
  })
})

describe('wire: the receipt of a task', () => {
  const answered = (receipt: string): Uint8Array => Buffer.from(JSON.stringify({ type: 'receipt', receipt }))

  it('is read without what a newer peer says in it', () => {
    const read = taskAnswerCodec.decode(answered(JSON.stringify({ ...sampleReceipt(), mood: 'good' })))
    assert.deepEqual(read, { type: 'receipt', receipt: sampleReceipt() })
  })

  it('is refused when it is too long, or none', () => {
    const long = JSON.stringify(sampleReceipt({ strategy: 's'.repeat(limits.RECEIPT_CHARS_MAX) }))
    for (const receipt of [long, '{}', 'null', '']) assert.throws(() => taskAnswerCodec.decode(answered(receipt)), isProtocol)
  })
})

describe('wire: errors', () => {
  it('cross with code, message, hint, details and whether a retry makes sense', () => {
    const error = new CaresError('busy', 'no room', { hint: 'wait', retryable: true, details: { memory: 3 } })
    const back = fromRemoteError(toRemoteError(error, { started: false }))
    assert.deepEqual([back.code, back.message, back.hint, back.retryable, back.details], ['busy', 'no room', 'wait', true, { memory: 3 }])
  })

  it('become internal when the code is not known here, and keep their message', () => {
    const back = fromRemoteError({ code: 'from_the_future', message: 'new', retryable: false, details: '{}' })
    assert.deepEqual([back.code, back.message], ['internal', 'new'])
  })

  it('are cut to what the other side accepts', () => {
    const huge = new CaresError('internal', 'm'.repeat(100_000), { details: { stderr: 's'.repeat(100_000) } })
    const { message, details } = toRemoteError(huge, { started: true })
    assert.equal(message.length, ERROR_CHARS_MAX)
    assert.equal(details, '{}')
  })
})

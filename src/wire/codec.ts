import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { CaresError } from '../model/errors.ts'
import { BULK_BYTES_MIN, bulkHead, withBulk } from './bulk.ts'
import { refuse } from './check.ts'

/** Bytes of one kind of message to its model value, and back. */
export interface Codec<Value> {
  /** Throws `too_large` for more bytes than the protocol allows, `invalid` for what the other side would refuse. */
  encode(value: Value): Uint8Array
  /** The same bytes in parts, for callers that can send them one after the other: a piece of a body is not copied. Throws as `encode` does. */
  encodeParts?(value: Value): readonly Uint8Array[]
  /** Throws `protocol` for bytes that are malformed, out of range or too many. Throws nothing else, whatever the bytes are. */
  decode(bytes: Uint8Array): Value
}

/** How one message of `protocols/` maps to its model value. */
export interface Mapping<Schema extends DescMessage, Value> {
  readonly schema: Schema
  /** Its name in error messages: `invoke`. */
  readonly name: string
  readonly bytesMax: number
  readonly write: (value: Value) => MessageInitShape<Schema>
  /** Checks every limit. Throws `protocol`. */
  readonly read: (message: MessageShape<Schema>) => Value
  /** Whether `read` gets fields that this version does not know, so that it can refuse them; else they are left out. @default false */
  readonly keepsUnknown?: boolean
  /** Checks a message before it is sent. Throws `protocol`. @default all that `read` checks */
  readonly check?: (message: MessageShape<Schema>) => void
}

/** The codec of one message. What it encodes it would also decode: a sender hears of a broken limit before the receiver does. */
export function createCodec<Schema extends DescMessage, Value>(mapping: Mapping<Schema, Value>): Codec<Value> {
  const { schema, name, bytesMax, write, read, check = read, keepsUnknown = false } = mapping
  // Only where the body is the only field of such a message: all fields of the schema are alternatives (`oneof`).
  const bodyField = schema.fields.every(({ oneof }) => oneof !== undefined) ? schema.field['body']?.number : undefined
  return {
    encode(value) {
      const bytes = written(value, (message, bulk) => (bulk === undefined ? binary(message) : withBulk(new BinaryWriter(), ...bulk)))
      limit(bytes.length)
      return bytes
    },
    encodeParts(value) {
      const parts = written(value, (message, bulk) =>
        bulk === undefined ? [binary(message)] : [bulkHead(new BinaryWriter(), ...bulk), bulk[1]]
      )
      limit(parts.reduce((sum, { length }) => sum + length, 0))
      return parts
    },
    decode(bytes) {
      if (bytes.length > bytesMax) refuse(`${name}: a message of ${bytes.length} bytes, more than ${bytesMax}`)
      let message: MessageShape<Schema>
      try {
        // A plain view: a socket's Buffer would make the parts Buffers, whose slice() does not copy.
        const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
        message = fromBinary(schema, plain, { readUnknownFields: keepsUnknown })
      } catch (cause) {
        throw new CaresError('protocol', `${name}: the message cannot be read`, { cause })
      }
      return read(message)
    }
  }

  function written<T>(value: Value, form: (message: MessageShape<Schema>, bulk: [field: number, bytes: Uint8Array] | undefined) => T): T {
    try {
      const message = create(schema, write(value))
      check(message)
      const bulk = bulkOf(message)
      return form(message, bulk === undefined || bodyField === undefined ? undefined : [bodyField, bulk])
    } catch (cause) {
      throw new CaresError('invalid', `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }

  function binary(message: MessageShape<Schema>): Uint8Array {
    return toBinary(schema, message, { writeUnknownFields: false })
  }

  function limit(bytes: number): void {
    if (bytes > bytesMax) throw new CaresError('too_large', `${name}: a message of ${bytes} bytes; at most ${bytesMax} can be sent`)
  }
}

/** The bytes of a message that is nothing but a piece of a body, by the convention of `protocols/`, when they are many. */
function bulkOf(message: object): Uint8Array | undefined {
  const { kind } = message as { readonly kind?: { readonly case?: string; readonly value?: unknown } }
  if (kind?.case !== 'body' || !(kind.value instanceof Uint8Array) || kind.value.length < BULK_BYTES_MIN) return undefined
  return kind.value
}

import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/**
 * Fields of at least this length are appended by hand. The library's writer doubles a zeroed buffer until they fit, and copies once more at the end: for
 * a body of 64 KiB, 192 KiB of garbage instead of 64.
 */
export const BULK_BYTES_MIN = 4_096

/** The bytes that `head` has written so far, and then one more field with `bytes`: the same as if `head` had written that, too. */
export function withBulk(head: BinaryWriter, field: number, bytes: Uint8Array): Uint8Array {
  const begun = bulkHead(head, field, bytes)
  const whole = Buffer.allocUnsafe(begun.length + bytes.length)
  whole.set(begun)
  whole.set(bytes, begun.length)
  // A plain view: of a Buffer, slice() would not copy.
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.length)
}

/** What {@link withBulk} puts before `bytes`, for callers that send the two parts one after the other and so need no copy. */
export function bulkHead(head: BinaryWriter, field: number, bytes: Uint8Array): Uint8Array {
  return head.tag(field, WireType.LengthDelimited).uint32(bytes.length).finish()
}

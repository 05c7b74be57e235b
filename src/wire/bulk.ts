import { type BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/**
 * From here on bytes are put behind their head by hand. The library's writer makes room by doubling, zeroed, and copies once more when it is finished:
 * for a body of 64 KiB that is 192 KiB of garbage instead of 64.
 */
export const BULK_BYTES_MIN = 4_096

/** What `head` has written, then one field with these bytes, as `head` would have written it. */
export function withBulk(head: BinaryWriter, field: number, bytes: Uint8Array): Uint8Array {
  const begun = bulkHead(head, field, bytes)
  const whole = Buffer.allocUnsafe(begun.length + bytes.length)
  whole.set(begun)
  whole.set(bytes, begun.length)
  // A plain view: of a Buffer, slice() would not copy.
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.length)
}

/** What {@link withBulk} puts before the bytes: for who sends one after the other, without a copy of them. */
export function bulkHead(head: BinaryWriter, field: number, bytes: Uint8Array): Uint8Array {
  return head.tag(field, WireType.LengthDelimited).uint32(bytes.length).finish()
}

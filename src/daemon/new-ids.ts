import { randomUUID } from 'node:crypto'
import type { ArchiveId, ClusterUid, InvocationId } from '../model/ids.ts'

/** Crockford's base 32 in lower case: no letters that are read for digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** 122 random bits as `i-` and 26 characters. */
export function newInvocationId(): InvocationId {
  return `i-${base32(randomness())}` as InvocationId
}

/** 122 random bits as `c-` and 26 characters. */
export function newClusterUid(): ClusterUid {
  return `c-${base32(randomness())}` as ClusterUid
}

/** 122 random bits as `a-` and 26 characters. */
export function newArchiveId(): ArchiveId {
  return `a-${base32(randomness())}` as ArchiveId
}

/** 122 random bits as `w-` and 26 characters. */
export function newAdmissionId(): string {
  return `w-${base32(randomness())}`
}

/** The bits of a UUID (RFC 9562, version 4): Node keeps a store of these, and asks the kernel for new ones only now and then. */
function randomness(): Uint8Array {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex')
}

function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let count = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    count += 8
    while (count >= 5) {
      count -= 5
      text += ALPHABET[(bits >>> count) & 31]
    }
    bits &= (1 << count) - 1
  }
  return count === 0 ? text : text + ALPHABET[(bits << (5 - count)) & 31]
}

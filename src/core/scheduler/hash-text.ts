/** How many hashes there are. */
export const HASHES = 2 ** 32

/** A 32-bit hash of a text: FNV-1a, then the finaliser of MurmurHash3, as FNV alone mixes the last characters badly. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

/** The finaliser of MurmurHash3: every bit of a 32-bit number moves about half of the bits of the result, and no two numbers have the same one. */
export function mix(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

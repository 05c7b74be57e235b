/**
 * Bytes on sockets between two collections of young garbage. Of 4 to 8 MiB all did: V8 begins a full collection by itself when 16 MiB more are in use
 * outside of its heap, of which a byte on its way takes two; and after 2 MiB, what is on its way is found twice, and counts as old.
 */
const SWEEP_BYTES = 6_291_456

/** Collects what was made lately. */
export type Collect = () => void

/**
 * To be told of bytes that were read from a socket or written to one. Buffers are outside of V8's heap: next to nothing of them shows there, so
 * while images or large bodies pass through, it begins one full collection after the other, each of 50 to 100 ms, half of all processor time.
 * One of young objects takes a millisecond, and frees the same, since nothing of a transfer lives long.
 */
export function youngSweep(collect: Collect | undefined = nodeCollect()): (bytes: number) => void {
  if (collect === undefined) return () => {}
  let sinceBytes = 0
  return bytes => {
    sinceBytes += bytes
    if (sinceBytes < SWEEP_BYTES) return
    sinceBytes = 0
    collect()
  }
}

/** Only there with `--expose-gc`, which the launcher gives to a peer. */
function nodeCollect(): Collect | undefined {
  const { gc } = globalThis
  return gc === undefined ? undefined : () => gc({ type: 'minor' })
}

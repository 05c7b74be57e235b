const FORMAT = 'cares-snapshot'
/** Its name, and a version with room to grow. */
const START = new RegExp(`^${FORMAT} ([0-9]{1,16}) `)
const START_BYTES_MAX = FORMAT.length + 18

/**
 * The version of the snapshots that this peer makes, and the only one that it takes. Raised with every change of what a snapshot holds, new fields
 * included, so that a peer knows by the first bytes whether it can have it.
 */
export const SNAPSHOT_VERSION = 1

/** How a snapshot begins: a word, a version, and a checksum of what is behind this line. */
export function snapshotStart(checksum: string): string {
  return `${FORMAT} ${SNAPSHOT_VERSION} ${checksum}\n`
}

/** The version of the snapshot that begins with these bytes; undefined for what is none, and for too few bytes to tell. */
export function snapshotVersion(start: Uint8Array): number | undefined {
  const version = START.exec(Buffer.from(start.subarray(0, START_BYTES_MAX)).toString('latin1'))?.[1]
  return version === undefined ? undefined : Number(version)
}

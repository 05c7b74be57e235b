const FORMAT = 'cares-snapshot'
/** Its name, and a version with room to grow. */
const START = new RegExp(`^${FORMAT} ([0-9]{1,16}) `)
const START_BYTES_MAX = FORMAT.length + 18

/**
 * How a snapshot begins: a word, a version, and a checksum of what is behind this line. The version is that of the commands which made its tables: what
 * a snapshot may hold is raised with them, so that peers of two versions have snapshots in common as long as they have a log in common, and a peer knows
 * by the first bytes whether it can have one.
 */
export function snapshotStart(version: number, checksum: string): string {
  return `${FORMAT} ${version} ${checksum}\n`
}

/** The version of the snapshot that begins with these bytes; undefined for what is none, and for too few bytes to tell. */
export function snapshotVersion(start: Uint8Array): number | undefined {
  const version = START.exec(Buffer.from(start.subarray(0, START_BYTES_MAX)).toString('latin1'))?.[1]
  return version === undefined ? undefined : Number(version)
}

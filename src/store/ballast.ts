import { randomBytes } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivateFile } from './private-file.ts'

/**
 * What is kept back for the day on which the disk is full: on a full disk SQLite cannot even delete. It is room to write down that the peer
 * stopped, to log why, and to start once more.
 */
export const BALLAST_BYTES = 4 * 2 ** 20

/** Makes the ballast file of a data directory, unless it is there. Throws `internal` with `details.disk` `full` where there is no room. */
export function keepBallast(dataDir: string): void {
  const path = ballastPath(dataDir)
  if (statSync(path, { throwIfNoEntry: false })?.size === BALLAST_BYTES) return
  // Not zeros: a file system that compresses would keep nothing back.
  writePrivateFile(path, randomBytes(BALLAST_BYTES), { replace: true })
}

/** Frees what was kept back. The next start keeps some back again, if it can. */
export function dropBallast(dataDir: string): void {
  rmSync(ballastPath(dataDir), { force: true })
}

function ballastPath(dataDir: string): string {
  return join(dataDir, 'ballast')
}

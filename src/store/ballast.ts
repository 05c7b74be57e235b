import { randomBytes } from 'node:crypto'
import { rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CaresError } from '../model/errors.ts'
import { writePrivateFile } from './private-file.ts'

/**
 * Size of the file that is removed when the disk is full, since SQLite cannot even delete rows on a full disk. It gives room to write down that the
 * peer stopped, to log why, and to start once more.
 */
export const BALLAST_BYTES = 4 * 2 ** 20

/** What must be free besides the ballast: one that takes the last room would itself fill the disk. */
const FREE_BYTES_MIN = BALLAST_BYTES

/** Makes the ballast file of a data directory, unless it is there. False where there is too little room; throws `disk_failed` for what else ails the disk. */
export function keepBallast(dataDir: string): boolean {
  const path = ballastPath(dataDir)
  if (statSync(path, { throwIfNoEntry: false })?.size === BALLAST_BYTES) return true
  const { bavail, bsize } = statfsSync(dataDir)
  if (bavail * bsize < BALLAST_BYTES + FREE_BYTES_MIN) return false
  try {
    // Not zeros: a file system that compresses would keep nothing back.
    writePrivateFile(path, randomBytes(BALLAST_BYTES), { replace: true })
    return true
  } catch (error) {
    // A quota, which the room of the file system does not tell of.
    if (error instanceof CaresError && error.details['disk'] === 'full') return false
    throw error
  }
}

/** Frees what was kept back. The next start keeps some back again, if there is room. */
export function dropBallast(dataDir: string): void {
  rmSync(ballastPath(dataDir), { force: true })
}

function ballastPath(dataDir: string): string {
  return join(dataDir, 'ballast')
}

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { diskError } from './disk-error.ts'

/** Makes a directory, and those above it, that only its owner may enter. One that exists is left as it is. */
export function makePrivateDirectory(path: string): void {
  try {
    makeLevels(path)
  } catch (error) {
    throw diskError(`make the data directory ${path}`, error)
  }
}

/**
 * Level by level, since Node's own recursive way never ends where a directory exists and its file system refuses to make one in it by "no such
 * file": below /proc.
 */
function makeLevels(path: string): void {
  const above = dirname(path)
  if (above !== path && !existsSync(above)) makeLevels(above)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}

/** The bytes of a file, or undefined when there is none. Throws `disk_failed` when it cannot be read. */
export function readPrivateFile(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw diskError(`read ${path}`, error)
  }
}

/**
 * Writes a file that only its owner may read, whole or not at all, and to the disk: to a temporary name, fsync, then its own name. With
 * `replace: false` a file that is there already wins: the answer is then false, and nothing is changed.
 */
export function writePrivateFile(path: string, bytes: Uint8Array, { replace }: { replace: boolean }): boolean {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = openSync(temporary, 'wx', 0o600)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (replace) renameSync(temporary, path)
    else if (!linked(temporary, path)) return false
    syncDirectory(dirname(path))
    return true
  } catch (error) {
    throw diskError(`write ${path}`, error)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** A link, unlike a rename, never replaces: of two processes that start at once, one makes the file. */
function linked(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** A new name is on the disk only when its directory is. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

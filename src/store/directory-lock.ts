import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CaresError } from '../model/errors.ts'
import { diskError } from './disk-error.ts'

/** Holds a data directory until it is released. */
export interface DirectoryLock {
  release(): void
}

const SQLITE_BUSY = 5

/**
 * Takes a data directory for this process alone: two peers with one identity would vote twice. Throws `conflict`, with the holder's pid in
 * the details, when anyone has it, this process included.
 *
 * The lock is the operating system's: an open exclusive transaction on a small database of its own, so it ends with its process however
 * that ends, and nobody has to guess from a pid whether the holder still lives. The pid file serves the message only.
 */
export function lockDirectory(dataDir: string): DirectoryLock {
  const pidPath = join(dataDir, 'lock.pid')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(dataDir, 'lock.db'))
    database.exec('BEGIN EXCLUSIVE')
    writeFileSync(pidPath, `${process.pid} ${hostname()}\n`, { mode: 0o600 })
  } catch (error) {
    database?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) throw inUse(dataDir, pidPath)
    throw diskError(`lock the data directory ${dataDir}`, error)
  }
  const held = database
  return {
    release: () => {
      if (!held.isOpen) return
      rmSync(pidPath, { force: true })
      held.close()
    }
  }
}

function inUse(dataDir: string, pidPath: string): CaresError {
  const [pid, host] = holder(pidPath)
  const where = host === '' || host === hostname() ? '' : ` on ${host}`
  return new CaresError(
    'conflict',
    `the data directory ${dataDir} is in use by ${pid === null ? 'another process' : `process ${pid}${where}`}`,
    {
      hint: 'stop that peer, or give this one a directory of its own with --data',
      details: { pid, host }
    }
  )
}

/** The holder may have the lock and not yet have written who it is. */
function holder(pidPath: string): readonly [pid: number | null, host: string] {
  try {
    const [pid, host = ''] = readFileSync(pidPath, 'utf8').trim().split(' ')
    return /^[0-9]+$/.test(pid ?? '') ? [Number(pid), host] : [null, '']
  } catch {
    return [null, ''] // The conflict itself is certain; who it is was an extra.
  }
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { HealthCheck } from '../model/service.ts'
import { FORMAT } from './database.ts'

/** Whether this version can read what a data directory holds; nothing where it holds nothing yet. Changes nothing, and does not mind who has it open. */
export function dataChecks(dataDir: string): readonly HealthCheck[] {
  const path = join(dataDir, 'cares.db')
  if (!existsSync(path)) return []
  const name = 'data format'
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true })
    const format = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (format > FORMAT) {
      const hint = 'start the newer version, or give this one a directory of its own: cares peer --data DIR'
      return [{ name, ok: false, message: `written by a newer version: format ${format}, this one reads up to ${FORMAT}`, hint }]
    }
    return [{ name, ok: true, message: format === FORMAT ? 'of this version' : 'of an older version, brought up at the next start' }]
  } catch (error) {
    const hint = `move ${dataDir} away, whole, and start again: the peer joins as a new one`
    return [{ name, ok: false, message: `${path} cannot be read: ${(error as Error).message}`, hint }]
  } finally {
    database?.close()
  }
}

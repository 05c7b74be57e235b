import { CaresError } from '../model/errors.ts'
import type { PEER_SETTINGS } from './peer-settings.ts'
import type { Resolved } from './sources.ts'

/** The database that keeps the tasks; null: the log does. Throws `invalid` for a database without an address, and for an address that nobody uses. */
export function taskStoreUrlOf({ values, from }: Resolved<typeof PEER_SETTINGS>): string | null {
  const [kind, url] = [values['task-store'], values['task-store-url']]
  if ((kind === 'postgres') === (url !== null)) return url
  if (url !== null) {
    throw new CaresError('invalid', `${from('task-store-url')} names a database, and the tasks are kept in the log`, {
      hint: 'add --task-store postgres'
    })
  }
  throw new CaresError('invalid', `${from('task-store')} wants a database, and none is named`, {
    hint: 'add --task-store-url postgres://USER@HOST/NAME'
  })
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Whether a directory has the files of a peer. Makes nothing, as opening any of them would. */
export function holdsPeer(dataDir: string): boolean {
  return ['identity.key', 'cares.db'].every(file => existsSync(join(dataDir, file)))
}

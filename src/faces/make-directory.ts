import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory, and those above it, that only its owner may enter. Level by level: Node's own recursive way never ends below /proc, where a
 * directory exists and none can be made in it. Throws what the file system says.
 */
export function makeDirectory(path: string): void {
  const above = dirname(path)
  if (above !== path && !existsSync(above)) makeDirectory(above)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
  }
}

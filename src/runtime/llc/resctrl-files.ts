import { constants, type Dirent } from 'node:fs'
import { mkdir, open, readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where Linux mounts it, by its own documentation (resctrl.rst). */
export const RESCTRL_ROOT = '/sys/fs/resctrl'

/**
 * The few operations that the kernel's resctrl file system has, by path below its root. They reject with errors that have the kernel's `code`
 * (`ENOENT`, `EINVAL`, `ENOSPC`, `ESRCH` …); `info/last_cmd_status` then says why. Kept apart so that a fake with the kernel's rules can stand in.
 */
export interface ResctrlFiles {
  read(path: string): Promise<string>
  /** In one write, as the kernel takes each for a command. */
  write(path: string, text: string): Promise<void>
  /** Makes a group. */
  mkdir(path: string): Promise<void>
  /** Removes a group; what ran in it falls back to the one above. */
  rmdir(path: string): Promise<void>
  /** Names of the folders in one. */
  folders(path: string): Promise<readonly string[]>
}

/** The files of resctrl on this machine. */
export function resctrlFiles(root = RESCTRL_ROOT): ResctrlFiles {
  return {
    read: async path => readFile(join(root, path), 'utf8'),
    async write(path, text) {
      // Neither made nor cut off, as a file elsewhere would be: it is there, or that is the error.
      const file = await open(join(root, path), constants.O_WRONLY)
      try {
        await file.write(text)
      } finally {
        await file.close()
      }
    },
    mkdir: async path => mkdir(join(root, path)),
    rmdir: async path => rmdir(join(root, path)),
    async folders(path) {
      const entries: readonly Dirent[] = await readdir(join(root, path), { withFileTypes: true })
      return entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
    }
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Call in a `describe`: gives a function that makes a new empty directory. All of them are removed after each test. */
export function useTempDirs(): () => string {
  const made: string[] = []
  afterEach(() => {
    for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
  })
  return () => {
    const path = mkdtempSync(join(tmpdir(), 'cares-test-'))
    made.push(path)
    return path
  }
}

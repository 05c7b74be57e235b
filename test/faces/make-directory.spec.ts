import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../../src/faces/make-directory.ts'
import { skip } from '../support/skip.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

describe('making a directory', () => {
  const tempDir = useTempDirs()

  it('makes those above it, too, for its owner only, and leaves one that is there', () => {
    const path = join(tempDir(), 'a', 'b')
    makeDirectory(path)
    makeDirectory(path)
    assert.equal(statSync(path).mode & 0o777, 0o700)
  })

  it('is refused where a file is in the way', () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, '')
    assert.throws(() => makeDirectory(join(path, 'below')), { code: 'ENOTDIR' })
  })

  it('is refused where the file system makes none, instead of tried for ever', function () {
    if (!existsSync('/proc/self')) skip(this, 'this system has no /proc')
    // In a process of its own: what never returns could not be stopped from within.
    const module = JSON.stringify(new URL('../../src/faces/make-directory.ts', import.meta.url).href)
    const code = `const { makeDirectory } = await import(${module}); try { makeDirectory('/proc/x/y') } catch (error) { console.log(error.code) }`
    const options = { encoding: 'utf8', timeout: 10_000, killSignal: 'SIGKILL' } as const
    assert.equal(execFileSync(process.execPath, ['--input-type=module', '--eval', code], options), 'ENOENT\n')
  })
})

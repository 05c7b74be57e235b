import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CaresError } from '../../src/model/errors.ts'
import { makePrivateDirectory } from '../../src/store/private-file.ts'
import { skip } from '../support/skip.ts'

const MODULE = new URL('../../src/store/private-file.ts', import.meta.url).href

describe('a private directory', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'cares-private-'))
  })
  afterEach(async () => {
    await rm(root, { recursive: true })
  })

  it('is made with those above it, for its owner alone, and again without complaint', () => {
    const path = join(root, 'a', 'b', 'c')
    makePrivateDirectory(path)
    makePrivateDirectory(`${path}/`)
    for (const made of [path, join(root, 'a', 'b'), join(root, 'a')]) assert.equal(statSync(made).mode & 0o777, 0o700, made)
  })

  it('is not made where a file is, and says so', () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    for (const path of [file, join(file, 'below')])
      assert.throws(
        () => makePrivateDirectory(path),
        (error: unknown) => error instanceof CaresError && error.message.includes(path),
        path
      )
  })

  it('is refused where the file system makes none, instead of tried for ever', async function () {
    if (!existsSync('/proc/self')) skip(this, 'this system has no /proc')
    // In a process of its own: what never returns could not be stopped from within.
    const program = `const { makePrivateDirectory } = await import(${JSON.stringify(MODULE)})
      try { makePrivateDirectory('/proc/cares/data') } catch (error) { console.log(error.details.disk) }`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 10_000,
      killSignal: 'SIGKILL'
    })
    const [printed] = await Promise.all([text(child.stdout), once(child, 'close')])
    assert.equal(printed, 'no-access\n')
  })
})

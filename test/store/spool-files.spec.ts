import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createSpool } from '../../src/store/spool-files.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

describe('the spool of images on their way', () => {
  const tempDir = useTempDirs()

  it('gives back what it was given, from any offset, and no more', async () => {
    const file = await createSpool(join(tempDir(), 'images')).create()
    await file.append([Buffer.from('abc'), Buffer.from(''), Buffer.from('de')])
    await file.append([Buffer.from('f')])
    assert.equal(Buffer.from(await file.read(0, 100)).toString(), 'abcdef')
    assert.equal(Buffer.from(await file.read(2, 3)).toString(), 'cde')
    assert.equal((await file.read(6, 10)).length, 0)
    await file.remove()
  })

  it('leaves nothing in its folder, not even while it is used', async () => {
    const folder = join(tempDir(), 'images')
    const file = await createSpool(folder).create()
    await file.append([Buffer.from('abc')])
    assert.deepEqual(await readdir(folder), [])
    await file.remove()
  })

  it('says what ails the disk', async () => {
    await assert.rejects(createSpool('/dev/null/images').create(), { code: 'disk_failed', details: { disk: 'no-access' } })
  })
})

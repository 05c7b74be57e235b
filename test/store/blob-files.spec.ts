import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../src/model/ids.ts'
import { BlobFiles } from '../../src/store/blob-files.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

const addressOf = (text: string): Digest => `sha256:${createHash('sha256').update(text).digest('hex')}` as Digest

describe('BlobFiles', () => {
  const newDir = useTempDirs()
  const clock = new ManualClock()

  const opened = async (folder: string, roomBytes = 100): Promise<BlobFiles> => {
    const blobs = new BlobFiles({ folder, roomBytes }, { clock })
    await blobs.start()
    return blobs
  }
  const keep = async (blobs: BlobFiles, ...parts: string[]): Promise<Digest> => {
    const draft = await blobs.create()
    for (const part of parts) await draft.append(Buffer.from(part))
    return (await draft.keep()).digest
  }
  const textOf = async (blobs: BlobFiles, digest: Digest, offset = 0, bytesMax = 100): Promise<string> =>
    Buffer.from(await blobs.read(digest, offset, bytesMax)).toString()

  it('names what it keeps by the content, and gives any part of it', async () => {
    const blobs = await opened(newDir())
    const digest = await keep(blobs, 'hello, ', 'world')
    assert.equal(digest, addressOf('hello, world'))
    assert.equal(blobs.find(digest)?.bytes, 12)
    assert.deepEqual(
      [await textOf(blobs, digest, 7), await textOf(blobs, digest, 0, 5), await textOf(blobs, digest, 99)],
      ['world', 'hello', '']
    )
  })

  it('has after a restart what was kept, and nothing of what was only begun', async () => {
    const folder = newDir()
    const first = await opened(folder)
    const digest = await keep(first, 'kept')
    await (await first.create()).append(Buffer.from('begun'))
    const again = await opened(folder)
    assert.deepEqual(
      again.list().map(({ digest: of, bytes }) => [of, bytes]),
      [[digest, 4]]
    )
    assert.equal(readdirSync(folder).length, 1)
    assert.equal(await textOf(again, digest), 'kept')
  })

  it('refuses what there is no room for, and has the room of what was discarded or removed', async () => {
    const blobs = await opened(newDir(), 10)
    const digest = await keep(blobs, '123456')
    const draft = await blobs.create()
    await assert.rejects(draft.append(Buffer.from('12345')), { code: 'limit_reached', retryable: true })
    await draft.append(Buffer.from('1234'))
    await draft.discard()
    await keep(blobs, 'abcd')
    await assert.rejects(keep(blobs, 'x'), { code: 'limit_reached' })
    await blobs.remove(digest)
    assert.equal(blobs.find(digest), undefined)
    await assert.rejects(blobs.read(digest, 0, 1), { code: 'not_found' })
    await keep(blobs, '654321')
  })

  it('keeps the same content once, however often it comes', async () => {
    const blobs = await opened(newDir(), 10)
    const drafts = [await blobs.create(), await blobs.create()]
    for (const draft of drafts) await draft.append(Buffer.from('same'))
    const kept = await Promise.all(drafts.map(async draft => draft.keep()))
    assert.equal(kept[0]?.digest, kept[1]?.digest)
    assert.equal(blobs.list().length, 1)
    await keep(blobs, '123456')
  })

  it('touches no file that is not a blob', async () => {
    const folder = newDir()
    writeFileSync(join(folder, 'README'), 'mine')
    const blobs = await opened(folder)
    for (const odd of ['sha256:../README', 'README', `md5:${'0'.repeat(64)}`] as Digest[]) {
      assert.equal(blobs.find(odd), undefined)
      await blobs.remove(odd)
      await assert.rejects(blobs.read(odd, 0, 1), { code: 'not_found' }, odd)
    }
    assert.deepEqual(readdirSync(folder), ['README'])
  })

  it('remembers when each was used last', async () => {
    const blobs = await opened(newDir())
    const digest = await keep(blobs, 'x')
    const before = blobs.list()[0]?.usedAtMs ?? 0
    clock.advance(5_000)
    blobs.find(digest)
    assert.equal(blobs.list()[0]?.usedAtMs, before + 5_000)
  })
})

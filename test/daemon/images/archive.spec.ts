import assert from 'node:assert/strict'
import { Archive, BLOCK_BYTES } from '../../../src/daemon/images/archive.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { ArchiveId } from '../../../src/model/ids.ts'
import type { SpoolFile } from '../../../src/model/ports/spool.ts'
import { createMemorySpool } from '../../support/memory-spool.ts'

const signal = new AbortController().signal

async function archive(): Promise<{ made: Archive; file: SpoolFile & { removed: number } }> {
  const file = Object.assign(await createMemorySpool().create(), { removed: 0 })
  file.remove = async () => void file.removed++
  return { made: new Archive(file), file }
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString()
}

describe('an archive on its way', () => {
  it('is read while it comes, from any offset, to its end', async () => {
    const { made } = await archive()
    const [whole, rest] = [text(made.read(0, { signal })), text(made.read(3, { signal }))]
    await made.append(Buffer.from('abc'))
    made.flush()
    await made.append(Buffer.from('def'))
    await made.finish()
    assert.deepEqual(await Promise.all([whole, rest]), ['abcdef', 'def'])
  })

  it('hands blocks over by itself, and less only when told', async () => {
    const { made } = await archive()
    await made.append(Buffer.alloc(BLOCK_BYTES - 1))
    assert.equal(made.bytes, 0)
    await made.append(Buffer.alloc(1))
    assert.equal(made.bytes, BLOCK_BYTES)
  })

  it('gives what it has and then its failure, and takes no more', async () => {
    const { made } = await archive()
    await made.append(Buffer.from('abc'))
    made.flush()
    const chunks: string[] = []
    const reading = (async () => {
      for await (const chunk of made.read(0, { signal })) chunks.push(Buffer.from(chunk).toString())
    })()
    made.fail(new CaresError('peer_lost', 'cut'))
    await assert.rejects(reading, { code: 'peer_lost' })
    assert.deepEqual(chunks, ['abc'])
    await assert.rejects(made.append(Buffer.from('def')), { code: 'peer_lost' })
  })

  it('asks its file only for what is not at hand any more, and gives the same bytes', async () => {
    const { made, file } = await archive()
    const asked: number[] = []
    const read = file.read.bind(file)
    file.read = async (offset, bytesMax) => {
      asked.push(offset)
      return read(offset, bytesMax)
    }
    const block = (i: number): Buffer => Buffer.alloc(BLOCK_BYTES, i)
    const blocks = 40
    for (let i = 0; i < blocks; i++) await made.append(block(i))
    const behind = made.read((blocks - 1) * BLOCK_BYTES + 5, { signal })
    assert.deepEqual(Buffer.from((await behind.next()).value ?? []), block(blocks - 1).subarray(5))
    assert.deepEqual(asked, [])
    const [whole] = await Promise.all([Array.fromAsync(made.read(0, { signal })), behind.return(), made.finish()])
    assert.deepEqual(Buffer.concat(whole), Buffer.concat(Array.from({ length: blocks }, (_, i) => block(i))))
    assert.deepEqual(asked.slice(0, 2), [0, BLOCK_BYTES])
    assert.ok(asked.length < blocks, `${asked.length} of ${blocks} blocks came from the file`)
  })

  it('keeps its room until its last reader is done', async () => {
    const { made, file } = await archive()
    await made.append(Buffer.from('abc'))
    await made.finish()
    const reader = made.read(0, { signal })
    await reader.next()
    await made.drop()
    assert.equal(file.removed, 0)
    await reader.return()
    assert.equal(file.removed, 1)
    await assert.rejects(made.read(0, { signal }).next(), { code: 'image_not_found' })
  })

  it('refuses to become another archive halfway', async () => {
    const { made } = await archive()
    made.name('a-1' as ArchiveId)
    made.name('a-1' as ArchiveId)
    assert.throws(() => made.name('a-2' as ArchiveId), { code: 'protocol' })
  })

  it('stops waiting when its reader does', async () => {
    const { made } = await archive()
    const patience = new AbortController()
    const reading = made.read(0, { signal: patience.signal }).next()
    patience.abort(new CaresError('cancelled', 'enough'))
    await assert.rejects(reading, { code: 'cancelled' })
  })
})

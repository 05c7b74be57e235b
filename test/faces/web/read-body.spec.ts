import assert from 'node:assert/strict'
import { readBody } from '../../../src/faces/web/read-body.ts'

const read = async (content: string | Uint8Array, type = 'application/octet-stream') =>
  await readBody({
    headers: new Map([['content-type', type]]),
    body: (async function* () {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      // In two pieces, cut anywhere.
      yield bytes.subarray(0, 5)
      yield bytes.subarray(5)
    })()
  })

describe('a body that the page reads', () => {
  it('is text where it is text, with characters that are cut between pieces whole', async () => {
    const { text, bytes, isCut, isPicture, isShownWhole } = await read('né à Zürich')
    assert.deepEqual([text, bytes, isCut, isPicture, isShownWhole], ['né à Zürich', 14, false, false, true])
  })

  it('is no text where it is none', async () => {
    assert.equal((await read(Uint8Array.of(0xff, 0xfe, 0, 1))).text, null)
    assert.equal((await read('a\0b')).text, null)
    assert.equal((await read('')).text, '')
  })

  it('is a picture by its first bytes, or as it says', async () => {
    const { isPicture, blob } = await read(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a))
    assert.deepEqual([isPicture, blob.type], [true, 'image/png'])
    assert.equal((await read('<svg/>', 'image/svg+xml; charset=utf-8')).isPicture, true)
    assert.equal((await read('<script>', 'text/html')).isPicture, false)
  })

  it('is shown by its beginning and kept whole where it is long', async () => {
    const { text, blob, isShownWhole } = await read('a'.repeat(300_000))
    assert.deepEqual([text?.length, blob.size, isShownWhole], [262_144, 300_000, false])
  })
})

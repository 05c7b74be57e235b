import assert from 'node:assert/strict'
import fc from 'fast-check'
import { REPLAY_BODY_BYTES_MAX, ReplayBody } from '../../../src/daemon/calls/replay-body.ts'
import { INLINE_BODY_BYTES_MAX } from '../../../src/model/invocation.ts'

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString()
}

const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('ReplayBody', () => {
  it('gives a second reader the whole body, wherever the first one stopped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ maxLength: 20 }), { maxLength: 8 }), fc.nat(8), async (texts, stopAfter) => {
        const body = new ReplayBody(chunksOf(texts.map(bytes)))
        let read = 0
        if (stopAfter > 0) {
          for await (const _ of body.stream()) if (++read >= stopAfter) break
        }
        assert.equal(await textOf(body.stream()), texts.join(''))
      })
    )
  })

  it('gives a small body in one piece, and can still stream it', async () => {
    const body = new ReplayBody(chunksOf([bytes('ab'), bytes('cd')]))
    assert.equal(Buffer.from((await body.inline()) ?? []).toString(), 'abcd')
    assert.equal(await textOf(body.stream()), 'abcd')
  })

  it('has no one piece for a body above the inline limit, and loses nothing of it', async () => {
    const chunk = new Uint8Array(INLINE_BODY_BYTES_MAX / 2 + 1).fill(7)
    const body = new ReplayBody(chunksOf([chunk, chunk, chunk]))
    assert.equal(await body.inline(), undefined)
    assert.equal(Buffer.concat(await Array.fromAsync(body.stream())).length, chunk.length * 3)
  })

  it('refuses to start over once a body is too large to keep', async () => {
    const chunk = new Uint8Array(REPLAY_BODY_BYTES_MAX / 2)
    const body = new ReplayBody(chunksOf([chunk, chunk, chunk]))
    assert.equal(body.replayable, true)
    let read = 0
    for await (const part of body.stream()) read += part.length
    assert.equal(read, chunk.length * 3)
    assert.equal(body.replayable, false)
    await assert.rejects(body.stream().next(), { code: 'conflict' })
  })

  it('does not start over after its start was released', async () => {
    const body = new ReplayBody(chunksOf([bytes('x')]))
    await textOf(body.stream())
    body.release()
    assert.equal(body.replayable, false)
  })

  it('loses nothing when the answer begins in the middle of the upload', async () => {
    const chunk = (n: number): Uint8Array => bytes(String(n).padStart(4, '0'))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.nat(12), fc.boolean(), async (count, releaseAt, inlineFirst) => {
        const chunks = Array.from({ length: count }, (_, n) => chunk(n))
        let streaming = false
        async function* source(): AsyncGenerator<Uint8Array, void> {
          for (const [n, each] of chunks.entries()) {
            // While the reader waits for this chunk.
            if (n === releaseAt && streaming) body.release()
            yield each
          }
        }
        const body = new ReplayBody(source())
        if (inlineFirst) await body.inline()
        streaming = true
        const read: Uint8Array[] = []
        for await (const part of body.stream()) {
          read.push(part)
          // Between two chunks.
          if (read.length === releaseAt) body.release()
        }
        assert.equal(Buffer.concat(read).toString(), Buffer.concat(chunks).toString())
      })
    )
  })

  it('stops reading from the client when it is cancelled', async () => {
    let returned = false
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ value: bytes('x'), done: false as const }),
        return: async () => {
          returned = true
          return { value: undefined, done: true as const }
        }
      })
    }
    const body = new ReplayBody(source)
    body.cancel()
    assert.equal(returned, true)
  })
})

import assert from 'node:assert/strict'
import { AnswerBuffer } from '../../../src/daemon/calls/answer-buffer.ts'
import { type AnswerDown, INLINE_BODY_BYTES_MAX } from '../../../src/model/invocation.ts'

const HEAD = { status: 200, headers: [], start: 'cold' } as const
const END = { usage: { queueMs: 0, pullMs: 0, startMs: 0, runMs: 1, bytesIn: 0, bytesOut: 0 } }
const never = new AbortController().signal

async function collect(messages: AsyncIterable<AnswerDown>): Promise<{ types: string[]; body: string }> {
  const types: string[] = []
  const chunks: Uint8Array[] = []
  for await (const message of messages) {
    if (message.type === 'body') {
      chunks.push(message.chunk)
      continue
    }
    types.push(message.type)
    if (message.type !== 'answer' || message.whole === undefined) continue
    chunks.push(message.whole.body)
    types.push('whole')
  }
  return { types, body: Buffer.concat(chunks).toString() }
}

async function write(buffer: AnswerBuffer, text: string): Promise<void> {
  await buffer.write(Buffer.from(text), { signal: never })
}

describe('AnswerBuffer', () => {
  it('gives a reader the whole answer, whether it came before or after the end', async () => {
    const buffer = new AnswerBuffer()
    const early = collect(buffer.read(0, { signal: never }))
    buffer.setHead(HEAD)
    await write(buffer, 'hello ')
    await write(buffer, 'world')
    buffer.end(END)
    assert.deepEqual(await early, { types: ['answer', 'answer-end'], body: 'hello world' })
    assert.deepEqual(await collect(buffer.read(0, { signal: never })), { types: ['answer', 'whole'], body: 'hello world' })
  })

  it('gives a short answer that is there at once in one message, and a long one in pieces', async () => {
    const short = new AnswerBuffer()
    const reading = collect(short.read(0, { signal: never }))
    short.complete(HEAD, { body: Buffer.from('hello'), end: END })
    assert.deepEqual(await reading, { types: ['answer', 'whole'], body: 'hello' })
    assert.deepEqual(await collect(short.read(2, { signal: never })), { types: ['answer', 'answer-end'], body: 'llo' })
    assert.equal(short.finished, true)
    const long = new AnswerBuffer()
    long.complete(HEAD, { body: new Uint8Array(INLINE_BODY_BYTES_MAX + 1), end: END })
    assert.deepEqual((await collect(long.read(0, { signal: never }))).types, ['answer', 'answer-end'])
  })

  it('goes on from any byte, also within a chunk', async () => {
    const buffer = new AnswerBuffer()
    buffer.setHead(HEAD)
    await write(buffer, 'hello ')
    await write(buffer, 'world')
    buffer.end(END)
    for (let offset = 0; offset <= 11; offset++) {
      const { body } = await collect(buffer.read(offset, { signal: never }))
      assert.equal(body, 'hello world'.slice(offset), `offset ${offset}`)
    }
  })

  it('makes the writer wait while nobody reads, and goes on when somebody does', async () => {
    const buffer = new AnswerBuffer()
    buffer.setHead(HEAD)
    const chunk = new Uint8Array(300_000)
    let written = 0
    const writing = (async () => {
      for (let i = 0; i < 20; i++) {
        await buffer.write(chunk, { signal: never })
        written++
      }
      buffer.end(END)
    })()
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(written < 5, `${written} chunks were accepted with no reader`)
    assert.ok(buffer.keptBytes <= 1_500_000, `${buffer.keptBytes} bytes are kept`)
    const { body } = await collect(buffer.read(0, { signal: never }))
    await writing
    assert.equal(body.length, 20 * chunk.length)
    assert.ok(buffer.keptBytes <= 1_500_000, `${buffer.keptBytes} bytes are kept after all was read`)
  })

  it('says that the work is done when the bytes at the offset are gone', async () => {
    const buffer = new AnswerBuffer()
    buffer.setHead(HEAD)
    await write(buffer, 'abc')
    buffer.end(END)
    buffer.drop()
    await assert.rejects(collect(buffer.read(0, { signal: never })), { code: 'peer_lost', details: { execution: 'completed' } })
    assert.deepEqual((await collect(buffer.read(3, { signal: never }))).types, ['answer', 'answer-end'])
  })

  it('passes a failure on, with or without a head before it', async () => {
    const error = { code: 'timeout', message: 'late', retryable: false, details: '{}', started: true }
    const buffer = new AnswerBuffer()
    buffer.fail(error)
    assert.deepEqual(await Array.fromAsync(buffer.read(0, { signal: never })), [{ type: 'failed', error }])
    assert.equal(buffer.finished, true)
  })

  it('lets one reader give up without disturbing the other', async () => {
    const buffer = new AnswerBuffer()
    const abort = new AbortController()
    const first = collect(buffer.read(0, { signal: abort.signal }))
    const second = collect(buffer.read(0, { signal: never }))
    abort.abort(new Error('gone'))
    await assert.rejects(first, { message: 'gone' })
    buffer.setHead(HEAD)
    buffer.end(END)
    assert.deepEqual((await second).types, ['answer', 'whole'])
  })
})

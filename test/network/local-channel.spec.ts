import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import { WINDOW_BYTES } from '../../src/network/exchange.ts'
import { createLocalPair, type LocalPair } from '../../src/network/local-channel.ts'
import { CHUNK_BYTES_MAX } from '../../src/wire/limits.ts'
import { ATLAS } from '../support/samples.ts'

interface Part {
  readonly chunk: Uint8Array
}

const part = (bytes: number): Part => ({ chunk: new Uint8Array(bytes) })
const coded = (code: string) => (error: unknown) => error instanceof CaresError && error.code === code

describe('local channel', () => {
  let pair: LocalPair<Part, Part>
  let ended: number
  beforeEach(() => {
    ended = 0
    pair = createLocalPair(ATLAS, () => ended++)
  })

  it('hands the very messages over, in order, and ends when both sides have', async () => {
    const { dialler, acceptor } = pair
    const [one, two] = [part(1), part(2)]
    const waiting = acceptor.receive()
    await dialler.send(one)
    await dialler.send(two)
    dialler.end()
    assert.equal(await waiting, one)
    assert.equal(await acceptor.receive(), two)
    assert.equal(await acceptor.receive(), undefined)
    assert.equal(ended, 0)
    acceptor.end()
    assert.equal(await dialler.receive(), undefined)
    assert.equal(ended, 1)
    assert.equal(dialler.signal.aborted || acceptor.signal.aborted, false)
  })

  it('makes a sender wait while nobody reads, and lets it go on when somebody does', async () => {
    const { dialler, acceptor } = pair
    let sent = 0
    const sending = (async () => {
      for (; sent < 20; sent++) await dialler.send(part(65_536))
    })()
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(sent * 65_536 <= WINDOW_BYTES + 65_536, `${sent} messages were accepted with no reader`)
    for (let read = 0; read < 20; read++) await acceptor.receive()
    await sending
  })

  it('tells the other side of an abort after what was sent before, with its code, as it would travel', async () => {
    const { dialler, acceptor } = pair
    await dialler.send(part(1))
    dialler.abort(new CaresError('timeout', 'late', { details: { afterMs: 5 } }))
    assert.equal((await acceptor.receive())?.chunk.length, 1)
    await assert.rejects(acceptor.receive(), { code: 'timeout', message: 'late', details: { afterMs: 5 } })
    assert.equal(acceptor.signal.aborted, true)
    await assert.rejects(dialler.send(part(1)), coded('timeout'))
    await assert.rejects(dialler.receive(), coded('timeout'))
    assert.equal(ended, 1)
  })

  it('splits a chunk that is larger than one message of a lane', async () => {
    const { dialler, acceptor } = pair
    await dialler.send(part(2 * CHUNK_BYTES_MAX + 1))
    const sizes = [await acceptor.receive(), await acceptor.receive(), await acceptor.receive()].map(message => message?.chunk.length)
    assert.deepEqual(sizes, [CHUNK_BYTES_MAX, CHUNK_BYTES_MAX, 1])
  })

  it('wakes whoever waits to send or to receive when it ends badly', async () => {
    const { dialler, acceptor } = pair
    const receiving = assert.rejects(dialler.receive(), coded('cancelled'))
    for (let i = 0; i < WINDOW_BYTES / CHUNK_BYTES_MAX; i++) await dialler.send(part(CHUNK_BYTES_MAX))
    const sending = assert.rejects(dialler.send(part(1)), coded('cancelled'))
    acceptor.abort(new CaresError('cancelled', 'enough'))
    await Promise.all([receiving, sending])
  })

  it('takes and drops what comes once nobody reads, so that the sender can end', async () => {
    const { dialler, acceptor } = pair
    for (let i = 0; i < WINDOW_BYTES / CHUNK_BYTES_MAX; i++) await dialler.send(part(CHUNK_BYTES_MAX))
    const sending = dialler.send(part(CHUNK_BYTES_MAX))
    acceptor.end()
    acceptor.discard()
    await sending
    await dialler.send(part(CHUNK_BYTES_MAX))
    await dialler.send(part(CHUNK_BYTES_MAX))
    dialler.end()
    assert.equal(await acceptor.receive(), undefined, 'nothing was kept')
    assert.equal(ended, 1)
  })

  it('refuses a message after its own end, and a second reader', async () => {
    const { dialler } = pair
    dialler.end()
    await assert.rejects(dialler.send(part(1)), coded('internal'))
    void dialler.receive().catch(() => {})
    await assert.rejects(dialler.receive(), coded('internal'))
    dialler.abort(new CaresError('cancelled', 'the test is over'))
  })
})

import assert from 'node:assert/strict'
import type { MessageStream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { secretHandshake } from '../../src/network/secret-handshake.ts'

/** So many round trips of one byte over a connection: each takes four turns of a cipher. */
async function pingPong(a: MessageStream, b: MessageStream, rounds: number): Promise<void> {
  const done = Promise.withResolvers<void>()
  let left = rounds
  b.addEventListener('message', () => void b.send(new Uint8Array(1)))
  a.addEventListener('message', () => {
    if (left-- === 0) done.resolve()
    else a.send(new Uint8Array(1))
  })
  a.send(new Uint8Array(1))
  await done.promise
}

describe('secretHandshake', () => {
  it('leaves a private connection to which any amount may be given at once', async () => {
    const protector = secretHandshake('k7Qm000011112222333344445555')()
    const [outbound, inbound] = multiaddrConnectionPair({ delay: 0 })
    const [a, b] = await Promise.all([protector.protect(outbound), protector.protect(inbound)])
    const large = new Uint8Array(2_000_000)
    const arrived = Promise.withResolvers<void>()
    let bytes = 0
    const onMessage = ({ data }: { data: { byteLength: number } }): void => {
      bytes += data.byteLength
      if (bytes === large.length) arrived.resolve()
    }
    b.addEventListener('message', onMessage)
    a.send(large)
    await arrived.promise
    b.removeEventListener('message', onMessage)
    // Ciphers whose memory has grown once would grow with each of these, and come to its end within half as many.
    await pingPong(a, b, 250)
    assert.equal(a.status, 'open')
  })
})

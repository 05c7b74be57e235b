import assert from 'node:assert/strict'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, MultiaddrConnection } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { leanNoise } from '../../src/network/lean-noise.ts'
import { libp2pLogger } from '../../src/network/libp2p-logger.ts'
import { createTestLog } from '../support/test-log.ts'

/** Either side of where the other cipher takes over, one frame, and more than a frame holds. */
const SIZES = [0, 1, 15, 16, 583, 584, 585, 599, 600, 601, 1_400, 65_519, 65_520, 200_000]

const KINDS = { plain: noise, lean: leanNoise }

/** Two ends of one connection, secured by these; the bytes travel in chunks of at most this many. */
async function secured(
  dialer: keyof typeof KINDS,
  listener: keyof typeof KINDS,
  chunkSize: number
): Promise<[MessageStream, MessageStream]> {
  return between(...multiaddrConnectionPair({ delay: 0, chunkSize }), dialer, listener)
}

async function between(
  ours: MultiaddrConnection,
  theirs: MultiaddrConnection,
  dialer: keyof typeof KINDS,
  listener: keyof typeof KINDS
): Promise<[MessageStream, MessageStream]> {
  const encrypter = async (kind: keyof typeof KINDS) => {
    const privateKey = await generateKeyPair('Ed25519')
    const peerId = peerIdFromPrivateKey(privateKey)
    const upgrader = { getStreamMuxers: () => new Map() } as never
    return KINDS[kind]()({ privateKey, peerId, logger: libp2pLogger(createTestLog(), 'none'), upgrader })
  }
  const [dials, listens] = await Promise.all([encrypter(dialer), encrypter(listener)])
  const [out, into] = await Promise.all([dials.secureOutbound(ours), listens.secureInbound(theirs)])
  return [out.connection, into.connection]
}

/** Resolves with the first `count` bytes that arrive. */
async function read(from: MessageStream, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let have = 0
  if (count === 0) return Buffer.alloc(0)
  for await (const chunk of from) {
    chunks.push(chunk.subarray())
    have += chunk.byteLength
    if (have >= count) break
  }
  return Buffer.concat(chunks)
}

describe('noise that is spared work', () => {
  for (const [dialer, listener] of [
    ['lean', 'plain'],
    ['plain', 'lean'],
    ['lean', 'lean']
  ] as const) {
    it(`speaks with noise as it is: ${dialer} dials ${listener}`, async () => {
      const [ours, theirs] = await secured(dialer, listener, 65_536)
      const sent = SIZES.map((size, index) => Buffer.alloc(size, index + 1))
      const whole = Buffer.concat(sent)
      const arrived = Promise.all([read(theirs, whole.length), read(ours, whole.length)])
      for (const bytes of sent) {
        ours.send(bytes)
        theirs.send(bytes)
      }
      for (const bytes of await arrived) assert.deepEqual(bytes, whole)
    })
  }

  it('puts frames together that arrive in pieces, their lengths cut in two', async () => {
    for (const chunkSize of [1, 3]) {
      const [ours, theirs] = await secured('lean', 'lean', chunkSize)
      const sent = [700, 1, 20].map((size, index) => Buffer.alloc(size, index + 1))
      const arrived = read(theirs, 721)
      for (const bytes of sent) ours.send(bytes)
      assert.deepEqual(await arrived, Buffer.concat(sent))
    }
  })

  it('ends a connection whose bytes were changed on the way', async () => {
    for (const size of [10, 1_000]) {
      const [raw, far] = multiaddrConnectionPair({ delay: 0 })
      const [ours, theirs] = await between(raw, far, 'lean', 'lean')
      const closed = new Promise<Error | undefined>(resolve => theirs.addEventListener('close', ({ error }) => resolve(error)))
      const send = raw.send.bind(raw)
      raw.send = bytes => {
        const changed = Uint8Array.from(bytes.subarray())
        changed[5] = (changed[5] ?? 0) ^ 1
        return send(changed)
      }
      ours.send(Buffer.alloc(size, 1))
      assert.ok((await closed) instanceof Error)
    }
  })
})

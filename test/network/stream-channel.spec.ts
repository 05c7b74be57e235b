import assert from 'node:assert/strict'
import type { ArchiveId, Digest } from '../../src/model/ids.ts'
import type { ImageDown, ImageUp } from '../../src/model/image-transfer.ts'
import type { Libp2pTransport } from '../../src/network/libp2p-transport.ts'
import type { Channel } from '../../src/model/ports/transport.ts'
import { eventually } from '../support/eventually.ts'
import { createTestTransport } from './test-transport.ts'

const GET: ImageUp = { type: 'get', digest: 'sha256:x' as Digest, offset: 0, bytes: 8_388_608, direct: false }
const HEAD: ImageDown = { type: 'head', archive: 'a-1' as ArchiveId }
const PIECE_BYTES = 262_144

describe('an exchange on a stream of its own', () => {
  let asker: Libp2pTransport
  let sender: Libp2pTransport
  const ask = (): Promise<Channel<ImageUp, ImageDown>> => asker.open('image', sender.self, { signal: AbortSignal.timeout(20_000) })

  beforeEach(async () => {
    asker = await createTestTransport()
    sender = await createTestTransport()
    await Promise.all([asker.start(), sender.start()])
    asker.setMembers([{ id: sender.self, addresses: sender.addresses() }])
    await eventually('the two meet', () => asker.connected().length > 0)
  })
  afterEach(async () => {
    await Promise.all([asker.stop(), sender.stop()])
  })

  it('carries both ways, in order, and ends when both sides have', async () => {
    sender.handle('image', async channel => {
      assert.deepEqual(await channel.receive(), GET)
      await channel.send(HEAD)
      for (let i = 0; i < 40; i++) await channel.send({ type: 'body', chunk: new Uint8Array(PIECE_BYTES).fill(i) })
      assert.deepEqual(await channel.receive(), { type: 'more', bytes: 5 })
      await channel.send({ type: 'end' })
    })
    const channel = await ask()
    await channel.send(GET)
    assert.deepEqual(await channel.receive(), HEAD)
    for (let i = 0; i < 40; i++) {
      const message = await channel.receive()
      assert.ok(message?.type === 'body' && message.chunk.length === PIECE_BYTES && message.chunk[PIECE_BYTES - 1] === i, `piece ${i}`)
    }
    await channel.send({ type: 'more', bytes: 5 })
    channel.end()
    assert.deepEqual(await channel.receive(), { type: 'end' })
    assert.equal(await channel.receive(), undefined)
    assert.equal(channel.signal.aborted, false)
  })

  it('is lost, on both sides, when one of them aborts or fails', async () => {
    const served = Promise.withResolvers<unknown>()
    sender.handle('image', async channel => {
      await channel.receive()
      await channel.receive().catch(served.resolve)
    })
    const channel = await ask()
    await channel.send(GET)
    channel.abort(new Error('enough'))
    await assert.rejects(channel.receive())
    assert.equal(((await served.promise) as { code: string }).code, 'peer_lost')

    sender.handle('image', async () => {
      throw new Error('a defect')
    })
    const second = await ask()
    await assert.rejects(second.receive(), { code: 'peer_lost' })
    assert.ok(second.signal.aborted)
  })

  it('ends when more comes than anybody asked for, instead of filling the memory', async () => {
    const over = Promise.withResolvers<void>()
    sender.handle('image', async channel => {
      channel.signal.addEventListener('abort', () => over.resolve())
      while (!channel.signal.aborted) await channel.send({ type: 'body', chunk: new Uint8Array(PIECE_BYTES) })
    })
    const channel = await ask()
    await over.promise
    const read = async (): Promise<void> => {
      while ((await channel.receive()) !== undefined) continue
    }
    await assert.rejects(read(), { code: 'protocol' })
  })
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest, PeerId } from '../../../src/model/ids.ts'
import type { TaskRecord } from '../../../src/model/task.ts'
import { BlobFiles } from '../../../src/store/blob-files.ts'
import { useTempDirs } from '../../support/temp-dirs.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

const LARGE = 'input '.repeat(50_000)
const addressOf = (text: string): Digest => `sha256:${createHash('sha256').update(text).digest('hex')}` as Digest

describe('large inputs and results of tasks', function () {
  this.timeout(60_000)
  const newDir = useTempDirs()
  let cluster: MemoryCluster
  let folders: Map<PeerId, string>
  let roomBytes: number

  const start = async (peers: number): Promise<void> => {
    cluster = new MemoryCluster(
      {
        upper: input => input.toUpperCase(),
        count: input => String(input.length),
        fails: () => {
          throw new Error('no')
        }
      },
      {
        blobsOf: peer => {
          const folder = folders.get(peer) ?? newDir()
          folders.set(peer, folder)
          return new BlobFiles({ folder, roomBytes }, { clock: cluster.clock })
        }
      }
    )
    await cluster.start(peers)
  }

  beforeEach(() => {
    folders = new Map()
    roomBytes = 2 ** 24
  })
  afterEach(async () => cluster.stop())

  const signal = (): AbortSignal => cluster.clock.timeout(30_000)
  async function* bytesOf(text: string, size = 10_000): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size))
  }
  const submit = async (peer: MemoryPeer, image: string, input: string, key?: string) =>
    peer.service.tasks.submit({ image, attempts: 2 }, { input: bytesOf(input), ...(key === undefined ? {} : { key }), signal: signal() })
  const run = async (peer: MemoryPeer, image: string, input: string): Promise<TaskRecord> => {
    const { task } = await submit(peer, image, input)
    return peer.service.tasks.waitFor(task.id, { signal: signal() })
  }
  const outputOf = async (peer: MemoryPeer, id: string): Promise<string> => {
    // The news of its end may be on its way to this peer.
    await peer.service.tasks.waitFor(id, { signal: signal() })
    const { body } = await peer.service.tasks.output(id, { signal: signal() })
    return Buffer.concat(await Array.fromAsync(body)).toString()
  }
  /** Peers on whose disk it is. */
  const holdersOf = (text: string): readonly PeerId[] =>
    [...folders].filter(([, folder]) => readdirSync(folder).includes(addressOf(text).slice(7))).map(([peer]) => peer)

  it('go in and come out whole, with copies on a majority of the voters before they are acknowledged', async () => {
    await start(3)
    const { task } = await submit(cluster.peer(2), 'upper', LARGE)
    assert.equal(task.input?.inline, undefined)
    assert.equal(task.input?.bytes, LARGE.length)
    assert.ok((task.input?.blob?.holders.length ?? 0) >= 2)
    for (const holder of task.input?.blob?.holders ?? []) assert.ok(holdersOf(LARGE).includes(holder), holder)
    const over = await cluster.peer(2).service.tasks.waitFor(task.id, { signal: signal() })
    assert.equal(over.state, 'succeeded', JSON.stringify(over.attempts))
    assert.ok((over.result?.output.blob?.holders.length ?? 0) >= 2)
    for (const peer of cluster.peers) assert.equal(await outputOf(peer, task.id), LARGE.toUpperCase())
  })

  it('survive the loss of the peer that accepted them, and of its disk', async () => {
    await start(3)
    const [gateway, other] = cluster.workers
    assert.ok(gateway !== undefined && other !== undefined)
    const over = await run(gateway, 'upper', LARGE)
    await gateway.die()
    rmSync(folders.get(gateway.id) ?? '', { recursive: true })
    assert.equal(await outputOf(other, over.id), LARGE.toUpperCase())
  })

  it('are taken by nobody whose bytes are not what was asked for', async () => {
    await start(3)
    const over = await run(cluster.peer(0), 'upper', LARGE)
    const holders = over.result?.output.blob?.holders ?? []
    const reader = cluster.peers.find(peer => !holdersOf(LARGE.toUpperCase()).includes(peer.id))
    assert.ok(reader !== undefined, 'one peer of three has no copy')
    const [liar] = holders
    writeFileSync(join(folders.get(liar as PeerId) ?? '', addressOf(LARGE.toUpperCase()).slice(7)), LARGE)
    assert.equal(await outputOf(reader, over.id), LARGE.toUpperCase())
  })

  it('are uploaded through one peer and submitted through another', async () => {
    await start(3)
    const { digest, bytes } = await cluster.peer(0).service.tasks.upload(bytesOf(LARGE), { signal: signal() })
    assert.deepEqual([digest, bytes], [addressOf(LARGE), LARGE.length])
    for (const peer of cluster.peers) {
      const { task } = await peer.service.tasks.submit({ image: 'count' }, { inputDigest: digest, signal: signal() })
      const over = await peer.service.tasks.waitFor(task.id, { signal: signal() })
      assert.equal(await outputOf(peer, over.id), String(LARGE.length))
    }
    await assert.rejects(
      cluster.peer(0).service.tasks.submit({ image: 'count' }, { inputDigest: addressOf('nothing'), signal: signal() }),
      { code: 'not_found' }
    )
  })

  it('are the same request for the same key, however they are handed in', async () => {
    await start(3)
    const first = await submit(cluster.peer(0), 'count', LARGE, 'k')
    const { digest } = await cluster.peer(1).service.tasks.upload(bytesOf(LARGE), { signal: signal() })
    const again = await cluster
      .peer(1)
      .service.tasks.submit({ image: 'count', attempts: 2 }, { inputDigest: digest, key: 'k', signal: signal() })
    assert.deepEqual([again.task.id, again.created], [first.task.id, false])
    await assert.rejects(submit(cluster.peer(2), 'count', `${LARGE}!`, 'k'), { code: 'conflict' })
  })

  it('are refused where they are too large, or where there is no room for them', async () => {
    roomBytes = LARGE.length + 1
    await start(1)
    await run(cluster.peer(0), 'count', LARGE)
    // Its input is not needed any more, but kept for a while.
    await assert.rejects(submit(cluster.peer(0), 'count', `${LARGE}!!`), { code: 'limit_reached' })
    assert.deepEqual((await cluster.peer(0).service.tasks.list({ limit: 10 })).items.length, 1)
  })

  it('are refused without a word in the log when a majority cannot be reached', async () => {
    await start(3)
    const [alone] = cluster.workers
    assert.ok(alone !== undefined)
    cluster.isolate(alone)
    await assert.rejects(submit(alone, 'count', LARGE), { code: 'no_quorum' })
    cluster.heal()
  })

  it('leave no copy of what a program wrote that failed', async () => {
    await start(1)
    const over = await run(cluster.peer(0), 'fails', LARGE)
    assert.equal(over.state, 'dead')
    assert.deepEqual(readdirSync(folders.get(cluster.peer(0).id) ?? ''), [addressOf(LARGE).slice(7)])
  })
})

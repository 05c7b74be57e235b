import assert from 'node:assert/strict'
import { Blobs } from '../../../src/daemon/blobs/blobs.ts'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { BlobRef } from '../../../src/model/task.ts'
import { MemoryNetwork } from '../../../src/simulate/memory-transport.ts'
import { BlobFiles } from '../../../src/store/blob-files.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { useTempDirs } from '../../support/temp-dirs.ts'
import { createTestLog } from '../../support/test-log.ts'

const MINUTE_MS = 60_000

describe('blobs, looked after', () => {
  const newDir = useTempDirs()
  const log = createTestLog()
  const network = new MemoryNetwork({}, { clock: createSystemClock(), log })
  const clock = new ManualClock()
  const signal = new AbortController().signal
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  /** A peer of a cluster whose voters and references the test decides. */
  const peer = async (name: string, voters: readonly string[], referred: () => readonly BlobRef[] | null, alive = voters) => {
    const store = new BlobFiles({ folder: newDir(), roomBytes: 1_000 }, { clock })
    const transport = network.transport(name as PeerId)
    const blobs = new Blobs({
      store,
      transport,
      clock,
      log,
      voters: () => voters as PeerId[],
      peers: () => alive as PeerId[],
      referred: async () => referred()
    })
    transport.handle('blob', channel => blobs.serve(channel))
    await transport.start()
    await blobs.start()
    stops.push(async () => {
      await blobs.stop()
      await transport.stop()
    })
    return { blobs, store }
  }
  async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void> {
    yield Buffer.from(text)
  }

  it('are dropped when no task has referred to them, and nobody has used them, for ten minutes', async () => {
    let referred: readonly BlobRef[] | null = []
    const { blobs, store } = await peer('a', ['a'], () => referred)
    const needed = await blobs.keep(bytesOf('needed'), { signal })
    const unneeded = await blobs.keep(bytesOf('unneeded'), { signal })
    const has = (): readonly boolean[] => [needed, unneeded].map(({ digest }) => store.list().some(blob => blob.digest === digest))
    referred = [needed]
    clock.advance(10 * MINUTE_MS)
    await blobs.tidy()
    assert.deepEqual(has(), [true, true], 'not before')
    clock.advance(1)
    referred = null
    await blobs.tidy()
    assert.deepEqual(has(), [true, true], 'not while the references are unknown')
    referred = [needed]
    await blobs.tidy()
    assert.deepEqual(has(), [true, false])
    referred = []
    await blobs.tidy()
    assert.deepEqual(has(), [false, false])
  })

  it('come to a voter that lacks them, and to nobody else', async () => {
    const refs: BlobRef[] = []
    const a = await peer('a', ['a', 'b', 'c'], () => refs)
    const b = await peer('b', ['a', 'b', 'c'], () => refs)
    const d = await peer('d', ['a', 'b', 'c'], () => refs)
    refs.push(await a.blobs.keep(bytesOf('input'), { signal }))
    for (const { digest } of b.store.list()) await b.store.remove(digest)
    await b.blobs.tidy()
    await d.blobs.tidy()
    assert.deepEqual([b.store.list().length, d.store.list().length], [1, 0])
  })

  it('are held by another peer where voters cannot, and refused where nobody stands in', async () => {
    const alive = ['a']
    const a = await peer('a', ['a', 'gone', 'gone-too'], () => [], alive)
    await assert.rejects(a.blobs.keep(bytesOf('input'), { signal }), { code: 'no_quorum', retryable: true })
    await peer('d', [], () => [])
    alive.push('d')
    assert.deepEqual((await a.blobs.keep(bytesOf('input'), { signal })).holders.toSorted(), ['a', 'd'])
  })
})

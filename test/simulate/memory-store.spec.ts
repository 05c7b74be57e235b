import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import { MemoryDisk, MemoryStore } from '../../src/simulate/memory-store.ts'
import { storeCompliance } from '../compliance/store.ts'

storeCompliance('memory', () => {
  const disk = new MemoryDisk()
  return { store: () => new MemoryStore(disk) }
})

describe('a disk in memory', () => {
  it('fails every write while it is told to, and keeps what it has', async () => {
    const disk = new MemoryDisk()
    const store = new MemoryStore(disk)
    await store.start()
    await store.load()
    await store.persist({ append: [{ index: 1, term: 1, kind: 'noop' }] })
    disk.failure = new CaresError('internal', 'the disk is full')
    await assert.rejects(store.persist({ append: [{ index: 2, term: 1, kind: 'noop' }] }), disk.failure)
    assert.equal(disk.contents.entries.length, 1)
  })

  it('refuses a store that was killed, and serves its successor', async () => {
    const disk = new MemoryDisk()
    const killed = new MemoryStore(disk)
    await killed.start()
    await killed.load()
    disk.openedBy = null
    const successor = new MemoryStore(disk)
    await successor.start()
    assert.equal((await successor.load()).session, 2)
    await assert.rejects(killed.persist({ append: [] }), { code: 'stopping' })
    await killed.stop()
    await successor.persist({ append: [] })
  })
})

import assert from 'node:assert/strict'
import { emptyTables } from '../../src/core/registry/tables.ts'
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

  it('has the tables of the last flush after a crash, and the whole log', async () => {
    const disk = new MemoryDisk()
    const killed = new MemoryStore(disk)
    await killed.start()
    await killed.load()
    await killed.persist({ append: [1, 2, 3].map(index => ({ index, term: 1, kind: 'noop' })) })
    killed.apply([], { ...emptyTables(), draining: new Set(['a']) }, 1)
    await killed.flush()
    killed.apply([], { ...emptyTables(), draining: new Set(['b']) }, 2)
    await killed.persist({ append: [{ index: 4, term: 1, kind: 'noop' }] })
    assert.equal((await killed.snapshot()).index, 2, 'others are told what is known, on the disk or not')
    disk.openedBy = null
    const successor = new MemoryStore(disk)
    await successor.start()
    const { appliedIndex, tables, entries } = await successor.load()
    assert.deepEqual([appliedIndex, [...tables.draining], entries.length], [1, ['a'], 4])
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

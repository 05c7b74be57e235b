import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { SharedObservation } from '../../src/model/observation.ts'
import { SqliteObservationStore } from '../../src/store/observation-store.ts'

function observed(seq: number): SharedObservation {
  return {
    origin: 'a' as PeerId,
    seq,
    at: '2026-01-02T03:04:05.000Z',
    function: 'thumb@1',
    digest: 'sha256:a' as Digest,
    peer: 'w' as PeerId,
    start: 'warm',
    params: 'quality=high',
    inputBytes: seq,
    outputBytes: 0,
    pullMs: 0,
    startMs: 1,
    runMs: 10.5,
    clean: true
  }
}

describe('SqliteObservationStore', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'cares-observations-'))
  })
  afterEach(() => rmSync(dataDir, { recursive: true }))

  const opened = async (): Promise<SqliteObservationStore> => {
    const store = new SqliteObservationStore({ dataDir })
    await store.start()
    return store
  }

  it('gives back what was written, in its order, after a restart, without what was dropped', async () => {
    const before = await opened()
    assert.deepEqual(await before.load(), [])
    await before.write([observed(1), observed(2), observed(3)], [])
    await before.write([observed(7), observed(5)], [observed(2), observed(99)])
    await before.stop()
    const after = await opened()
    assert.deepEqual(await after.load(), [observed(1), observed(3), observed(7), observed(5)])
    await after.stop()
  })

  it('starts anew when its file cannot be read', async () => {
    writeFileSync(join(dataDir, 'learned.db'), 'this is no database, '.repeat(500))
    const store = await opened()
    assert.deepEqual(await store.load(), [])
    await store.write([observed(1)], [])
    assert.equal((await store.load()).length, 1)
    await store.stop()
  })

  it('is for its owner only', async () => {
    const store = await opened()
    assert.equal(statSync(join(dataDir, 'learned.db')).mode & 0o777, 0o600)
    await store.stop()
  })

  it('may be stopped twice, and refuses work when it is not open', async () => {
    const store = await opened()
    await store.stop()
    await store.stop()
    await assert.rejects(store.load(), { code: 'stopping' })
  })
})

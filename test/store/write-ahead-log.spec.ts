import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase, transaction } from '../../src/store/database.ts'
import { checkWriteAheadLog } from '../../src/store/write-ahead-log.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

const HEADER_BYTES = 32
const FRAME_BYTES = 24 + 4_096
const TRANSACTIONS = 6

describe('the write-ahead log of a killed peer', () => {
  const makeDir = useTempDirs()
  let database: DatabaseSync
  let log: Buffer
  let path: string

  beforeEach(() => {
    const opened = join(makeDir(), 'live.db')
    database = openDatabase(opened, { bytesMax: 2 ** 24 })
    for (let i = 0; i < TRANSACTIONS; i++) add(i)
    log = readFileSync(`${opened}-wal`)
    path = `${opened}-copy-wal`
  })
  afterEach(() => {
    database.close()
  })

  function add(index: number): void {
    transaction(database, () => database.prepare('INSERT INTO staged VALUES (?, ?, 0)').run(index, Buffer.alloc(3_000, index)))
  }

  function check(bytes: Buffer): void {
    writeFileSync(path, bytes)
    checkWriteAheadLog(path)
  }

  it('is sound as it is, where there is none, and cut off anywhere', () => {
    check(log)
    checkWriteAheadLog(`${path}-none`)
    for (let cut = 0; cut < log.length; cut += 1_997) check(log.subarray(0, cut))
  })

  it('is sound with a last transaction that did not get to the disk as a whole', () => {
    const torn = Buffer.from(log)
    torn.fill(0, torn.length - FRAME_BYTES / 2)
    check(torn)
  })

  it('is sound with frames of its earlier use behind its end', () => {
    database.exec('PRAGMA wal_checkpoint(RESTART)')
    add(TRANSACTIONS)
    const live = database.location() ?? ''
    copyFileSync(`${live}-wal`, path)
    assert.equal(readFileSync(path).length, log.length, 'the file is used again from its start')
    checkWriteAheadLog(path)
  })

  it('is sound with what a transaction that was taken back has left behind its end', () => {
    const live = database.location() ?? ''
    const failed = new Error('it was not to be')
    const spill = (): void => {
      // More than SQLite keeps in memory.
      for (let i = 100; i < 700; i++) database.prepare('INSERT INTO staged VALUES (?, ?, 0)').run(i, Buffer.alloc(4_000))
      throw failed
    }
    assert.throws(() => transaction(database, spill), failed)
    assert.ok(readFileSync(`${live}-wal`).length > 2 * log.length, 'nothing was left behind')
    for (let i = TRANSACTIONS; i < TRANSACTIONS + 3; i++) {
      add(i)
      copyFileSync(`${live}-wal`, path)
      checkWriteAheadLog(path)
    }
  })

  it('is refused with any flipped bit in what others follow, and says which frame it is', () => {
    const lastSure = log.length - 3 * FRAME_BYTES
    for (let at = HEADER_BYTES; at < lastSure; at += 2_027) {
      const flipped = Buffer.from(log)
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at)
      const frame = 1 + Math.floor((at - HEADER_BYTES) / FRAME_BYTES)
      assert.throws(
        () => check(flipped),
        { code: 'disk_failed', details: { disk: 'corrupt' }, message: new RegExp(`damaged: frame ${frame} is not`) },
        `byte ${at} of ${log.length}`
      )
    }
  })

  it('is looked at before the database is opened, which would forget what follows', () => {
    const copied = join(makeDir(), 'copy.db')
    copyFileSync(database.location() ?? '', copied)
    const flipped = Buffer.from(log)
    flipped.writeUInt8(flipped.readUInt8(HEADER_BYTES + FRAME_BYTES + 100) ^ 1, HEADER_BYTES + FRAME_BYTES + 100)
    writeFileSync(`${copied}-wal`, flipped)
    assert.throws(() => openDatabase(copied, { bytesMax: 2 ** 24 }), { code: 'disk_failed', details: { disk: 'corrupt' } })
    truncateSync(`${copied}-wal`, 0)
    writeFileSync(`${copied}-wal`, log)
    const opened = openDatabase(copied, { bytesMax: 2 ** 24 })
    assert.equal(opened.prepare('SELECT count(*) AS count FROM staged').get()?.['count'], TRANSACTIONS)
    opened.close()
  })
})

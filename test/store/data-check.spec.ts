import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { dataChecks } from '../../src/store/data-check.ts'
import { FORMAT, openDatabase } from '../../src/store/database.ts'

describe('the check of a data directory', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cares-data-check-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
  })
  const path = (): string => join(folder, 'cares.db')

  it('says nothing of one that is new', () => assert.deepEqual(dataChecks(join(folder, 'none')), []))

  it('knows a database of this version, though a peer has it open', () => {
    const database = openDatabase(path(), { bytesMax: 2 ** 24 })
    try {
      assert.deepEqual(dataChecks(folder), [{ name: 'data format', ok: true, message: 'of this version' }])
    } finally {
      database.close()
    }
  })

  it('finds one of a newer version, and leaves it as it is', () => {
    const database = new DatabaseSync(path())
    database.exec(`PRAGMA user_version = ${FORMAT + 2}`)
    database.close()
    const [check] = dataChecks(folder)
    assert.deepEqual(
      [check?.ok, check?.message],
      [false, `written by a newer version: format ${FORMAT + 2}, this one reads up to ${FORMAT}`]
    )
    assert.match(check?.hint ?? '', /--data DIR/)
  })

  it('finds one that is broken', async () => {
    await writeFile(path(), 'this is no database at all, only text that is long enough to be taken for one'.repeat(20))
    assert.match(dataChecks(folder)[0]?.message ?? '', /cannot be read: file is not a database/)
  })
})

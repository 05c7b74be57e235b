import assert from 'node:assert/strict'
import { CaresError } from '../../src/model/errors.ts'
import { damaged, type DiskFault, diskError } from '../../src/store/disk-error.ts'

const sqlite = (errcode: number, message: string): Error => Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode })
const errno = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code })

describe('a disk error', () => {
  const cases: readonly (readonly [error: unknown, fault: DiskFault])[] = [
    [sqlite(13, 'database or disk is full'), 'full'],
    [sqlite(10, 'disk I/O error'), 'io'],
    [sqlite(10 | (12 << 8), 'disk I/O error'), 'io'],
    [sqlite(8, 'attempt to write a readonly database'), 'read-only'],
    [sqlite(11, 'database disk image is malformed'), 'corrupt'],
    [sqlite(26, 'file is not a database'), 'corrupt'],
    [sqlite(14, 'unable to open database file'), 'no-access'],
    [sqlite(5, 'database is locked'), 'locked'],
    [sqlite(1, 'no such table: log'), 'unknown'],
    [errno('ENOSPC'), 'full'],
    [errno('EIO'), 'io'],
    [errno('EROFS'), 'read-only'],
    [errno('EACCES'), 'no-access'],
    [errno('EEXIST'), 'no-directory'],
    [errno('EMFILE'), 'unknown'],
    ['a thrown string', 'unknown']
  ]
  for (const [error, fault] of cases) {
    it(`of ${error instanceof Error ? error.message : String(error)} is called ${fault}`, () => {
      const mapped = diskError('write the log', error)
      assert.equal(mapped.code, 'disk_failed')
      assert.deepEqual(mapped.details, { disk: fault })
      assert.match(mapped.message, /^cannot write the log: /)
      assert.ok(mapped.hint)
      assert.equal(mapped.cause, error)
    })
  }

  it('is not put around an error that has a code already', () => {
    const error = new CaresError('conflict', 'in use')
    assert.equal(diskError('write', error), error)
  })

  it('of damaged data never advises to keep the identity without the log, which could vote twice', () => {
    assert.match(damaged('the log', 'a gap').hint ?? '', /whole data directory/)
  })
})

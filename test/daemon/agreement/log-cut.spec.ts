import assert from 'node:assert/strict'
import { createLog, entryBytes } from '../../../src/core/consensus/log.ts'
import { bytesUpTo, cutIndex } from '../../../src/daemon/agreement/log-cut.ts'
import type { Entry } from '../../../src/model/consensus.ts'

/** Entries from 11 on, each of 100 bytes and its bookkeeping. */
function logOf(count: number): ReturnType<typeof createLog> {
  const entries = Array.from(
    { length: count },
    (_, i): Entry => ({ index: 11 + i, term: 1, kind: 'command', command: new Uint8Array(100) })
  )
  return createLog({ index: 10, term: 1, configuration: { voters: [], learners: [] } }, entries)
}

const EACH = entryBytes({ index: 11, term: 1, kind: 'command', command: new Uint8Array(100) })
const MANY = 1_000_000

describe('where a log is cut', () => {
  for (const [what, { count, applied, kept, every, bytes }, expected] of [
    ['by their number, once there are enough more', { count: 20, applied: 30, kept: 5, every: 10, bytes: MANY }, 25],
    ['not for one that is too few', { count: 20, applied: 24, kept: 5, every: 10, bytes: MANY }, undefined],
    ['by their bytes, however few they are', { count: 20, applied: 30, kept: 100, every: 10, bytes: 4 * EACH }, 26],
    [
      'not by their bytes while they are less than twice as many',
      { count: 20, applied: 18, kept: 100, every: 10, bytes: 4 * EACH },
      undefined
    ],
    ['never beyond what is applied', { count: 20, applied: 25, kept: 100, every: 10, bytes: 0 }, 25],
    ['by whichever keeps less', { count: 20, applied: 30, kept: 2, every: 10, bytes: 4 * EACH }, 28]
  ] as const) {
    it(`is ${what}`, () => {
      const log = logOf(count)
      const retention = { trailingEntries: kept, compactEveryEntries: every, trailingBytes: bytes }
      assert.equal(cutIndex(log, { appliedIndex: applied, appliedBytes: bytesUpTo(log, applied) }, retention), expected)
    })
  }

  it('is by their number after all, when more bytes were counted than there are', () => {
    const retention = { trailingEntries: 100, compactEveryEntries: 10, trailingBytes: 10 * EACH }
    assert.equal(cutIndex(logOf(3), { appliedIndex: 13, appliedBytes: MANY }, retention), undefined)
  })
})

import assert from 'node:assert/strict'
import { TableFlush } from '../../../src/daemon/agreement/table-flush.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('when the tables are written', () => {
  const setUp = () => {
    const clock = new ManualClock()
    const seen = { due: 0, written: 0 }
    const store = { flush: async () => void seen.written++ }
    return { clock, seen, flush: new TableFlush({ store, clock, onDue: () => void seen.due++ }) }
  }

  it('once for all that has come within a quarter of a second, and not again without more', async () => {
    const { clock, seen, flush } = setUp()
    for (let i = 0; i < 24; i++) {
      flush.applied(1)
      await clock.pass(10)
      await flush.look()
    }
    assert.deepEqual(seen, { due: 0, written: 0 })
    await clock.pass(10)
    await flush.look()
    await flush.look()
    await clock.pass(1_000)
    assert.deepEqual(seen, { due: 1, written: 1 })
    flush.applied(1)
    await clock.pass(250)
    assert.equal(seen.due, 2)
  })

  it('at once when much has come', async () => {
    const { clock, seen, flush } = setUp()
    flush.applied(999)
    await flush.look()
    flush.applied(1)
    await flush.look()
    assert.deepEqual(seen, { due: 0, written: 1 })
    await clock.pass(1_000)
    assert.equal(seen.due, 0, 'nothing is left to write')
  })

  it('not any more when it was stopped', async () => {
    const { clock, seen, flush } = setUp()
    flush.applied(1)
    flush.stop()
    await clock.pass(1_000)
    await flush.look()
    assert.deepEqual(seen, { due: 0, written: 0 })
  })
})

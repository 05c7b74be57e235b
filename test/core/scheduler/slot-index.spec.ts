import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { SlotIndex } from '../../../src/core/scheduler/slot-index.ts'
import { TABLE_PEERS_MAX } from '../../../src/core/scheduler/placement-table.ts'

describe('an index of slots', () => {
  it('holds what a map would, lists each slot once, and the one that was set last at the end', () => {
    const slot = fc.oneof(fc.nat(9), fc.nat(TABLE_PEERS_MAX - 1))
    const change = fc.record({ slot, count: fc.option(fc.integer({ min: 1, max: 5 })) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), changes => {
        const index = new SlotIndex()
        const model = new Map<number, number>()
        for (const { slot, count } of changes) {
          if (count === null) {
            index.delete(slot)
            model.delete(slot)
          } else {
            index.set(slot, count)
            model.set(slot, count)
            assert.equal(index.at(index.size - 1), slot)
          }
        }
        const listed = Array.from({ length: index.size }, (_, i) => index.at(i))
        assert.deepEqual(
          listed.toSorted((a, b) => a - b),
          [...model.keys()].toSorted((a, b) => a - b)
        )
        for (const { slot } of changes) assert.equal(index.count(slot), model.get(slot) ?? 0)
      })
    )
  })
})

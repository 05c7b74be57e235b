import assert from 'node:assert/strict'
import fc from 'fast-check'
import { differences, draftShards, emptyShards, type Shards, shardsOf, valueAt } from '../../src/model/shards.ts'

const steps = fc.array(fc.record({ key: fc.string({ maxLength: 3 }), value: fc.option(fc.nat({ max: 5 }), { nil: undefined }) }), {
  maxLength: 60
})

describe('shards', () => {
  it('hold what a map would hold, whatever is done to them, and leave what they came from as it was', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 5 }), batches => {
        const expected = new Map<string, number>()
        let shards = emptyShards<number>()
        for (const batch of batches) {
          const [before, entries] = [shards, entriesOf(shards)]
          const draft = draftShards(shards)
          for (const { key, value } of batch) {
            if (value === undefined) {
              draft.delete(key)
              expected.delete(key)
            } else {
              draft.set(key, value)
              expected.set(key, value)
            }
            assert.equal(draft.get(key), value)
            assert.equal(draft.size, expected.size)
          }
          assert.equal([...draft.values()].length, expected.size)
          shards = draft.done()
          assert.deepEqual(entriesOf(before), entries, 'the map before the change')
        }
        assert.deepEqual(entriesOf(shards), expected)
        assert.equal(shards.size, expected.size)
        for (const [key, value] of expected) assert.equal(valueAt(shards, key), value)
      })
    )
  })

  it('tell what differs, and nothing else', () => {
    fc.assert(
      fc.property(steps, steps, (some, others) => {
        const entries = (list: typeof some) => list.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value] as const]))
        const from = shardsOf(entries(some))
        const to = shardsOf(entries(others))
        const patched = entriesOf(from)
        for (const [key, value] of differences(from, to)) {
          assert.notEqual(patched.get(key), value, `${key} is named although it is the same`)
          if (value === undefined) patched.delete(key)
          else patched.set(key, value)
        }
        assert.deepEqual(patched, entriesOf(to))
      })
    )
  })

  it('are the very same object when nothing was changed', () => {
    const shards = shardsOf([['a', 1]])
    const draft = draftShards(shards)
    draft.delete('b')
    assert.equal(draft.done(), shards)
  })

  it('share all buckets but those that were touched', () => {
    const shards = shardsOf(Array.from({ length: 5_000 }, (_, i) => [`t-${i}`, i] as const))
    const draft = draftShards(shards)
    draft.set('t-17', 0)
    const changed = draft.done().buckets.filter((bucket, at) => bucket !== shards.buckets[at])
    assert.equal(changed.length, 1)
  })
})

function entriesOf<Value>({ buckets }: Shards<Value>): Map<string, Value> {
  return new Map(buckets.flatMap(bucket => [...bucket]))
}

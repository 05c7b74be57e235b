import assert from 'node:assert/strict'
import type { PeerId } from '../../src/model/ids.ts'
import { peerName } from '../../src/model/peer-name.ts'

const ids = Array.from({ length: 12_800 }, (_, i) => `12D3KooW${(i * 7_919).toString(36)}` as PeerId)

describe('peerName', () => {
  it('gives one id one name, for ever', () => {
    // Changing these renames the peers of every running cluster.
    assert.equal(peerName('12D3KooWGRUaQkV1tmHJ6MmqXaLrvDvb5Q8cCqpXJ8yWJmzxvXqA' as PeerId), 'grouse')
    assert.equal(peerName('12D3KooWA' as PeerId), 'chough')
  })

  it('uses 128 short words about equally often', () => {
    const counts = Map.groupBy(ids, id => peerName(id))
    assert.equal(counts.size, 128)
    for (const [name, { length }] of counts) {
      assert.match(name, /^[a-z]{3,9}$/)
      assert.ok(length > 50 && length < 150, `${name}: ${length} of ${ids.length}`)
    }
  })

  it('adds two characters only where the word is taken', () => {
    const id = '12D3KooWA' as PeerId
    const word = peerName(id)
    assert.equal(peerName(id, new Set(['other'])), word)
    assert.match(peerName(id, new Set([word])), new RegExp(`^${word}-[a-z2-9]{2}$`))
  })

  it('seldom gives two peers the same name with its suffix', () => {
    const names = ids.slice(0, 100).map(id => peerName(id, new Set([peerName(id)])))
    assert.ok(new Set(names).size >= 99, `${new Set(names).size} names for 100 peers`)
  })
})

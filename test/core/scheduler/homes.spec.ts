import assert from 'node:assert/strict'
import { hashText } from '../../../src/core/scheduler/hash-text.ts'
import { homesOf } from '../../../src/core/scheduler/homes.ts'
import type { PeerId } from '../../../src/model/ids.ts'

const PEERS = Array.from({ length: 200 }, (_, i) => `12D3KooWpeer${i}` as PeerId)

function homes(fn: string, peers: readonly PeerId[] = PEERS): PeerId[] {
  const hashes = Uint32Array.from(peers, hashText)
  return homesOf(hashText(fn), peers, hashes, () => true).map(slot => peers[slot] ?? ('' as PeerId))
}

describe('homesOf', () => {
  it('finds the same homes in whatever order the peers are known', () => {
    assert.deepEqual(homes('thumb', [...PEERS].reverse()), homes('thumb'))
    assert.equal(new Set(homes('thumb')).size, 8)
  })

  it('lets the id decide between peers with the same hash', () => {
    const same = new Uint32Array(PEERS.length).fill(7)
    const first = homesOf(1, PEERS, same, () => true).map(slot => PEERS[slot])
    const reversed = [...PEERS].reverse()
    assert.deepEqual(
      homesOf(1, reversed, same, () => true).map(slot => reversed[slot]),
      first
    )
  })

  it('changes only the homes that a peer takes with it', () => {
    const before = homes('thumb')
    const after = homes(
      'thumb',
      PEERS.filter(peer => peer !== before[3])
    )
    assert.deepEqual(after.slice(0, 7), [...before.slice(0, 3), ...before.slice(4)])
    const stranger = PEERS.find(peer => !before.includes(peer))
    assert.deepEqual(
      homes(
        'thumb',
        PEERS.filter(peer => peer !== stranger)
      ),
      before
    )
  })

  it('makes every peer a home about equally often', () => {
    const counts = new Map<PeerId, number>()
    for (let i = 0; i < 2_000; i++) for (const peer of homes(`function-${i}`)) counts.set(peer, (counts.get(peer) ?? 0) + 1)
    // 80 expected, standard deviation 8.8: five of them each way.
    for (const peer of PEERS) assert.ok(Math.abs((counts.get(peer) ?? 0) - 80) < 44, `${peer}: ${counts.get(peer)}`)
  })

  it('takes all workers where there are few, and only workers', () => {
    const few = PEERS.slice(0, 3)
    assert.deepEqual(homes('thumb', few).sort(), [...few].sort())
    assert.deepEqual(
      homesOf(1, few, Uint32Array.from(few, hashText), slot => slot === 2),
      [2]
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { flows, layOut } from '../../../src/faces/web/map-layout.ts'
import type { PeerSample, Sample } from '../../../src/faces/web/live/samples.ts'
import { samplePeer } from '../samples.ts'

const peersOf = (count: number) => Array.from({ length: count }, (_, i) => samplePeer(`p${i}`))

describe('the map', () => {
  it('has the orchestrator in the middle, and every peer once', () => {
    const peers = peersOf(5)
    const nodes = layOut(peers, peers[3]?.id)
    assert.deepEqual([nodes[0]?.peer.name, nodes[0]?.x, nodes[0]?.y], ['p3', 0, 0])
    assert.deepEqual(nodes.map(({ peer }) => peer.name).sort(), ['p0', 'p1', 'p2', 'p3', 'p4'])
  })

  it('keeps all within its frame and apart from each other, up to a hundred peers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.boolean(), (count, elected) => {
        const peers = peersOf(count)
        const nodes = layOut(peers, elected ? peers[0]?.id : undefined)
        for (const { x, y, radius } of nodes) assert.ok(Math.abs(x) + radius <= 150 && Math.abs(y) + radius <= 96)
        for (const [i, a] of nodes.entries())
          for (const b of nodes.slice(i + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > Math.max(a.radius, b.radius), `${count} peers`)
      })
    )
  })

  it('draws work from the placer to the others that end executions', () => {
    const sample = (donePerS: number): PeerSample => ({ cpu: 0, memory: 0, running: 0, donePerS, failedPerS: 0, done: 0, failed: 0 })
    const at = (a: number, b: number, c: number): Sample => ({
      atMs: 0,
      cpu: 0,
      memory: 0,
      running: 0,
      donePerS: 0,
      failedPerS: 0,
      peers: new Map([
        ['a', sample(a)],
        ['b', sample(b)],
        ['c', sample(c)]
      ])
    })
    assert.deepEqual(flows([at(5, 1, 0), at(5, 3, 0)], 'a'), [{ from: 'a', to: 'b', perS: 2 }])
    assert.deepEqual(flows([at(5, 1, 0)], undefined), [])
    assert.deepEqual(flows([], 'a'), [])
  })
})

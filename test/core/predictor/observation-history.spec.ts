import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ObservationHistory, OBSERVATIONS_MAX } from '../../../src/core/predictor/observation-history.ts'
import { SAMPLES_MAX } from '../../../src/core/predictor/window.ts'
import type { Digest, PeerId } from '../../../src/model/ids.ts'
import type { SharedObservation } from '../../../src/model/observation.ts'

function observed(origin: string, seq: number, fn = 'thumb'): SharedObservation {
  return {
    function: `${fn}@1`,
    digest: 'sha256:a' as Digest,
    peer: 'w' as PeerId,
    start: 'warm',
    inputBytes: seq,
    outputBytes: 0,
    pullMs: 0,
    startMs: 1,
    runMs: 10,
    clean: true,
    origin: origin as PeerId,
    seq,
    at: ''
  }
}

const idsOf = (observations: readonly SharedObservation[]): string[] => observations.map(({ origin, seq }) => `${origin}${seq}`)

describe('the shared history of observations', () => {
  it('takes in each observation once, whoever tells it', () => {
    const history = new ObservationHistory()
    assert.deepEqual(idsOf(history.add([observed('a', 1), observed('a', 2)]).added), ['a1', 'a2'])
    assert.deepEqual(idsOf(history.add([observed('a', 2), observed('b', 1), observed('a', 5)]).added), ['b1', 'a5'])
    assert.deepEqual(history.known(), { a: 5, b: 1 })
    assert.equal(history.count, 4)
  })

  it('tells another peer what it lacks, a part at a time', () => {
    const history = new ObservationHistory()
    history.add([observed('a', 1), observed('b', 1), observed('a', 2), observed('b', 7)])
    assert.deepEqual(history.since({ ['a' as PeerId]: 1 }, 2), { observations: [observed('b', 1), observed('a', 2)], more: true })
    assert.deepEqual(history.since({ ['a' as PeerId]: 2, ['b' as PeerId]: 1 }, 2), { observations: [observed('b', 7)], more: false })
    assert.deepEqual(history.since(history.known(), 2), { observations: [], more: false })
  })

  it('keeps the newest of each function, and says which went for them', () => {
    const history = new ObservationHistory()
    history.add([observed('a', 1, 'rare')])
    const { dropped } = history.add(Array.from({ length: SAMPLES_MAX + 2 }, (_, i) => observed('a', i + 2)))
    assert.deepEqual(idsOf(dropped), ['a2', 'a3'])
    assert.equal(history.count, SAMPLES_MAX + 1)
    assert.deepEqual(idsOf(history.all()).slice(0, 2), ['a1', 'a4'])
  })

  it('is bounded, at the expense of the functions that are known best', () => {
    const history = new ObservationHistory()
    const functions = OBSERVATIONS_MAX / SAMPLES_MAX
    let seq = 0
    history.add([observed('a', ++seq, 'rare')])
    for (let fn = 0; fn < functions; fn++) history.add(Array.from({ length: SAMPLES_MAX }, () => observed('a', ++seq, `f${fn}`)))
    history.add([observed('a', ++seq, 'new')])
    assert.equal(history.count, OBSERVATIONS_MAX)
    const names = new Set(history.all().map(each => each.function))
    assert.ok(names.has('rare@1') && names.has('new@1'))
  })

  it('comes to the same on all peers, in whatever order they talk', () => {
    const talk = fc.array(
      fc.record({ from: fc.nat({ max: 3 }), to: fc.nat({ max: 3 }), news: fc.nat({ max: 3 }), max: fc.integer({ min: 1, max: 5 }) }),
      { maxLength: 60 }
    )
    fc.assert(
      fc.property(talk, talks => {
        const peers = Array.from({ length: 4 }, () => new ObservationHistory())
        const seqs = [0, 0, 0, 0]
        const pull = (from: number, to: number, max: number): boolean => {
          const { observations, more } = (peers[from] as ObservationHistory).since((peers[to] as ObservationHistory).known(), max)
          peers[to]?.add(observations)
          return more
        }
        for (const { from, to, news, max } of talks) {
          for (let i = 0; i < news; i++) peers[from]?.add([observed(`p${from}`, (seqs[from] = (seqs[from] ?? 0) + 1))])
          pull(from, to, max)
        }
        for (let round = 0; round < 4; round++) {
          for (let from = 0; from < 4; from++) for (let to = 0; to < 4; to++) while (pull(from, to, 5));
        }
        const known = peers.map(peer => peer.known())
        for (const each of known) assert.deepEqual(each, known[0])
        // What a peer had to drop it does not have; all others are the same.
        const sets = peers.map(peer => new Set(idsOf(peer.all())))
        if ((sets[0]?.size ?? 0) < SAMPLES_MAX) for (const set of sets) assert.deepEqual(set, sets[0])
      }),
      { numRuns: 100 }
    )
  })
})

import assert from 'node:assert/strict'
import type { EventItem } from '../../../../src/model/rest-events.ts'

import { SAMPLES_MAX, withSample } from '../../../../src/faces/web/live/samples.ts'
import { CALL_EVENTS_MAX, OTHER_EVENTS_MAX, reduce, UNKNOWN, UPLOADS_MAX } from '../../../../src/faces/web/live/state.ts'
import { CLUSTER, NOW_MS, PEERS, STATS } from '../../samples.ts'

const polled = { type: 'polled', nowMs: NOW_MS - 500, peers: PEERS, cluster: CLUSTER, stats: STATS } as const

const finished = (id: number): EventItem => ({
  id,
  at: new Date(NOW_MS + id).toISOString(),
  type: 'invocation:finished',
  data: { invocation: `i-${id}`, function: 'f', worker: null, status: 200, totalMs: 5, code: null }
})
const uploaded = (id: number): EventItem => ({
  id,
  at: new Date(NOW_MS + id).toISOString(),
  type: 'function:uploaded',
  data: { name: 'f', revision: id, image: 'cat' }
})

describe('what the page knows', () => {
  it('stays readable while the peer does not answer, and says since when', () => {
    const known = reduce(reduce(UNKNOWN, polled), { type: 'stream', open: true })
    const lost = reduce(known, { type: 'lost', reason: 'refused' })
    assert.deepEqual(lost.link, { state: 'lost', reason: 'refused' })
    assert.equal(lost.streaming, false)
    assert.equal(lost.peers, PEERS)
    assert.equal(lost.dataAtMs, NOW_MS - 500)
    assert.deepEqual(reduce(lost, polled).link, { state: 'answered' })
  })

  it('keeps lists that were not asked for this time', () => {
    const known = reduce(UNKNOWN, { ...polled, functions: [], calls: { items: [], missing: [] } })
    const later = reduce(known, polled)
    assert.deepEqual([later.functions, later.calls], [[], { items: [], missing: [] }])
  })

  it('has its events newest first', () => {
    const state = reduce(reduce(UNKNOWN, { type: 'events', items: [finished(1), finished(2)] }), { type: 'events', items: [finished(3)] })
    assert.deepEqual(
      state.events.map(({ id }) => id),
      [3, 2, 1]
    )
  })

  it('is bounded, and forgets nothing else because of calls', () => {
    let state = reduce(UNKNOWN, {
      type: 'events',
      items: Array.from({ length: Math.max(UPLOADS_MAX, OTHER_EVENTS_MAX) + 5 }, (_, i) => uploaded(i))
    })
    for (let i = 0; i < 7; i++)
      state = reduce(state, { type: 'events', items: Array.from({ length: 1_000 }, (_, j) => finished(i * 1_000 + j)) })
    assert.equal(state.events.length, CALL_EVENTS_MAX + OTHER_EVENTS_MAX)
    assert.equal(state.events.filter(({ type }) => type === 'function:uploaded').length, OTHER_EVENTS_MAX)
    assert.equal(state.uploads.length, UPLOADS_MAX)
    assert.equal(state.events[0]?.id, 6_999)
  })
})

describe('samples', () => {
  const [peer] = STATS.items
  assert.ok(peer)
  const at = (second: number, succeeded: number, failed = 0): typeof STATS => ({
    ...STATS,
    at: new Date(NOW_MS + second * 1_000).toISOString(),
    items: [{ ...peer, succeeded, failed }]
  })

  it('have rates per second of what ended in between', () => {
    const samples = withSample(withSample([], at(0, 10, 1)), at(2, 15, 2))
    assert.deepEqual([samples.at(-1)?.donePerS, samples.at(-1)?.failedPerS], [3, 0.5])
  })

  it('do not count a peer that is new or has started anew', () => {
    assert.equal(withSample([], at(0, 10)).at(-1)?.donePerS, 0)
    assert.equal(withSample(withSample([], at(0, 10)), at(1, 2)).at(-1)?.donePerS, 0)
  })

  it('are one for each time, and no more than are shown', () => {
    const one = withSample([], at(1, 1))
    assert.equal(withSample(one, at(1, 2)), one)
    let samples = one
    for (let i = 2; i < SAMPLES_MAX + 20; i++) samples = withSample(samples, at(i, i))
    assert.equal(samples.length, SAMPLES_MAX)
  })
})

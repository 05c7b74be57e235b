import assert from 'node:assert/strict'
import { History } from '../../../src/daemon/telemetry/history.ts'
import { LATENCY_CLASSES_MS, latencyClass, quantileMs } from '../../../src/model/history.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import { ATLAS, BIRCH, sampleProfile, sampleStats } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const viewOf = (changes: Partial<PeerView['stats']> = {}, session = 7, id: PeerId = ATLAS): PeerView => ({
  profile: sampleProfile({ id, name: id === ATLAS ? 'atlas' : 'birch', session }),
  stats: sampleStats(changes),
  state: 'alive',
  ageMs: 0
})

/** A history of peers that the test sets, on a clock that it moves. */
async function started(views: readonly PeerView[] = []) {
  const clock = new ManualClock()
  const now = { views }
  const history = new History({ clock, views: () => now.views })
  await history.start()
  return { clock, history, now }
}

const call = (fn: string, totalMs = 10) => ({ function: fn, totalMs, failed: false, cold: false })

describe('History', () => {
  it('has a step of 5 seconds once that is over', async () => {
    const { clock, history } = await started([viewOf({ cpusUsed: 1.5 })])
    clock.advance(4_000)
    assert.equal(history.read({ sinceMs: 60_000 }).steps, 0)
    clock.advance(3_000)
    const { steps, ageMs, stepMs, peers } = history.read({ sinceMs: 60_000 })
    assert.deepEqual({ steps, ageMs, stepMs, cpusUsed: peers[0]?.cpusUsed }, { steps: 1, ageMs: 2_000, stepMs: 5_000, cpusUsed: [1.5] })
  })

  it('counts what a peer did within each step, across its restart', async () => {
    const { clock, history, now } = await started([viewOf({ succeeded: 100 })])
    for (const view of [viewOf({ succeeded: 100 }), viewOf({ succeeded: 104 }), viewOf({ succeeded: 3 }, 8), viewOf({ succeeded: 5 }, 8)]) {
      now.views = [view]
      clock.advance(5_000)
    }
    assert.deepEqual(history.read({ sinceMs: 60_000 }).peers[0]?.succeeded, [0, 4, 3, 2])
  })

  it('knows nothing of a peer while it is gone, nor before it came', async () => {
    const { clock, history, now } = await started([viewOf()])
    clock.advance(5_000)
    now.views = [viewOf(), viewOf({}, 1, BIRCH)]
    clock.advance(5_000)
    now.views = [{ ...viewOf(), state: 'gone' }, viewOf({}, 1, BIRCH)]
    clock.advance(5_000)
    const running = new Map(history.read({ sinceMs: 60_000 }).peers.map(peer => [peer.name, peer.running]))
    assert.deepEqual(running.get('atlas'), [2, 2, null])
    assert.deepEqual(running.get('birch'), [null, 2, 2])
  })

  it('counts tasks and services as what runs on a peer', async () => {
    const { clock, history } = await started([viewOf({ running: 2, tasks: 3 })])
    clock.advance(5_000)
    assert.deepEqual(history.read({ sinceMs: 60_000 }).peers[0]?.running, [5])
  })

  it('sums a minute up: the mean of uses, the sum of counts', async () => {
    const { clock, history, now } = await started()
    for (let step = 0; step < 12; step++) {
      now.views = [viewOf({ cpusUsed: step < 6 ? 1 : 3, succeeded: step * 2 })]
      clock.advance(5_000)
    }
    clock.advance(3_600_000)
    const { stepMs, peers } = history.read({ sinceMs: 2 * 3_600_000 })
    assert.equal(stepMs, 60_000)
    assert.equal(peers[0]?.cpusUsed[0], 2)
    assert.equal(peers[0]?.succeeded[0], 22)
  })

  it('counts calls by function, in both resolutions', async () => {
    const { clock, history } = await started()
    history.count({ function: 'thumb', totalMs: 12, failed: false, cold: true })
    history.count({ function: 'thumb', totalMs: 900, failed: true, cold: false })
    clock.advance(5_000)
    history.count(call('ocr'))
    clock.advance(55_000)
    const [fine, coarse] = [history.read({ sinceMs: 3_600_000 }), history.read({ sinceMs: 7_200_000 })]
    const thumb = fine.functions.find(({ name }) => name === 'thumb')
    assert.deepEqual(thumb?.calls.slice(0, 2), [2, 0])
    assert.deepEqual([thumb?.failed[0], thumb?.cold[0]], [1, 1])
    assert.equal(thumb?.latency[0]?.[latencyClass(12)], 1)
    assert.equal(thumb?.latency[1], null)
    assert.deepEqual(
      coarse.functions.map(({ name, calls }) => [name, calls]),
      [
        ['thumb', [2]],
        ['ocr', [1]]
      ]
    )
    assert.deepEqual(history.recent('thumb', 12), { function: 'thumb', calls: 0, failed: 0 })
    assert.deepEqual(history.recent('thumb', 13), { function: 'thumb', calls: 2, failed: 1 })
  })

  it('counts the functions beyond its bound together', async () => {
    const { clock, history } = await started()
    for (let i = 0; i < 80; i++) history.count(call(`f${i}`))
    clock.advance(5_000)
    const { functions } = history.read({ sinceMs: 60_000 })
    assert.equal(functions.length, 65)
    assert.deepEqual(functions.find(({ name }) => name === 'other')?.calls, [16])
  })

  it('lets go of what has not been seen for a day', async () => {
    const { clock, history, now } = await started([viewOf()])
    history.count(call('thumb'))
    clock.advance(60_000)
    now.views = [viewOf({}, 1, BIRCH)]
    clock.advance(24 * 3_600_000 + 60_000)
    const { peers, functions, steps } = history.read({ sinceMs: 7 * 24 * 3_600_000 })
    assert.deepEqual(
      peers.map(({ name }) => name),
      ['birch']
    )
    assert.deepEqual(functions, [])
    assert.equal(steps, 1_439)
  })

  it('misses no more than the steps in which the process stood still', async () => {
    const { clock, history } = await started([viewOf()])
    clock.advance(5_000)
    await history.stop()
    clock.advance(30_000)
    await history.start()
    clock.advance(5_000)
    const running = history.read({ sinceMs: 60_000 }).peers[0]?.running
    assert.deepEqual(running, [2, null, null, null, null, null, 2, 2])
  })
})

describe('quantileMs', () => {
  const counts = (entries: Readonly<Record<number, number>>): number[] =>
    Array.from({ length: LATENCY_CLASSES_MS.length + 1 }, (_, i) => entries[i] ?? 0)

  it('is null of nothing', () => assert.equal(quantileMs(counts({}), 0.5), null))

  it('lies within the class of the value', () => {
    const durations = Array.from({ length: 1_000 }, (_, i) => 1.01 ** i / 2)
    const entries: Record<number, number> = {}
    for (const ms of durations) entries[latencyClass(ms)] = (entries[latencyClass(ms)] ?? 0) + 1
    for (const q of [0.1, 0.5, 0.9, 0.95]) {
      const [found, exact] = [quantileMs(counts(entries), q) ?? 0, durations[Math.floor(q * 1_000)] ?? 0]
      assert.ok(Math.abs(found / exact - 1) < 0.5, `${q}: ${found}, not ${exact}`)
    }
  })

  it('does not make up a duration beyond the last class', () => {
    assert.equal(quantileMs(counts({ [LATENCY_CLASSES_MS.length]: 5 }), 0.99), LATENCY_CLASSES_MS.at(-1))
  })
})

import assert from 'node:assert/strict'
import { SAMPLES_MAX, withHistory, withSample } from '../../../../src/faces/web/live/samples.ts'
import { HISTORY, STATS } from '../../samples.ts'

describe('the samples of the page', () => {
  const [atlas] = STATS.items

  it('begin with what was before the page was opened, each step as long as it was', () => {
    const live = withSample([], STATS)
    const samples = withHistory(live, HISTORY, STATS.items)
    assert.equal(samples.length, HISTORY.steps * 5 + 1)
    const times = samples.map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b)
    )
    assert.equal(new Set(times.map((at, i) => at - (times[i - 1] ?? at - 1_000))).size, 1, 'a second apart')
    const birch = samples.map(({ peers }) => peers.get(STATS.items[1]?.id ?? '')?.cpu ?? Number.NaN).slice(0, -1)
    assert.deepEqual(birch.slice(0, 5), [0, 0, 0, 0, 0])
    assert.ok((birch.at(-1) ?? 0) > 0.2)
  })

  it('go on with the rates that the history ends with', () => {
    const samples = withHistory(withSample([], STATS), HISTORY, STATS.items)
    assert.equal(samples.at(-1)?.donePerS, samples.at(-2)?.donePerS)
    assert.ok((samples.at(-1)?.donePerS ?? 0) > 0)
    // The next one counts from the first that was taken.
    const later = { ...STATS, at: '2026-11-22T12:00:02.000Z', items: STATS.items.map(item => ({ ...item, succeeded: item.succeeded + 4 })) }
    assert.equal(
      withSample(samples, later)
        .at(-1)
        ?.peers.get(atlas?.id ?? '')?.donePerS,
      2
    )
  })

  it('never become more than the page keeps', () => {
    const long = { ...HISTORY, steps: 720, peers: [] }
    assert.equal(withHistory(withSample([], STATS), long, STATS.items).length, SAMPLES_MAX)
  })
})

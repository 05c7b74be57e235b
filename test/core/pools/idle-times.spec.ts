import assert from 'node:assert/strict'
import { addIdleTime, createIdleTimes, type IdleTimes, warmWindow } from '../../../src/core/pools/idle-times.ts'
import { createRandom } from '../../../src/model/random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

function after(...idleMs: number[]): IdleTimes {
  const times = createIdleTimes()
  for (const ms of idleMs) addIdleTime(times, ms)
  return times
}

/** Runs a function's calls under a policy; a call is a moment. Gives the share of cold starts, and the minutes of idle containers. */
function replay(
  callsMs: readonly number[],
  windowOf: (times: IdleTimes) => { fromMs: number; untilMs: number }
): { cold: number; idleMs: number } {
  const times = createIdleTimes()
  let cold = 1
  let idleMs = 0
  callsMs.slice(1).forEach((atMs, i) => {
    const gapMs = atMs - (callsMs[i] ?? 0)
    const { fromMs, untilMs } = windowOf(times)
    if (gapMs < fromMs || gapMs > untilMs) cold++
    idleMs += Math.max(0, Math.min(gapMs, untilMs) - fromMs)
    addIdleTime(times, gapMs)
  })
  return { cold: cold / callsMs.length, idleMs }
}

const fixed = (ms: number) => (): { fromMs: number; untilMs: number } => ({ fromMs: 0, untilMs: ms })

function arrivals(count: number, gapMs: (i: number) => number): number[] {
  let atMs = 0
  return Array.from({ length: count }, (_, i) => (atMs += gapMs(i)))
}

describe('the idle times of a function', () => {
  for (const [claim, times, window] of [
    ['nothing is known: it stays for four hours', after(), { fromMs: 0, untilMs: 4 * HOUR_MS }],
    ['nine are too few', after(...Array.from({ length: 9 }, () => 1)), { fromMs: 0, untilMs: 4 * HOUR_MS }],
    ['all within a minute: a little more than that', after(...Array.from({ length: 20 }, () => 30_000)), { fromMs: 0, untilMs: 66_000 }],
    [
      'always half an hour: it is needed just before, and not long after',
      after(...Array.from({ length: 20 }, () => 30 * MINUTE_MS)),
      { fromMs: 27 * MINUTE_MS, untilMs: 34.1 * MINUTE_MS }
    ],
    [
      'spread over everything: it stays',
      after(...Array.from({ length: 241 }, (_, i) => i * MINUTE_MS)),
      { fromMs: 0, untilMs: 4 * HOUR_MS }
    ]
  ] as const) {
    it(`decide how long a container stays: ${claim}`, () => {
      const { fromMs, untilMs } = warmWindow(times)
      assert.deepEqual([Math.round(fromMs), Math.round(untilMs)], [window.fromMs, window.untilMs].map(Math.round))
    })
  }

  it('fade: what a function did long ago does not keep its containers', () => {
    const times = after(...Array.from({ length: 2_000 }, () => 3 * HOUR_MS))
    for (let i = 0; i < 30_000; i++) addIdleTime(times, 1_000)
    assert.equal(warmWindow(times).untilMs, 66_000)
  })

  it('start fewer functions cold than ten minutes for all, with less memory for those that come often', () => {
    const random = createRandom(7)
    const traces = {
      'every half hour': arrivals(200, () => 30 * MINUTE_MS),
      'every 45 minutes, roughly': arrivals(200, () => (40 + 10 * random()) * MINUTE_MS),
      'bursts of 20, every hour': arrivals(400, i => (i % 20 === 0 ? HOUR_MS : 5_000)),
      'all the time': arrivals(2_000, () => 20_000 * random())
    }
    for (const [name, trace] of Object.entries(traces)) {
      const learned = replay(trace, warmWindow)
      const tenMinutes = replay(trace, fixed(10 * MINUTE_MS))
      assert.ok(learned.cold <= tenMinutes.cold, `${name}: ${learned.cold} cold, against ${tenMinutes.cold}`)
    }
    const often = replay(traces['every half hour'], warmWindow)
    assert.ok(often.cold < 0.02, `a function that comes every half hour starts cold ${often.cold}`)
    assert.ok(
      often.idleMs < replay(traces['every half hour'], fixed(10 * MINUTE_MS)).idleMs,
      'and it holds more memory than ten minutes do'
    )
  })
})

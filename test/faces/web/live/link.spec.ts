import assert from 'node:assert/strict'
import { type Link, linkStatus } from '../../../../src/faces/web/live/link.ts'

describe('the link status', () => {
  const cases: readonly (readonly [link: Link, streaming: boolean, ageMs: number | null, tone: string, text: string])[] = [
    [{ state: 'connecting' }, false, null, 'warn', 'connecting'],
    [{ state: 'answered' }, true, 400, 'good', 'live'],
    [{ state: 'answered' }, false, 400, 'warn', 'live, events reconnecting'],
    [{ state: 'answered' }, true, 6_000, 'warn', 'slow, data 6 s old'],
    [{ state: 'lost', reason: 'refused' }, false, 12_300, 'bad', 'reconnecting, data 12 s old'],
    [{ state: 'lost', reason: 'refused' }, false, 125_000, 'bad', 'reconnecting, data 2m old'],
    [{ state: 'lost', reason: 'refused' }, false, null, 'bad', 'reconnecting, no data yet'],
    // A clock that was set back.
    [{ state: 'lost', reason: 'refused' }, false, -5_000, 'bad', 'reconnecting, data 0 s old'],
    [{ state: 'locked', refused: false }, false, 100, 'warn', 'locked: needs a token']
  ]
  for (const [link, streaming, ageMs, tone, text] of cases) {
    it(`says "${text}"`, () => {
      const nowMs = 1_000_000
      const dataAtMs = ageMs === null ? null : nowMs - ageMs
      assert.deepEqual(linkStatus(link, { streaming, dataAtMs, nowMs }), { tone, text })
    })
  }
})

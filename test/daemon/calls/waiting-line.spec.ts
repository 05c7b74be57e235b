import assert from 'node:assert/strict'
import type { Place } from '../../../src/core/scheduler/fair-line.ts'
import { WaitingLine } from '../../../src/daemon/calls/waiting-line.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const signal = new AbortController().signal
const endMs = 1e9
/** Longer than between two looks. */
const LOOK_MS = 501

describe('WaitingLine', () => {
  let clock: ManualClock
  let line: WaitingLine
  let woken: Place[]
  beforeEach(() => {
    clock = new ManualClock()
    line = new WaitingLine({ lengthMax: 4 }, { clock })
    woken = []
  })

  const wait = (place: Place, init: Partial<Parameters<WaitingLine['turn']>[1]> = {}): Promise<void> =>
    line.turn(place, { endMs, signal, ...init }).then(() => {
      woken.push(place)
    })
  const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

  it('wakes the first of each function, and nobody behind them', async () => {
    const [a, b, c] = [line.join('f'), line.join('f'), line.join('g')]
    const waits = [a, b, c].map(place => wait(place))
    line.wake()
    await settled()
    assert.deepEqual(woken, [a, c])
    line.served(a)
    line.wake()
    await Promise.all(waits)
    assert.deepEqual(woken, [a, c, b])
  })

  it('keeps the place of one that found no room', async () => {
    const [first, second] = [line.join('f'), line.join('f')]
    const waits = [wait(first), wait(second)]
    line.wake()
    await waits[0]
    const again = wait(first)
    line.wake()
    await again
    assert.deepEqual(woken, [first, first])
    line.leave(first)
    line.wake()
    await waits[1]
  })

  it('lets the first look again by itself, though nobody spoke of room', async () => {
    const [first, second] = [line.join('f'), line.join('f')]
    const waits = [wait(first), wait(second)]
    clock.advance(500)
    await waits[0]
    await settled()
    assert.deepEqual(woken, [first])
    line.leave(first)
    clock.advance(500)
    await waits[1]
  })

  it('refuses the newcomer of the function that fills the line, and makes room for another at its cost', async () => {
    const places = [1, 2, 3, 4].map(() => line.join('f'))
    const waits = places.map(place => wait(place))
    assert.throws(() => line.join('f'), { code: 'overloaded', retryable: true })
    const lost = assert.rejects(waits[3] ?? Promise.resolve(), { code: 'overloaded' })
    line.join('g')
    await lost
    assert.equal(line.length, 4)
    for (const place of places) line.leave(place)
    assert.equal(line.length, 1)
    await settled()
  })

  it('refuses at once who would wait for longer than its deadline, by what calls have taken', async () => {
    const done = line.hold('f')
    done.wasTypical()
    clock.advance(100)
    done[Symbol.dispose]()
    line.hold('f')
    const places = [line.join('f'), line.join('f'), line.join('f')] as const
    const inTime = wait(places[1], { endMs: clock.nowMs() + 150 })
    await assert.rejects(wait(places[2], { endMs: clock.nowMs() + 150 }), (error: { code: string; details: { retryAfterMs: number } }) => {
      assert.equal(error.code, 'overloaded')
      assert.equal(error.details.retryAfterMs, 200)
      return true
    })
    line.leave(places[0])
    line.wake()
    await inTime
  })

  it('refuses one that waits as soon as its turn will come too late', async () => {
    const places = [line.join('f'), line.join('f')] as const
    const late = assert.rejects(wait(places[1], { endMs: clock.nowMs() + 3_000 }), { code: 'overloaded' })
    const hold = line.hold('f')
    clock.advance(1_900)
    hold.wasTypical()
    hold[Symbol.dispose]()
    clock.advance(LOOK_MS)
    await late
  })

  /** Calls of `f` take a second, each of them. */
  function learn(): void {
    for (let i = 0; i < 20; i++) {
      const hold = line.hold('f')
      hold.wasTypical()
      clock.advance(1_000)
      hold[Symbol.dispose]()
    }
  }

  it('refuses at once who could begin in time, but not end', async () => {
    learn()
    const place = line.join('f')
    await assert.rejects(
      wait(place, { endMs: clock.nowMs() + 900 }),
      (error: { code: string; message: string; details: { retryAfterMs: number } }) => {
        assert.equal(error.code, 'overloaded')
        assert.match(error.message, /take \d+ms at least, and has 900ms left/)
        assert.ok(error.details.retryAfterMs > 900)
        return true
      }
    )
    assert.equal(line.length, 0)
  })

  it('gives room to the next when the first could not end any more, and tells the first', async () => {
    learn()
    line.hold('f')
    const [late, next] = [line.join('f'), line.join('f')] as const
    const refused = assert.rejects(wait(late, { endMs: clock.nowMs() + 1_100 }), { code: 'overloaded' })
    const served = wait(next, { endMs: clock.nowMs() + 5_000 })
    clock.advance(200)
    line.wake()
    await refused
    await served
    assert.deepEqual(woken, [next])
  })

  it('says nothing about calls by room that was none, nor by room that was held for another time than calls take', async () => {
    const [none, cutShort] = [line.hold('f'), line.hold('f')]
    clock.advance(60_000)
    none.wasNone()
    none[Symbol.dispose]()
    cutShort[Symbol.dispose]()
    const places = [line.join('f'), line.join('f')] as const
    const waiting = wait(places[1], { endMs: clock.nowMs() + 1_000 })
    line.leave(places[0])
    line.wake()
    await waiting
    assert.deepEqual(woken, [places[1]])
  })

  it('does not wait for one whose signal has aborted', async () => {
    const place = line.join('f')
    await assert.rejects(wait(place, { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' })
    const gone = new AbortController()
    const waiting = assert.rejects(wait(place, { signal: gone.signal }), { message: 'gone' })
    gone.abort(new Error('gone'))
    await waiting
    assert.equal(clock.pending, 0)
  })
})

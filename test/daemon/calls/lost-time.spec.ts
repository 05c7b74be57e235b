import assert from 'node:assert/strict'
import { LostTime } from '../../../src/daemon/calls/lost-time.ts'
import { PauseMonitor } from '../../../src/daemon/calls/pause-monitor.ts'
import type { AnswerEnd } from '../../../src/model/invocation.ts'
import type { Clock } from '../../../src/model/ports/clock.ts'

const END: AnswerEnd = { usage: { queueMs: 0, pullMs: 0, startMs: 0, runMs: 1, bytesIn: 0, bytesOut: 0 } }

/** A clock that can go on while nothing runs. */
class FreezableClock implements Pick<Clock, 'nowMs' | 'every'> {
  #nowMs = 0
  #task: (() => void) | undefined
  #everyMs = 0
  #nextMs = 0

  nowMs(): number {
    return this.#nowMs
  }

  every(ms: number, task: () => void): Disposable {
    this.#task = task
    this.#everyMs = ms
    this.#nextMs = this.#nowMs + ms
    return { [Symbol.dispose]: () => (this.#task = undefined) }
  }

  get isLooking(): boolean {
    return this.#task !== undefined
  }

  run(ms: number): void {
    const endMs = this.#nowMs + ms
    while (this.#task !== undefined && this.#nextMs <= endMs) {
      this.#nowMs = Math.max(this.#nowMs, this.#nextMs)
      this.#nextMs = this.#nowMs + this.#everyMs
      this.#task()
    }
    this.#nowMs = endMs
  }

  freeze(ms: number): void {
    this.#nowMs += ms
  }
}

describe('the time of an execution', () => {
  let clock: FreezableClock
  let pauses: PauseMonitor
  let lostTime: LostTime

  beforeEach(() => {
    clock = new FreezableClock()
    pauses = new PauseMonitor({ clock: clock as unknown as Clock })
    lostTime = new LostTime(pauses, { clock: clock as unknown as Clock })
  })

  const isDisturbed = (): boolean => lostTime.judged(END).usage.disturbed === true

  it('is trusted when nothing happened, however long it was', () => {
    clock.run(60_000)
    assert.deepEqual(lostTime.judged(END), END)
  })

  it('is not trusted when the worker was frozen, whether its answer or the next look comes first', () => {
    clock.run(1_000)
    clock.freeze(5_000)
    assert.ok(isDisturbed(), 'the answer')
    clock.run(1_000)
    assert.ok(isDisturbed(), 'a look')
  })

  it('is trusted when the freeze was short, or short beside it, or over before it began', () => {
    clock.freeze(400)
    assert.ok(!isDisturbed(), 'late by a third of a second')
    clock.freeze(2_000)
    assert.ok(isDisturbed())
    clock.run(30_000)
    assert.ok(!isDisturbed(), 'two seconds of half a minute')
    using later = new LostTime(pauses, { clock: clock as unknown as Clock })
    clock.run(1_000)
    assert.ok(later.judged(END).usage.disturbed === undefined, 'a later one')
  })

  it('is not trusted when a body was waited for', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a')
      await Promise.resolve()
      clock.run(800)
      yield Buffer.from('b')
    }
    assert.equal(Buffer.concat(await Array.fromAsync(lostTime.passing(body()))).toString(), 'ab')
    assert.ok(isDisturbed())
  })

  it('is watched only while something runs', () => {
    const other = new LostTime(pauses, { clock: clock as unknown as Clock })
    lostTime[Symbol.dispose]()
    assert.ok(clock.isLooking)
    other[Symbol.dispose]()
    assert.ok(!clock.isLooking)
  })
})

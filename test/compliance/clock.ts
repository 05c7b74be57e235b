import assert from 'node:assert/strict'
import type { Clock } from '../../src/model/ports/clock.ts'

/** A clock, and a way to let at least so much of its time pass. */
export interface TestClock {
  readonly clock: Clock
  readonly pass: (ms: number) => Promise<void>
}

/** What every Clock must do. The times are short enough for a real clock, and far enough apart for a busy machine. */
export function clockCompliance(name: string, create: () => TestClock): void {
  describe(`clock: ${name}`, () => {
    let clock: Clock
    let pass: (ms: number) => Promise<void>
    beforeEach(() => {
      ;({ clock, pass } = create())
    })

    it('never goes back, and passes as much time as it says', async () => {
      const before = clock.nowMs()
      await pass(20)
      const passedMs = clock.nowMs() - before
      // Node's timers count whole milliseconds from a start that was cut to one: they may be early by less than one.
      assert.ok(passedMs > 19, `${passedMs} ms`)
      assert.ok(clock.nowMs() >= before + passedMs)
    })

    it('tells the time of day as RFC 3339', () => {
      const timestamp = clock.timestamp()
      assert.equal(new Date(timestamp).toISOString(), timestamp)
    })

    it('wakes sleepers in the order of their times, none too early', async () => {
      const woken: number[] = []
      const startMs = clock.nowMs()
      const sleepers = [60, 0, 30].map(async ms => {
        await clock.sleep(ms)
        // A timer counts whole milliseconds from the start of its event-loop turn.
        assert.ok(clock.nowMs() - startMs >= ms - 1, `woken ${clock.nowMs() - startMs} ms after falling asleep for ${ms}`)
        woken.push(ms)
      })
      await Promise.all([...sleepers, pass(60)])
      assert.deepEqual(woken, [0, 30, 60])
    })

    it('wakes a sleeper early with the reason of its signal', async () => {
      const reason = new Error('enough')
      const abort = new AbortController()
      const sleeping = clock.sleep(60_000, { signal: abort.signal })
      abort.abort(reason)
      await assert.rejects(sleeping, reason)
      await assert.rejects(clock.sleep(60_000, { signal: abort.signal }), reason, 'aborted before it fell asleep')
    })

    it('does not mind a signal that aborts after the sleep', async () => {
      const abort = new AbortController()
      await Promise.all([clock.sleep(5, { signal: abort.signal }), pass(5)])
      abort.abort()
      await pass(1)
    })

    it('aborts a time-out with a TimeoutError, not before its time', async () => {
      const signal = clock.timeout(20)
      const later = clock.timeout(60_000)
      const fraction = clock.timeout(0.5)
      assert.equal(signal.aborted, false)
      const aborted = new Promise(resolve => {
        signal.addEventListener('abort', resolve, { once: true })
      })
      await Promise.all([aborted, pass(20)])
      assert.equal((signal.reason as Error).name, 'TimeoutError')
      assert.equal(fraction.aborted, true)
      assert.equal(later.aborted, false)
    })

    it('calls back once, after its time, unless disposed of', async () => {
      const calls: string[] = []
      const called = Promise.withResolvers<void>()
      clock.after(20, () => {
        calls.push('kept')
        called.resolve()
      })
      const disposed = clock.after(5, () => calls.push('disposed of'))
      disposed[Symbol.dispose]()
      disposed[Symbol.dispose]()
      assert.deepEqual(calls, [])
      await Promise.all([called.promise, pass(20)])
      await pass(25)
      assert.deepEqual(calls, ['kept'])
    })

    it('takes a time without end for a very long one', async () => {
      const signal = clock.timeout(Number.POSITIVE_INFINITY)
      await pass(5)
      assert.equal(signal.aborted, false)
    })

    it('repeats until it is disposed of', async () => {
      let count = 0
      const third = Promise.withResolvers<void>()
      const repetition = clock.every(5, () => {
        if (++count === 3) third.resolve()
      })
      assert.equal(count, 0)
      await Promise.all([third.promise, pass(15)])
      repetition[Symbol.dispose]()
      repetition[Symbol.dispose]()
      const disposedAt = count
      await pass(20)
      assert.equal(count, disposedAt)
    })

    it('never repeats what is still running, and goes on after it', async () => {
      const starts: PromiseWithResolvers<void>[] = []
      const started = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const repetition = clock.every(5, () => {
        const start = Promise.withResolvers<void>()
        starts.push(start)
        started[starts.length - 1]?.resolve()
        return start.promise
      })
      await Promise.all([started[0]?.promise, pass(5)])
      await pass(25)
      assert.equal(starts.length, 1)
      starts[0]?.resolve()
      await Promise.all([started[1]?.promise, pass(5)])
      assert.equal(starts.length, 2)
      repetition[Symbol.dispose]()
      starts[1]?.resolve()
    })
  })
}

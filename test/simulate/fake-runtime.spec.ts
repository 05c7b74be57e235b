import assert from 'node:assert/strict'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { CaresError } from '../../src/model/errors.ts'
import { createFakeRuntime } from '../../src/simulate/fake-runtime.ts'
import { call, rejectsWith } from '../compliance/runtime.ts'
import { sampleFunction } from '../support/samples.ts'

const fn = sampleFunction()
const open = () => createFakeRuntime({ capacity: { cpus: 2, memoryBytes: 2 * fn.memoryBytes, diskBytes: 1 }, clock: createSystemClock() })

describe('the fake runtime', () => {
  it('echoes a call, and does what its script says of others', async () => {
    const runtime = open()
    assert.equal((await call(runtime, fn, { body: 'hello' })).text, 'hello')
    runtime.script(() => ({ error: new CaresError('function_failed', 'scripted') }))
    await rejectsWith('function_failed', call(runtime, fn))
    runtime.script(() => ({ latencyMs: 50 }))
    await rejectsWith('timeout', call(runtime, fn, { timeoutMs: 1 }))
    assert.equal(runtime.executed.length, 3)
  })

  it('reserves memory while a call runs, and says busy without it', async () => {
    const runtime = open()
    const caller = new AbortController()
    runtime.script(() => ({ latencyMs: 10_000 }))
    const calls = [0, 1].map(async () => rejectsWith('cancelled', call(runtime, fn, { signal: caller.signal })))
    assert.equal(runtime.use().memoryReservedBytes, 2 * fn.memoryBytes)
    assert.equal((await rejectsWith('busy', call(runtime, fn))).details['available'], 0)
    caller.abort()
    await Promise.all(calls)
    assert.equal(runtime.use().memoryReservedBytes, 0)
  })
})

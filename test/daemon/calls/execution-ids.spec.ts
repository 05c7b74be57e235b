import assert from 'node:assert/strict'
import { AnswerBuffer } from '../../../src/daemon/calls/answer-buffer.ts'
import { type Execution, ExecutionIds } from '../../../src/daemon/calls/execution-ids.ts'
import type { InvocationId } from '../../../src/model/ids.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const signal = new AbortController().signal
const id = (n: number): InvocationId => `i-${n}` as InvocationId

function sampleExecution(n: number, round = 1): Execution {
  return { invocation: id(n), round, buffer: new AnswerBuffer(), abort: new AbortController(), readers: 0 }
}

describe('ExecutionIds', () => {
  let clock: ManualClock
  let ids: ExecutionIds

  beforeEach(() => {
    clock = new ManualClock()
    ids = new ExecutionIds({ clock })
  })

  /** Runs one to its end, with an answer of so many bytes. */
  async function finish(n: number, bytes: number, readers = 0): Promise<Execution> {
    const execution = { ...sampleExecution(n), readers }
    ids.register(execution)
    await execution.buffer.write(new Uint8Array(bytes), { signal })
    execution.buffer.end({ usage: { queueMs: 0, pullMs: 0, startMs: 0, runMs: 0, bytesIn: 0, bytesOut: bytes } })
    ids.finished(execution)
    return execution
  }

  it('counts what runs, and finds it until it is forgotten', () => {
    const execution = sampleExecution(1)
    ids.register(execution)
    assert.equal(ids.find(id(1)), execution)
    assert.deepEqual(ids.running(), [execution])
    ids.forget(execution)
    assert.equal(ids.find(id(1)), undefined)
    assert.equal(ids.runningCount, 0)
  })

  it('remembers that an id is done for longer than its answer', async () => {
    await finish(1, 10)
    clock.advance(31_000)
    await finish(2, 10)
    assert.equal(ids.find(id(1)), undefined)
    assert.equal(ids.isCompleted(id(1)), true)
    clock.advance(600_000)
    await finish(3, 10)
    assert.equal(ids.isCompleted(id(1)), false)
  })

  it('lets the oldest answers go when newer ones need their room', async () => {
    for (let n = 0; n < 80; n++) await finish(n, 2 ** 20)
    const kept = Array.from({ length: 80 }, (_, n) => ids.find(id(n)) !== undefined)
    assert.deepEqual(
      kept,
      Array.from({ length: 80 }, (_, n) => n >= 16)
    )
  })

  it('keeps an answer that is being read, and takes no more work when such answers fill the memory', async () => {
    for (let n = 0; n < 256; n++) await finish(n, 2 ** 20, 1)
    assert.ok(ids.find(id(0)))
    assert.equal(ids.hasRoom, true)
    await finish(256, 2 ** 20, 1)
    assert.equal(ids.hasRoom, false)
    for (let n = 0; n <= 256; n++) {
      const execution = ids.find(id(n))
      if (execution !== undefined) execution.readers = 0
    }
    await finish(300, 1)
    assert.equal(ids.hasRoom, true)
  })

  it('forgets no bytes of answers that are read on after their end', async () => {
    for (let n = 0; n < 100; n++) {
      const execution = sampleExecution(n)
      ids.register(execution)
      const reading = Array.fromAsync(execution.buffer.read(0, { signal }))
      execution.buffer.setHead({ status: 200, headers: [], start: 'warm' })
      for (let i = 0; i < 32; i++) await execution.buffer.write(new Uint8Array(2 ** 16), { signal })
      execution.buffer.end({ usage: { queueMs: 0, pullMs: 0, startMs: 0, runMs: 0, bytesIn: 0, bytesOut: 0 } })
      ids.finished(execution)
      await reading
    }
    await finish(1_000, 1)
    assert.ok(ids.find(id(1_000)), 'what was let go of was counted for ever')
  })

  it('knows at most so many ids, and forgets the oldest first', async () => {
    for (let n = 0; n < 100_010; n++) ids.withdraw(id(n), 1)
    assert.ok(ids.size <= 100_001, `${ids.size} ids`)
    assert.equal(ids.isWithdrawn(id(0), 1), false)
    assert.equal(ids.isWithdrawn(id(100_009), 1), true)
  })

  it('withdraws rounds up to the highest that was asked for', () => {
    ids.withdraw(id(1), 3)
    ids.withdraw(id(1), 2)
    assert.deepEqual(
      [1, 2, 3, 4].map(round => ids.isWithdrawn(id(1), round)),
      [true, true, true, false]
    )
  })
})

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from '../../../src/daemon/calls/work.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { InvocationId } from '../../../src/model/ids.ts'
import type { ExecuteDown, Order } from '../../../src/model/invocation.ts'
import { dial, type Dialled } from '../../support/dial.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ATLAS, BIRCH, INVOCATION, sampleFunction, sampleStats } from '../../support/samples.ts'
import { ScriptedRuntime, type Script } from '../../support/scripted-runtime.ts'
import { createTestLog } from '../../support/test-log.ts'

const SESSION = 7
const TERM = 3

function sampleOrder(changes: Partial<Order> = {}): Order {
  return {
    invocation: INVOCATION,
    attempt: { round: 1, try: 1 },
    placement: 'orchestrator',
    term: TERM,
    session: SESSION,
    order: 1,
    placer: BIRCH,
    function: sampleFunction({ image: 'echo' }),
    head: { method: 'POST', path: '/', query: '', headers: [] },
    deadlineMs: 30_000,
    body: Buffer.from('hi'),
    ...changes
  }
}

async function read({ channel }: Dialled<'execute'>): Promise<ExecuteDown[]> {
  const messages: ExecuteDown[] = []
  for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) messages.push(message)
  return messages
}

function bodyOf(messages: readonly ExecuteDown[]): string {
  const parts = messages.map(message => {
    if (message.type === 'answer') return message.whole?.body ?? new Uint8Array()
    return message.type === 'body' ? message.chunk : new Uint8Array()
  })
  return Buffer.concat(parts).toString()
}

/** Code and promise of a refusal. */
function failureOf(messages: readonly ExecuteDown[]): { code: string; started: boolean } | undefined {
  const last = messages.at(-1)
  return last?.type === 'failed' ? { code: last.error.code, started: last.error.started } : undefined
}

function failing(): never {
  throw new CaresError('function_failed', 'exited with code 3')
}

describe('Worker', () => {
  let clock: ManualClock
  let runtime: ScriptedRuntime
  let worker: Worker
  let term: number
  let draining: boolean
  let stalled: number
  let release: PromiseWithResolvers<void>
  /** What ran each time that the worker said that room had come free. */
  let roomTold: number[]
  /** Whom it has told of what they had cut short. */
  let cut: unknown[]

  beforeEach(() => {
    clock = new ManualClock()
    term = TERM
    draining = false
    stalled = 0
    roomTold = []
    cut = []
    release = Promise.withResolvers()
    const untilReleased: Script = async (input, { signal }) => {
      const aborted = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => aborted.reject(signal.reason as Error))
      await Promise.race([release.promise, aborted.promise])
      return input
    }
    runtime = new ScriptedRuntime('worker', { echo: input => input, fail: failing, slow: untilReleased, large: () => 'x'.repeat(900_000) })
    worker = new Worker(
      { self: ATLAS, session: SESSION },
      {
        runtime,
        clock,
        log: createTestLog(),
        term: () => term,
        draining: () => draining,
        stats: () => sampleStats({ running: runtime.use().running }),
        memoryStalledRatio: () => stalled,
        onRoom: () => roomTold.push(runtime.use().running),
        onCut: (gateway, invocation, { start, usage: { bytesIn } }) => cut.push([gateway, invocation, start, bytesIn])
      }
    )
  })

  const open = (): Dialled<'execute'> => dial('execute', BIRCH, channel => worker.serve(channel))

  async function give(order: Order): Promise<ExecuteDown[]> {
    const lane = open()
    await lane.channel.send({ type: 'order', order })
    return read(lane)
  }

  async function attach(round: number, offset = 0, invocation = INVOCATION): Promise<ExecuteDown[]> {
    const lane = open()
    await lane.channel.send({ type: 'attach', invocation, round, session: SESSION, offset })
    return read(lane)
  }

  const refusals: readonly { because: string; code: string; order?: Partial<Order>; given?: () => void }[] = [
    { because: 'another session of this worker', code: 'stale', order: { session: SESSION - 1 } },
    { because: 'an older term', code: 'stale', given: () => (term = TERM + 1) },
    {
      because: 'an image of another architecture',
      code: 'image_unsupported',
      order: { function: sampleFunction({ image: 'echo', arch: 'arm64' }) }
    },
    { because: 'a drained worker', code: 'peer_draining', given: () => (draining = true) },
    { because: 'a machine that waits for memory', code: 'busy', given: () => (stalled = 0.7) },
    { because: 'a stopping worker', code: 'stopping', given: () => worker.refuse() }
  ]
  for (const { because, code, order, given } of refusals) {
    it(`refuses an order for ${because}, and starts nothing`, async () => {
      given?.()
      assert.deepEqual(failureOf(await give(sampleOrder(order))), { code, started: false })
      assert.deepEqual(runtime.started, [])
    })
  }

  it('sends its present statistics with a refusal, unless the order is for another session', async () => {
    const statsOf = (messages: readonly ExecuteDown[]): unknown =>
      messages.map(message => (message.type === 'failed' ? (message.stats ?? null) : null))
    runtime.busyCount = 1
    const slow = give(sampleOrder({ invocation: 'i-slow' as InvocationId, function: sampleFunction({ image: 'slow' }) }))
    assert.deepEqual(statsOf(await slow), [sampleStats({ running: 0 })], 'refused by the runtime')
    draining = true
    assert.deepEqual(statsOf(await give(sampleOrder())), [sampleStats({ running: 0 })], 'refused by the worker')
    assert.deepEqual(statsOf(await give(sampleOrder({ session: SESSION - 1 }))), [null])
  })

  it('says that there is room once an execution has ended, and that none was taken by what it refuses', async () => {
    const slow = give(sampleOrder({ function: sampleFunction({ image: 'slow' }) }))
    await give(sampleOrder({ invocation: 'i-quick' as InvocationId }))
    draining = true
    await give(sampleOrder({ invocation: 'i-refused' as InvocationId }))
    assert.deepEqual(roomTold, [1])
    release.resolve()
    await slow
    await worker.drain({ signal: AbortSignal.timeout(1_000) })
    assert.deepEqual(roomTold, [1, 0])
  })

  it('takes an order for an image of its own architecture', async () => {
    assert.equal(bodyOf(await give(sampleOrder({ function: sampleFunction({ image: 'echo', arch: runtime.arch }) }))), 'hi')
  })

  it('takes a fallback order whatever term it has heard of', async () => {
    term = TERM + 1
    assert.equal(bodyOf(await give(sampleOrder({ placement: 'fallback' }))), 'hi')
  })

  it('gives a repeated order the first one’s answer, and starts once', async () => {
    const answers = await Promise.all([give(sampleOrder()), give(sampleOrder({ attempt: { round: 2, try: 1 } }))])
    assert.deepEqual(answers.map(bodyOf), ['hi', 'hi'])
    assert.equal(bodyOf(await give(sampleOrder())), 'hi')
    assert.deepEqual(runtime.started, [INVOCATION])
  })

  it('withdraws an id that it does not know: no order of that round or an earlier one runs, a later one does', async () => {
    assert.deepEqual(await attach(2), [{ type: 'unknown', session: SESSION }])
    for (const round of [1, 2]) {
      assert.deepEqual(failureOf(await give(sampleOrder({ attempt: { round, try: 9 } }))), { code: 'withdrawn', started: false })
    }
    assert.equal(bodyOf(await give(sampleOrder({ attempt: { round: 3, try: 1 } }))), 'hi')
  })

  it('forgets an id that was refused for want of room, so that it may come back in the same round', async () => {
    runtime.busyCount = 1
    assert.deepEqual(failureOf(await give(sampleOrder())), { code: 'busy', started: false })
    assert.equal(bodyOf(await give(sampleOrder({ attempt: { round: 1, try: 2 } }))), 'hi')
  })

  it('keeps the promise about a closed round when a later round finds no room', async () => {
    await attach(1)
    runtime.busyCount = 1
    assert.equal(failureOf(await give(sampleOrder({ attempt: { round: 2, try: 1 } })))?.code, 'busy')
    assert.deepEqual(failureOf(await give(sampleOrder())), { code: 'withdrawn', started: false })
    assert.deepEqual(runtime.started, [])
  })

  it('does not take a body that broke off for work that had not begun', async () => {
    const lane = open()
    await lane.channel.send({ type: 'order', order: sampleOrder({ body: undefined }) })
    assert.deepEqual(await lane.channel.receive(), { type: 'accepted' })
    await lane.channel.send({ type: 'body', chunk: Buffer.from('h') })
    lane.channel.abort(new CaresError('stopping', 'the gateway is stopping'))
    await worker.drain({ signal: clock.timeout(1_000) })
    await worker.start()
    assert.equal(failureOf(await give(sampleOrder()))?.started, true)
    assert.deepEqual(runtime.started, [INVOCATION])
  })

  /** Has functions answer `ok` after the first piece of their input, and go on to `rest` with the others. */
  function answerEarly(rest: (others: AsyncIterator<Uint8Array>) => Promise<void>): void {
    runtime.execute = async (_, { body }) => {
      const pieces = body[Symbol.asyncIterator]()
      await pieces.next()
      const usage = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: 1, bytesOut: 2 }
      const head = { status: 200, headers: [], start: 'warm' as const }
      const whole = { body: Buffer.from('ok'), end: { usage } }
      return { head, body: (async function* () {})(), end: Promise.resolve(whole.end), whole, rest: rest(pieces) }
    }
  }

  it('gives a function that has answered the rest of its input', async () => {
    const others: string[] = []
    answerEarly(async pieces => {
      for (let one = await pieces.next(); one.done !== true; one = await pieces.next()) others.push(Buffer.from(one.value).toString())
    })
    const { channel } = open()
    await channel.send({ type: 'order', order: sampleOrder({ body: undefined }) })
    assert.deepEqual(await channel.receive(), { type: 'accepted' })
    await channel.send({ type: 'body', chunk: Buffer.from('a') })
    assert.equal((await channel.receive())?.type, 'answer')
    assert.equal(await channel.receive(), undefined)
    assert.equal(worker.stats().running, 1, 'it holds what it holds')
    await channel.send({ type: 'body', chunk: Buffer.from('b') })
    await channel.send({ type: 'end' })
    channel.end()
    await eventually('nothing runs', () => worker.stats().running === 0)
    assert.deepEqual(others, ['b'])
    assert.equal(channel.signal.aborted, false)
  })

  it('has its gateway stop sending when a function that has answered reads no more', async () => {
    answerEarly(async () => {})
    const { channel } = open()
    await channel.send({ type: 'order', order: sampleOrder({ body: undefined }) })
    assert.deepEqual(await channel.receive(), { type: 'accepted' })
    await channel.send({ type: 'body', chunk: Buffer.from('a') })
    assert.equal((await channel.receive())?.type, 'answer')
    await eventually('the exchange is broken off', () => channel.signal.aborted)
    await assert.rejects(channel.send({ type: 'body', chunk: Buffer.from('b') }), { code: 'cancelled' })
    assert.equal(worker.stats().running, 0)
  })

  it('lets an execution go on for a while when its placer is lost, and ends it when nobody asks for the answer', async () => {
    const lane = open()
    await lane.channel.send({ type: 'order', order: sampleOrder({ function: sampleFunction({ image: 'slow' }) }) })
    await eventually('it runs', () => runtime.started.length > 0)
    lane.cut()
    await turn()
    clock.advance(9_000)
    await turn()
    assert.equal(worker.stats().running, 1)
    clock.advance(2_000)
    await eventually('nothing runs', () => worker.stats().running === 0)
    assert.equal(worker.stats().failed, 1)
  })

  it('keeps the execution of a lost placer when its gateway attaches', async () => {
    const lane = open()
    await lane.channel.send({ type: 'order', order: sampleOrder({ function: sampleFunction({ image: 'slow' }) }) })
    await eventually('it runs', () => runtime.started.length > 0)
    lane.cut()
    const attached = attach(1)
    await turn()
    clock.advance(60_000)
    release.resolve()
    assert.equal(bodyOf(await attached), 'hi')
    assert.deepEqual(runtime.started, [INVOCATION])
  })

  it('ends an execution at once when its only reader cancels it', async () => {
    const lane = open()
    await lane.channel.send({ type: 'order', order: sampleOrder({ function: sampleFunction({ image: 'slow' }) }) })
    await eventually('it runs', () => runtime.started.length > 0)
    lane.channel.abort(new CaresError('cancelled', 'the client went away'))
    await eventually('nothing runs', () => worker.stats().running === 0)
    assert.deepEqual(cut, [[BIRCH, INVOCATION, 'cold', 2]], 'the gateway is not told what that has taken')
  })

  it('says with a failure what it has taken', async () => {
    const [message] = await give(sampleOrder({ function: sampleFunction({ image: 'fail' }) }))
    assert.ok(message?.type === 'failed' && message.error.started)
    assert.deepEqual([message.run?.start, message.run?.usage.bytesIn], ['cold', 2])
    assert.deepEqual(cut, [])
  })

  it('says of an answer that is no longer kept that the work is done, and does not do it again', async () => {
    await give(sampleOrder())
    clock.advance(31_000)
    await give(sampleOrder({ invocation: 'i-bbbbbbbbbbbbbbbbbbbbbbbbbb' as InvocationId }))
    for (const messages of [await attach(1), await give(sampleOrder())]) {
      assert.deepEqual(failureOf(messages), { code: 'peer_lost', started: true })
      const [message] = messages
      assert.deepEqual(message?.type === 'failed' && JSON.parse(message.error.details), { execution: 'completed' })
    }
    assert.equal(runtime.started.length, 2)
  })

  it('does not take an answer from a slow reader because newer answers need room', async () => {
    const order = sampleOrder({ function: sampleFunction({ image: 'large' }) })
    const slow = open()
    await slow.channel.send({ type: 'order', order })
    await eventually('it has succeeded', () => worker.stats().succeeded > 0)
    for (let i = 0; i < 80; i++) {
      await give({ ...order, invocation: `i-${String(i).padStart(26, '0')}` as InvocationId })
    }
    assert.equal(bodyOf(await read(slow)).length, 900_000)
  })
})

import assert from 'node:assert/strict'
import { untilAborted } from '../../../src/model/until-aborted.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

const WORKERS: ReadonlySet<string> = new Set(['peer-3', 'peer-4'])
/** Calls that both workers share, and that one of them has room for. */
const CALLS = 4

describe('a worker that falls silent while its connections stand', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster
  let gateway: MemoryPeer
  /** The one that is to fall silent: one that has begun some of the calls. */
  let worker: MemoryPeer
  let other: MemoryPeer
  /** Opened by the test: what every execution waits for. */
  let gate: PromiseWithResolvers<void>
  /** Each execution, with the worker that has begun it. */
  let starts: { input: string; on: string }[]

  beforeEach(async () => {
    gate = Promise.withResolvers()
    starts = []
    cluster = new MemoryCluster(
      {
        slow: async (input, { worker: on, signal }) => {
          starts.push({ input, on })
          await untilAborted(gate.promise, signal)
          return `${input} done`
        }
      },
      { machineOf: id => (WORKERS.has(id) ? { profile: { labels: { does: 'work' } } } : {}) }
    )
    await cluster.start(4)
    gateway = cluster.peer(1)
    worker = cluster.peer(2)
    other = cluster.peer(3)
  })

  afterEach(async () => {
    worker.thaw()
    await cluster.stop()
  })

  /** Begins calls that may go to either worker, or one on that worker; resolves once they run. */
  const begin = async ({ idempotent, on }: { idempotent: boolean; on?: MemoryPeer }) => {
    const name = idempotent ? 'repeatable' : 'once'
    await gateway.service.putFunction({ name, image: 'slow', idempotent }, { signal: AbortSignal.timeout(10_000) })
    const calls = Array.from({ length: on === undefined ? CALLS : 1 }, (_, i) => {
      const input = `${name}-${i}`
      return { input, answer: gateway.call(name, input, on === undefined ? { asked: { require: ['does=work'] } } : { on }) }
    })
    for (const { answer } of calls) answer.catch(() => {}) // Looked at below.
    const isHere = ({ input }: { input: string }): boolean => calls.some(call => call.input === input)
    await cluster.until(() => starts.filter(isHere).length === calls.length, 'all to run')
    // A busy machine may have made one of them look so much better that it has them all.
    if (startedOn(worker).length === 0) [worker, other] = [other, worker]
    return calls
  }
  const startedOn = ({ id }: MemoryPeer): readonly string[] => starts.filter(({ on }) => on === id).map(({ input }) => input)

  it('loses the calls that may be repeated to another worker', async () => {
    const calls = await begin({ idempotent: true })
    const moved = startedOn(worker)
    worker.freeze()
    await cluster.until(() => moved.every(input => startedOn(other).includes(input)), 'its calls to run elsewhere')
    gate.resolve()
    for (const { input, answer } of calls) {
      const { answer: head, output } = await answer
      assert.deepEqual([output, head.worker], [`${input} done`, other.id])
    }
  })

  it('ends the calls that may not be repeated, with a word that it is not known whether they ran, and runs none of them twice', async () => {
    const calls = await begin({ idempotent: false })
    const lost = startedOn(worker)
    worker.freeze()
    for (const { input, answer } of calls) {
      if (!lost.includes(input)) continue
      await assert.rejects(answer, { code: 'peer_lost', details: { execution: 'unknown' } }, input)
    }
    gate.resolve()
    for (const { input, answer } of calls) if (!lost.includes(input)) assert.equal((await answer).output, `${input} done`)
    worker.thaw()
    assert.equal(new Set(starts.map(({ input }) => input)).size, starts.length)
  })

  it('keeps the calls that may not be repeated if it is heard again before others confirm its silence', async () => {
    const calls = await begin({ idempotent: false })
    worker.freeze()
    await cluster.clock.sleep(1_000)
    worker.thaw()
    gate.resolve()
    for (const { input, answer } of calls) assert.equal((await answer).output, `${input} done`)
    assert.equal(starts.length, CALLS)
  })

  it('loses only the calls that may be repeated while others hear it', async () => {
    const [repeatable, once] = [await begin({ idempotent: true }), await begin({ idempotent: false, on: worker })]
    const moved = startedOn(worker).filter(input => repeatable.some(call => call.input === input))
    cluster.network.silence(gateway.id, worker.id)
    await cluster.until(() => moved.every(input => startedOn(other).includes(input)), 'its calls to run elsewhere')
    cluster.network.unsilence(gateway.id, worker.id)
    gate.resolve()
    for (const { input, answer } of [...repeatable, ...once]) assert.equal((await answer).output, `${input} done`)
    for (const { input } of once) assert.equal(starts.filter(start => start.input === input).length, 1, input)
  })
})

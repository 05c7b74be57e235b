import assert from 'node:assert/strict'
import type { Digest } from '../../src/model/ids.ts'
import type { MemoryPeer } from './memory-cluster.ts'
import { MemoryCluster } from './memory-cluster.ts'

/** Resolves gates by name: a script waits at one until the test opens it. */
class Gates {
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()
  readonly #reached = new Map<string, PromiseWithResolvers<string>>()

  /** Called by a script: tells the test that it is here, and waits. */
  async pass(name: string, worker: string, signal: AbortSignal): Promise<void> {
    this.#of(this.#reached, name).resolve(worker)
    const aborted = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true })
    await Promise.race([this.#of(this.#gates, name).promise, aborted.promise])
  }

  open(name: string): void {
    this.#of(this.#gates, name).resolve()
  }

  /** Resolves with the worker whose script came to the gate first. */
  async reached(name: string): Promise<string> {
    return this.#of(this.#reached, name).promise
  }

  #of<T>(map: Map<string, PromiseWithResolvers<T>>, name: string): PromiseWithResolvers<T> {
    const found = map.get(name) ?? Promise.withResolvers<T>()
    map.set(name, found)
    return found
  }
}

function startedTimes(cluster: MemoryCluster, id: string): number {
  return cluster.peers.flatMap(({ runtime }) => runtime.started).filter(started => started === id).length
}

async function upload(peer: MemoryPeer, name: string, options: { image?: string; idempotent?: boolean } = {}): Promise<void> {
  const { image = name, ...rest } = options
  await peer.service.putFunction({ name, image, ...rest }, { signal: AbortSignal.timeout(10_000) })
}

describe('calls in a cluster of daemons', function () {
  this.timeout(30_000)
  let gates: Gates
  let cluster: MemoryCluster

  beforeEach(async () => {
    gates = new Gates()
    cluster = new MemoryCluster({
      upper: input => input.toUpperCase(),
      who: (_, { worker }) => worker,
      slow: async (input, { worker, signal }) => {
        await gates.pass(input, worker, signal)
        return `${input} done`
      },
      large: input => 'x'.repeat(Number(input))
    })
    await cluster.start(3)
  })

  afterEach(async () => {
    for (const name of ['a', 'b']) gates.open(name)
    await cluster.stop()
  })

  it('answers through every gateway as soon as the upload is acknowledged', async () => {
    await upload(cluster.peer(1), 'upper')
    for (const peer of cluster.peers) {
      const { answer, output } = await peer.call('upper', 'hello')
      assert.equal(output, 'HELLO', peer.id)
      assert.equal(answer.placement, 'orchestrator')
    }
  })

  it('shows through every peer what was acknowledged through another, at once', async () => {
    const { signal } = new AbortController()
    for (let revision = 1; revision <= 20; revision++) {
      const [through, other] = [cluster.peer(revision % 3), cluster.peer((revision + 1) % 3)]
      await through.service.putFunction({ name: 'upper', image: 'upper', env: { REVISION: `${revision}` } }, { signal })
      assert.deepEqual(await other.service.catchUp({ signal }), { staleMs: 0 })
      assert.equal(other.service.function('upper').revision, revision)
    }
  })

  it('says for how long it has heard no orchestrator where nobody can confirm what is agreed', async () => {
    const { signal } = new AbortController()
    const [cutOff] = cluster.workers
    assert.ok(cutOff)
    cluster.isolate(cutOff)
    const { staleMs } = await cutOff.service.catchUp({ signal })
    assert.ok(staleMs > 0)
    cluster.heal()
    const old = cluster.orchestrator
    cluster.isolate(old)
    assert.ok((await old.service.catchUp({ signal })).staleMs > 0, 'it may have been replaced already')
    cluster.heal()
  })

  it('runs a pinned call on its peer only', async () => {
    await upload(cluster.peer(0), 'who')
    for (const gateway of cluster.peers) {
      for (const on of cluster.peers) assert.equal((await gateway.call('who', '', { on })).output, on.id)
    }
  })

  it('carries answers larger than every window', async () => {
    await upload(cluster.peer(0), 'large')
    const { output } = await cluster.peer(2).call('large', String(5_000_000))
    assert.equal(output.length, 5_000_000)
  })

  it('tries another worker when the first has no room after all', async () => {
    await upload(cluster.peer(0), 'who')
    for (const { runtime } of cluster.peers.slice(0, 2)) runtime.busyCount = 1
    const { answer, output } = await cluster.peer(2).call('who', '')
    const record = await cluster.peer(2).service.invocation(answer.invocation, { signal: AbortSignal.timeout(1_000) })
    assert.equal(output, record.worker)
    assert.deepEqual(
      record.receipts.map(receipt => receipt.try),
      record.receipts.map((_, index) => index + 1)
    )
  })

  it('goes on with a call when the orchestrator dies while it runs', async () => {
    await upload(cluster.peer(0), 'slow')
    const { orchestrator } = cluster
    const [gateway, worker] = cluster.workers as [MemoryPeer, MemoryPeer]
    const calling = gateway.call('slow', 'a', { on: worker })
    await gates.reached('a')
    await orchestrator.die()
    gates.open('a')
    const { answer, output } = await calling
    assert.equal(output, 'a done')
    assert.equal(startedTimes(cluster, answer.invocation), 1)
  })

  it('goes on with an answer in the middle when the orchestrator dies', async () => {
    await upload(cluster.peer(0), 'large')
    const { orchestrator } = cluster
    const [gateway, worker] = cluster.workers as [MemoryPeer, MemoryPeer]
    const body = Buffer.from('3000000')
    const answer = await gateway.service.invoke(
      {
        function: 'large',
        head: { method: 'POST', path: '/', query: '', headers: [], bodyBytes: body.length },
        body: (async function* () {
          yield body
        })(),
        on: worker.id
      },
      { signal: AbortSignal.timeout(20_000) }
    )
    let bytes = 0
    for await (const chunk of answer.body) {
      if (bytes === 0) await orchestrator.die()
      bytes += chunk.length
    }
    assert.equal(bytes, 3_000_000)
    assert.equal(startedTimes(cluster, answer.invocation), 1)
  })

  it('finds a call again at its worker when the connection to it breaks while it runs, without running it again', async () => {
    await upload(cluster.peer(0), 'slow')
    const [gateway, worker] = cluster.workers as [MemoryPeer, MemoryPeer]
    const calling = gateway.call('slow', 'a', { on: worker })
    await gates.reached('a')
    cluster.network.cut(gateway.id, worker.id)
    cluster.network.heal(gateway.id, worker.id)
    gates.open('a')
    const { answer, output } = await calling
    assert.equal(output, 'a done')
    assert.equal(startedTimes(cluster, answer.invocation), 1)
  })

  it('uses only workers that the gateway itself can reach, and waits a moment when a call may have no other', async () => {
    await upload(cluster.peer(0), 'who')
    const [gateway, worker] = cluster.workers as [MemoryPeer, MemoryPeer]
    await cluster.until(() => gateway.service.functions().length === 1, 'the function to be known')
    cluster.network.cut(gateway.id, worker.id)
    assert.equal((await cluster.orchestrator.call('who', '', { on: worker })).output, worker.id)
    for (let i = 0; i < 6; i++) {
      const { output, answer } = await gateway.call('who', '')
      assert.notEqual(output, worker.id)
      assert.equal(answer.placement, 'orchestrator')
    }
    const calling = gateway.call('who', '', { on: worker })
    await cluster.until(() => cluster.orchestrator.service.counters().waiting > 0, 'the call to wait')
    cluster.network.heal(gateway.id, worker.id)
    assert.equal((await calling).output, worker.id)
  })

  it('waits for the engine of the only peer that a call may have', async () => {
    const [gateway, worker] = cluster.workers as [MemoryPeer, MemoryPeer]
    let ready = false
    worker.runtime.check = async () => ({ ready, reason: 'scripted' })
    // A new function is a reason to ask the engine.
    await upload(cluster.peer(0), 'who')
    const isSeenWithout = ({ service }: MemoryPeer): boolean =>
      service.peers().some(({ profile, stats }) => profile.id === worker.id && !stats.runtimeReady)
    await cluster.until(() => cluster.peers.every(isSeenWithout), 'the engine to be missed')
    const calling = gateway.call('who', '', { on: worker })
    await cluster.until(() => cluster.orchestrator.service.counters().waiting > 0, 'the call to wait')
    ready = true
    assert.equal((await calling).output, worker.id)
  })

  it('places calls itself while there is no orchestrator, and again by the orchestrator when there is one', async () => {
    await upload(cluster.peer(0), 'upper')
    const [gateway] = cluster.workers as [MemoryPeer]
    await cluster.until(() => gateway.service.functions().length === 1, 'the function to be known')
    await cluster.orchestrator.die()
    const { answer, output } = await gateway.call('upper', 'now')
    assert.equal(output, 'NOW')
    assert.equal(answer.placement, 'fallback')
    let placement: string | undefined
    // One call every few milliseconds: calls in memory take no time, and would leave none for an election.
    using _ = cluster.clock.every(20, async () => {
      placement = (await gateway.call('upper', 'later')).answer.placement
    })
    await cluster.until(() => placement === 'orchestrator', 'a placement by the new orchestrator')
  })

  it('answers functions without a quorum, and refuses uploads at once', async () => {
    await upload(cluster.peer(0), 'upper')
    const survivor = cluster.peer(0)
    await cluster.peer(1).die()
    await cluster.peer(2).die()
    assert.equal((await survivor.call('upper', 'alone')).output, 'ALONE')
    await cluster.until(() => survivor.service.cluster().orchestrator === null, 'the isolated orchestrator to step down')
    assert.equal((await survivor.call('upper', 'still')).answer.placement, 'fallback')
    const before = performance.now()
    await assert.rejects(upload(survivor, 'who'), { code: 'no_quorum' })
    assert.ok(performance.now() - before < 5_000, 'the refusal took too long')
    assert.match(survivor.service.cluster().reason, /2 of 3 voters are gone/)
  })

  it('refuses a WebSocket to a function that reads stdin', async () => {
    await upload(cluster.peer(0), 'upper')
    const head = { method: 'GET', path: '/', query: '', headers: [], webSocket: true } as const
    const asking = cluster
      .peer(0)
      .service.invoke({ function: 'upper', head, body: (async function* () {})() }, { signal: AbortSignal.timeout(5_000) })
    await assert.rejects(asking, { code: 'incompatible' })
    assert.deepEqual(
      cluster.peers.flatMap(({ runtime }) => runtime.started),
      []
    )
  })

  it('says that it does not know when the worker of a call dies', async () => {
    await upload(cluster.peer(0), 'slow')
    const { orchestrator } = cluster
    const worker = cluster.workers[0] as MemoryPeer
    const calling = orchestrator.call('slow', 'a', { on: worker })
    await gates.reached('a')
    await worker.die()
    await assert.rejects(calling, (err: { code: string; details: { execution: string } }) => {
      assert.equal(err.code, 'peer_lost')
      assert.equal(err.details.execution, 'unknown')
      return true
    })
  })

  it('runs an idempotent call again when its worker dies', async () => {
    await upload(cluster.peer(0), 'slow', { idempotent: true })
    const gateway = cluster.orchestrator
    const calling = gateway.call('slow', 'a')
    const first = await gates.reached('a')
    const worker = cluster.peers.find(({ id }) => id === first) as MemoryPeer
    if (worker === gateway) {
      // Its own work does not die without it.
      gates.open('a')
      assert.equal((await calling).output, 'a done')
      return
    }
    await worker.die()
    gates.open('a')
    const { output, answer } = await calling
    assert.equal(output, 'a done')
    assert.notEqual(answer.worker, first)
  })

  it('cancels the execution when the client goes away', async () => {
    await upload(cluster.peer(0), 'slow')
    const abort = new AbortController()
    const [gateway, worker] = cluster.workers as [MemoryPeer, MemoryPeer]
    const calling = gateway.call('slow', 'a', { on: worker, signal: abort.signal })
    await gates.reached('a')
    assert.equal(worker.runtime.use().running, 1)
    abort.abort()
    await assert.rejects(calling, { code: 'cancelled' })
    await cluster.until(() => worker.runtime.use().running === 0, 'the execution to end')
  })

  it('gives the same answer for the same idempotency key, and runs once', async () => {
    await upload(cluster.peer(0), 'upper')
    const gateway = cluster.peer(1)
    const call = async (): Promise<string> => {
      const answer = await gateway.service.invoke(
        {
          function: 'upper',
          head: { method: 'POST', path: '/', query: '', headers: [], bodyBytes: 1 },
          body: (async function* () {
            yield Buffer.from('k')
          })(),
          idempotencyKey: 'key-1'
        },
        { signal: AbortSignal.timeout(5_000) }
      )
      return `${answer.invocation} ${Buffer.concat(await Array.fromAsync(answer.body)).toString()}`
    }
    const answers = await Promise.all([call(), call()])
    assert.equal(answers[0], answers[1])
    assert.equal(cluster.peers.flatMap(({ runtime }) => runtime.started).length, 1)
  })

  it('spreads a burst over all workers', async () => {
    await upload(cluster.peer(0), 'slow')
    const calls = Array.from({ length: 9 }, () => cluster.peer(1).call('slow', 'a'))
    await gates.reached('a')
    await cluster.until(() => cluster.peers.reduce((sum, { runtime }) => sum + runtime.use().running, 0) === 9, 'all nine to run')
    for (const { id, runtime } of cluster.peers) assert.ok(runtime.use().running >= 1, `${id} runs nothing`)
    gates.open('a')
    await Promise.all(calls)
  })

  it('runs a function on a worker that lacks its image, by bringing the image from a peer, once', async () => {
    const [has, lacks] = [cluster.peer(0), cluster.peer(1)]
    lacks.runtime.lacking.add('sha256:who' as Digest)
    cluster.peer(2).runtime.lacking.add('sha256:who' as Digest)
    await upload(has, 'who')
    await cluster.until(() => lacks.service.peer(has.id).stats.images.length === 1, 'the peer that has the image to say so')
    const outputs = await Promise.all([1, 2, 3].map(async () => (await has.call('who', '', { on: lacks })).output))
    assert.deepEqual(outputs, [lacks.id, lacks.id, lacks.id])
    assert.equal(has.runtime.exported, 1)
  })

  it('agrees again after a partition heals', async () => {
    await upload(cluster.peer(0), 'upper')
    const cutOff = cluster.orchestrator
    cluster.isolate(cutOff)
    const others = cluster.peers.filter(peer => peer !== cutOff)
    await cluster.until(
      () => others.every(({ service }) => ![null, cutOff.id].includes(service.cluster().orchestrator?.id ?? null)),
      'a new orchestrator'
    )
    await upload(others[0] as MemoryPeer, 'who')
    assert.equal((await cutOff.call('upper', 'cut off')).output, 'CUT OFF')
    cluster.heal()
    const agreed = (): boolean => {
      const orchestrators = new Set(cluster.peers.map(({ service }) => service.cluster().orchestrator?.id))
      return (
        orchestrators.size === 1 &&
        cluster.peers.every(({ service }) => service.functions().length === 2 && service.peers().every(({ state }) => state === 'alive'))
      )
    }
    await cluster.until(agreed, 'one orchestrator, both functions and all peers everywhere')
    for (const peer of cluster.peers) assert.equal((await peer.call('who', '', { on: cutOff })).output, cutOff.id)
  })
})

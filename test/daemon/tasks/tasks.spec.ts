import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { EventRecord } from '../../../src/model/events.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { Receipt } from '../../../src/model/placement.ts'
import type { TaskRecord } from '../../../src/model/task.ts'
import type { TaskRequest } from '../../../src/model/task-service.ts'
import { eventually } from '../../support/eventually.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

describe('tasks', function () {
  this.timeout(60_000)
  let cluster: MemoryCluster
  /** Tells the blocked program of each worker to go on. */
  let gates: Map<string, EventTarget>
  let begun: string[]

  beforeEach(async () => {
    gates = new Map()
    begun = []
    const failed = (message: string): CaresError =>
      new CaresError('function_failed', message, { details: { exitCode: 3, stderr: 'no way' } })
    let flaky = 0
    cluster = new MemoryCluster({
      upper: input => input.toUpperCase(),
      fails: () => {
        throw failed('exit code 3')
      },
      flaky: () => {
        if (++flaky < 2) throw failed('not yet')
        return 'at last'
      },
      blocks: async (_, { signal, worker }) => {
        begun.push(worker)
        const gate = new EventTarget()
        gates.set(worker, gate)
        await once(gate, 'open', { signal }).catch(() => {
          throw signal.reason
        })
        return worker
      }
    })
    await cluster.start(3)
  })

  afterEach(async () => cluster.stop())

  const signal = (): AbortSignal => cluster.clock.timeout(30_000)

  const submit = async (peer: MemoryPeer, request: TaskRequest, input?: string, key?: string) =>
    peer.service.tasks.submit(request, {
      signal: signal(),
      ...(key === undefined ? {} : { key }),
      ...(input === undefined
        ? {}
        : {
            input: (async function* () {
              yield Buffer.from(input)
            })()
          })
    })

  const run = async (peer: MemoryPeer, request: TaskRequest, input?: string): Promise<TaskRecord> => {
    const { task } = await submit(peer, request, input)
    return peer.service.tasks.waitFor(task.id, { signal: signal() })
  }

  const output = async (peer: MemoryPeer, { id }: Pick<TaskRecord, 'id'>): Promise<string> => {
    const { body } = await peer.service.tasks.output(id, { signal: signal() })
    return Buffer.concat(await Array.fromAsync(body)).toString()
  }

  const open = (worker: string): void => void gates.get(worker)?.dispatchEvent(new Event('open'))

  const peerOf = (id: string): MemoryPeer => {
    const peer = cluster.peers.find(candidate => candidate.id === id)
    assert.ok(peer, id)
    return peer
  }

  /** Submits a task that blocks, and waits until a program of it runs. */
  const blocked = async (peer: MemoryPeer): Promise<{ task: TaskRecord; worker: MemoryPeer }> => {
    const before = begun.length
    const { task } = await submit(peer, { image: 'blocks' })
    await cluster.until(() => begun.length > before, 'a program to begin')
    return { task, worker: peerOf(begun.at(-1) ?? '') }
  }

  it('run from any peer, and every peer knows the result', async () => {
    for (const peer of cluster.peers) {
      const task = await run(peer, { image: 'upper' }, 'hello')
      assert.equal(task.state, 'succeeded')
      for (const other of cluster.peers) {
        await cluster.until(() => isOver(other, task), 'the result everywhere')
        assert.equal(await output(other, task), 'HELLO')
      }
    }
  })

  const isOver = (peer: MemoryPeer, { id }: TaskRecord): boolean =>
    peer.service.eventsAfter(0).some(event => event.type === 'task:finished' && event.data.task === id)

  it('are tried again until their attempts are used up, and say what went wrong', async () => {
    const task = await run(cluster.peer(0), { image: 'fails', attempts: 2 })
    assert.deepEqual(
      { state: task.state, attempt: task.attempt, failures: task.failures, error: task.attempts.at(-1)?.failure },
      {
        state: 'dead',
        attempt: 2,
        failures: 2,
        error: { code: 'function_failed', message: 'exit code 3', exitCode: 3, stderr: 'no way' }
      }
    )
    await assert.rejects(output(cluster.peer(0), task), { code: 'not_found' })
  })

  it('succeed with a later attempt', async () => {
    const task = await run(cluster.peer(0), { image: 'flaky' })
    assert.deepEqual([task.state, task.failures, await output(cluster.peer(0), task)], ['succeeded', 1, 'at last'])
  })

  it('are one task for one key, through whatever peer, and refuse it for another request', async () => {
    const first = await submit(cluster.peer(0), { image: 'upper' }, 'a', 'k')
    const again = await submit(cluster.peer(1), { image: 'upper' }, 'a', 'k')
    assert.deepEqual([again.task.id, first.created, again.created], [first.task.id, true, false])
    await assert.rejects(submit(cluster.peer(2), { image: 'upper' }, 'b', 'k'), { code: 'conflict' })
  })

  it('go elsewhere when a worker has no room, and that does not count', async () => {
    for (const peer of cluster.peers) peer.runtime.busyCount = 1
    const task = await run(cluster.peer(0), { image: 'upper', attempts: 1 }, 'x')
    assert.deepEqual([task.state, task.failures], ['succeeded', 0])
  })

  it('end when they are cancelled, queued or running, and stay so', async () => {
    const { task, worker } = await blocked(cluster.peer(0))
    const cancelled = await cluster.peer(1).service.tasks.cancel(task.id, { signal: signal() })
    assert.equal(cancelled.state, 'cancelled')
    await cluster.until(() => worker.runtime.use().running === 0, 'its program to end')
    assert.equal((await cluster.peer(0).service.tasks.waitFor(task.id, { signal: signal() })).state, 'cancelled')
    assert.equal((await cluster.peer(2).service.tasks.cancel(task.id, { signal: signal() })).state, 'cancelled')
  })

  it('count as what runs on a peer, also while it drains, until they have ended', async () => {
    const { task, worker } = await blocked(cluster.peer(0))
    const seen = (): number | undefined => {
      const { stats } = cluster.peer(0).service.peer(worker.id)
      assert.equal(stats.running, 0, 'no call runs there')
      return stats.tasks
    }
    await cluster.until(() => seen() === 1, 'the task to show')
    await cluster.peer(0).service.setDraining(worker.id, true, { signal: signal() })
    await cluster.until(() => cluster.peer(0).service.peer(worker.id).state === 'draining', 'it to drain')
    assert.equal(seen(), 1)
    open(worker.id)
    await cluster.peer(0).service.tasks.waitFor(task.id, { signal: signal() })
    await cluster.until(() => seen() === undefined, 'nothing to run there any more')
  })

  it('of a worker that is lost are given to another, once its lease has ended', async () => {
    const gateway = cluster.orchestrator
    let held = await blocked(gateway)
    while (held.worker === gateway) held = await blocked(gateway)
    await held.worker.die()
    await cluster.until(() => begun.length > 1 && begun.at(-1) !== held.worker.id, 'another worker')
    open(begun.at(-1) ?? '')
    const task = await gateway.service.tasks.waitFor(held.task.id, { signal: signal() })
    assert.equal(task.state, 'succeeded')
    assert.equal(task.attempts[0]?.failure?.code, 'peer_lost')
    assert.equal(held.worker.runtime.use().running, 0, 'what the lost worker ran has ended by then')
  })

  it('go on where they are when the orchestrator dies, and are recorded by the next one', async () => {
    const old = cluster.orchestrator
    const gateway = cluster.workers[0] ?? cluster.peer(0)
    let held = await blocked(gateway)
    while (held.worker === old) held = await blocked(gateway)
    await old.crash()
    await cluster.until(() => {
      const { orchestrator } = gateway.service.cluster()
      return orchestrator !== null && orchestrator.id !== old.id
    }, 'another orchestrator')
    open(held.worker.id)
    const task = await gateway.service.tasks.waitFor(held.task.id, { signal: signal() })
    assert.deepEqual([task.state, task.attempt], ['succeeded', 1])
    await old.start()
  })

  it('that were waiting are placed by the next orchestrator', async () => {
    const old = cluster.orchestrator
    const [gateway] = cluster.workers
    assert.ok(gateway)
    // Nobody has room for it now.
    for (const peer of cluster.peers) peer.runtime.busyCount = 1_000_000
    const { task } = await submit(gateway, { image: 'upper' }, 'later')
    await old.crash()
    for (const peer of cluster.peers) peer.runtime.busyCount = 0
    const done = await gateway.service.tasks.waitFor(task.id, { signal: signal() })
    assert.equal(done.state, 'succeeded')
    await old.start()
  })

  it('are refused at once when there is no quorum', async () => {
    const [survivor, ...others] = cluster.peers
    assert.ok(survivor)
    for (const other of others) await other.crash()
    await assert.rejects(submit(survivor, { image: 'upper' }, 'x'), (err: CaresError) =>
      ['no_quorum', 'no_orchestrator'].includes(err.code)
    )
    assert.deepEqual((await survivor.service.tasks.list({ limit: 10 })).items, [])
    for (const other of others) await other.start()
  })

  it('are lost by nobody while everybody is killed and comes back', async () => {
    const tasks: TaskRecord[] = []
    for (let i = 0; i < 20; i++) tasks.push((await submit(cluster.peer(i % 3), { image: 'upper', attempts: 10 }, String(i))).task)
    for (const peer of cluster.peers) await peer.crash()
    for (const peer of cluster.peers) await peer.start()
    assert.deepEqual(
      await cluster.peer(0).service.catchUp({ signal: signal() }),
      { staleMs: 0 },
      'as whoever asks by the API is made to wait'
    )
    for (const [i, { id }] of tasks.entries()) {
      const task = await cluster.peer(0).service.tasks.waitFor(id, { signal: signal() })
      assert.equal(task.state, 'succeeded')
      assert.equal(await output(cluster.peer(0), task), String(i))
    }
  })

  const why = async (peer: MemoryPeer, { id }: Pick<TaskRecord, 'id'>) => peer.service.tasks.explain(id, { signal: signal() })

  /** Of a receipt: what it is of, its choice, and who was looked at. */
  const told = (receipt: Receipt | null): unknown =>
    receipt && [receipt.invocation, receipt.decision.chosen, receipt.decision.verdicts.map(({ peer }) => peer).sort()]

  it('tell through every peer by which numbers they were placed, services too', async () => {
    const ids = cluster.peers.map(({ id }) => id).sort()
    const job = await run(cluster.peer(0), { image: 'upper' }, 'hello')
    const { task: service } = await submit(cluster.peer(1), { image: 'blocks', service: {} })
    await cluster.until(() => begun.length > 0, 'the service to begin')
    for (const peer of cluster.peers) {
      for (const { id } of [job, service]) {
        const { worker } = (await peer.service.tasks.find(id)).attempts.at(-1) ?? {}
        const { receipt, recomputes } = await why(peer, { id })
        assert.deepEqual([told(receipt), recomputes], [[id, worker, ids], true])
      }
    }
  })

  it('tell of each peer why nobody can have them', async () => {
    const { task } = await submit(cluster.peer(0), { image: 'upper', cpus: 256 }, 'x')
    // Not all workers may have said by the first look that they are there.
    await eventually('that all are too small', async () => {
      const { decision } = (await why(cluster.peer(0), task)).receipt ?? {}
      const reasons = decision?.verdicts.map(verdict => (verdict.fits ? 'fits' : verdict.reason))
      assert.deepEqual([decision?.chosen, reasons], [null, ['slots', 'slots', 'slots']])
      return true
    })
  })

  it('have no placement that is known when the next orchestrator takes over, and still the rest of their history', async () => {
    const old = cluster.orchestrator
    const [gateway] = cluster.workers
    assert.ok(gateway)
    const task = await run(gateway, { image: 'upper' }, 'x')
    await old.crash()
    await cluster.until(() => {
      const { orchestrator } = gateway.service.cluster()
      return orchestrator !== null && orchestrator.id !== old.id
    }, 'another orchestrator')
    const { reasons, receipt, recomputes } = await why(gateway, task)
    assert.deepEqual([receipt, recomputes], [null, null])
    assert.match(reasons.join('\n'), /attempt 1 was given to /)
    await old.start()
  })

  it('tell what happens to them', async () => {
    const peer = cluster.peer(0)
    const { id } = await run(peer, { image: 'flaky', name: 'nightly' })
    const types = peer.service.eventsAfter(0).flatMap((event: EventRecord) => (event.type.startsWith('task:') ? [event.type] : []))
    assert.deepEqual(types, ['task:submitted', 'task:started', 'task:requeued', 'task:started', 'task:finished'])
    const { reasons } = await peer.service.tasks.explain(id, { signal: signal() })
    assert.ok(
      reasons.some(reason => /placed on .*, expected to take [\d.]+m?s; 3 peers were there$/.test(reason)),
      reasons.join('\n')
    )
  })
})

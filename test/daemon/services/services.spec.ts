import assert from 'node:assert/strict'
import { once } from 'node:events'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { currentAttempt, isServing, type ServiceHealth, type TaskRecord } from '../../../src/model/task.ts'
import type { TcpConnection } from '../../../src/model/ports/tcp.ts'
import type { ServiceRequest } from '../../../src/model/task-service.ts'
import { MemoryTcp } from '../../support/memory-tcp.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

const PORT = 8_080
const INSIDE = 80
/** How long a program may take to clear up. */
const LINGER_MS = 300
/** Longest that anything here takes: a lease that ends, and a pause before the next attempt. */
const NEXT_WITHIN_MS = 20_000

/** A program of a service that runs. */
interface Program {
  readonly worker: string
  /** Ends it with exit code 0. */
  end(): void
  tell(health: ServiceHealth): void
}

describe('services', function () {
  this.timeout(60_000)
  let cluster: MemoryCluster
  let tcp: MemoryTcp
  /** In the order in which they were started; those that run have not ended. */
  let programs: Program[]
  let running: Set<Program>
  /** Programs of `lingering` that have not ended, those that clear up included; and the most that there were. */
  let alive: number
  let aliveMax: number

  beforeEach(async () => {
    programs = []
    running = new Set()
    alive = 0
    aliveMax = 0
    tcp = new MemoryTcp()
    cluster = new MemoryCluster(
      {
        web: async (_, { signal, worker, onHealth }) => {
          const host = `web on ${worker}`
          using _listener = await tcp.of(host).listen(INSIDE, connection => void greet(connection, worker))
          return await run({ signal, worker, onHealth: health => onHealth?.(health, { host, port: INSIDE }) })
        },
        worker: async (_, { signal, worker, onHealth }) => run({ signal, worker, onHealth }),
        lingering: async (_, { signal, worker, onHealth }) => {
          aliveMax = Math.max(aliveMax, ++alive)
          try {
            return await run({ signal, worker, onHealth })
          } finally {
            await cluster.clock.sleep(LINGER_MS)
            alive--
          }
        },
        slow: async (_, { signal, worker }) => run({ signal, worker, onHealth: undefined }),
        broken: () => {
          throw new CaresError('function_failed', 'exited with code 3', { details: { exitCode: 3 } })
        }
      },
      { tcpOf: peer => tcp.of(peer), machineOf: peer => (peer === 'peer-3' ? { profile: { api: 'http://127.0.0.1:7070' } } : {}) }
    )
    await cluster.start(3)
  })

  afterEach(async () => cluster.stop())

  /** Says whose it is, then everything that it hears. */
  async function greet(connection: TcpConnection, worker: string): Promise<void> {
    await connection.write(Buffer.from(`${worker}|`))
    for await (const chunk of connection.input) await connection.write(chunk)
    await connection.end()
  }

  async function run({
    signal,
    worker,
    onHealth
  }: {
    signal: AbortSignal
    worker: string
    onHealth: ((health: ServiceHealth) => void) | undefined
  }): Promise<string> {
    const over = new EventTarget()
    const program: Program = { worker, end: () => over.dispatchEvent(new Event('end')), tell: health => onHealth?.(health) }
    programs.push(program)
    running.add(program)
    program.tell('healthy')
    try {
      await once(over, 'end', { signal }).catch(() => {
        throw signal.reason
      })
    } finally {
      running.delete(program)
    }
    return ''
  }

  const signal = (): AbortSignal => cluster.clock.timeout(30_000)

  const submit = async (image: string, service: ServiceRequest = {}, peer = cluster.peer(0)): Promise<TaskRecord> =>
    (await peer.service.tasks.submit({ image, service }, { signal: signal() })).task

  const serving = async (task: TaskRecord, peer = cluster.peer(0)): Promise<TaskRecord> =>
    peer.service.tasks.waitFor(task.id, { signal: signal() })

  const workerOf = (task: TaskRecord): MemoryPeer => {
    const id = currentAttempt(task)?.worker
    const peer = cluster.peers.find(candidate => candidate.id === id)
    assert.ok(peer, id)
    return peer
  }

  /** Waits until an attempt after this one is healthy, as this peer sees it. */
  const next = async ({ id, attempt }: TaskRecord, peer: MemoryPeer): Promise<TaskRecord> => {
    let now: TaskRecord | undefined
    const giveUp = cluster.clock.timeout(NEXT_WITHIN_MS)
    const look = async (): Promise<void> => {
      now = await peer.service.tasks.find(id)
      if (now.attempt <= attempt || !isServing(now)) {
        await cluster.clock.sleep(10, { signal: giveUp })
        return look()
      }
    }
    await look()
    assert.ok(now)
    return now
  }

  /** What comes back from the published port of a peer when this is sent. */
  const talk = async (host: PeerId, text: string): Promise<string> => {
    await cluster.until(() => tcp.isOpen(host, PORT), `port ${PORT} of ${host}`)
    const connection = tcp.connect(host, PORT)
    const sent = connection.write(Buffer.from(text)).then(async () => connection.end())
    const [chunks] = await Promise.all([Array.fromAsync(connection.input), sent])
    return Buffer.concat(chunks).toString()
  }

  it('are healthy when their program says so, on every peer, and whoever waits for them is told then', async () => {
    const task = await submit('worker')
    for (const peer of cluster.peers) assert.equal(currentAttempt(await serving(task, peer))?.health, 'healthy')
    const slow = await submit('slow')
    await cluster.until(() => programs.length === 2, 'both programs')
    const waited = await cluster.peer(0).service.tasks.waitFor(slow.id, { signal: cluster.clock.timeout(50) })
    assert.deepEqual([waited.state, isServing(waited)], ['running', false])
  })

  it('are started again when their program ends, later each time that it does so soon', async () => {
    const task = await serving(await submit('worker'))
    programs.at(-1)?.end()
    const again = await next(task, cluster.peer(1))
    assert.deepEqual([again.attempt, again.failures, again.attempts[0]?.failure?.exitCode], [2, 1, 0])
    programs.at(-1)?.end()
    const since = cluster.clock.nowMs()
    assert.equal((await next(again, cluster.peer(1))).failures, 2)
    assert.ok(cluster.clock.nowMs() - since >= 1_900, 'twice as late')
    assert.equal(running.size, 1)
  })

  it('that cannot run say why while they wait', async () => {
    const task = await submit('broken')
    await cluster.until(
      () => cluster.peer(0).runtime.started.length + cluster.peer(1).runtime.started.length + cluster.peer(2).runtime.started.length >= 2,
      'two tries'
    )
    const { state, attempts } = await cluster.peer(2).service.tasks.find(task.id)
    assert.deepEqual([state === 'dead', attempts[0]?.failure?.message], [false, 'exited with code 3'])
  })

  it('tell how they are whenever that changes', async () => {
    const task = await serving(await submit('worker'))
    programs[0]?.tell('unhealthy')
    const events = (): readonly unknown[] =>
      cluster
        .peer(2)
        .service.eventsAfter(0)
        .flatMap(event => (event.type === 'task:health-changed' && event.data.task === task.id ? [event.data.health] : []))
    await cluster.until(() => events().length === 2, 'two events')
    programs[0]?.tell('healthy')
    await cluster.until(() => events().length === 3, 'three events')
    assert.deepEqual(events(), ['healthy', 'unhealthy', 'healthy'])
    assert.equal((await cluster.peer(0).service.tasks.find(task.id)).attempt, 1)
  })

  it('run elsewhere when their worker is lost, and never on two at once', async () => {
    const task = await serving(await submit('web', { publish: PORT }))
    const worker = workerOf(task)
    const survivor = cluster.peers.find(peer => peer !== worker)
    assert.ok(survivor)
    assert.equal(await talk(survivor.id, 'a'), `${worker.id}|a`)
    await worker.die()
    const moved = await next(task, survivor)
    assert.notEqual(workerOf(moved).id, worker.id)
    assert.equal(running.size, 1, 'the lease of the lost worker has ended its program')
    assert.equal(await talk(survivor.id, 'b'), `${workerOf(moved).id}|b`)
  })

  it('go elsewhere when their worker is drained, at once', async () => {
    const task = await serving(await submit('worker'))
    const worker = workerOf(task)
    await cluster.orchestrator.service.setDraining(worker.id, true, { signal: signal() })
    const moved = await next(task, cluster.orchestrator)
    assert.notEqual(workerOf(moved).id, worker.id)
    assert.deepEqual([moved.failures, moved.attempts[0]?.failure?.code], [0, 'peer_draining'])
    assert.equal(running.size, 1)
  })

  it('begin elsewhere only when they have ended on the worker that is drained', async () => {
    const task = await serving(await submit('lingering'))
    await cluster.orchestrator.service.setDraining(workerOf(task).id, true, { signal: signal() })
    await next(task, cluster.orchestrator)
    assert.deepEqual([aliveMax, programs.length], [1, 2])
  })

  it('go elsewhere when their worker leaves', async () => {
    const task = await serving(await submit('worker'))
    const worker = workerOf(task)
    const other = cluster.peers.find(peer => peer !== worker)
    assert.ok(other)
    await worker.service.leave({ signal: signal() })
    const moved = await next(task, other)
    assert.deepEqual([moved.attempts[0]?.failure?.code, running.size], ['peer_draining', 1])
  })

  it('go on when the orchestrator dies', async () => {
    const task = await serving(await submit('web', { publish: PORT }))
    const { orchestrator } = cluster
    const gateway = cluster.workers.find(peer => peer.id !== workerOf(task).id) ?? cluster.workers[0]
    assert.ok(gateway)
    await orchestrator.die()
    assert.match(await talk(gateway.id, 'x'), /\|x$/)
  })

  it('end when they are cancelled, and give their port back', async () => {
    const task = await serving(await submit('web', { publish: PORT }))
    await assert.rejects(submit('web', { publish: PORT }, cluster.peer(1)), { code: 'conflict' })
    await talk(cluster.peer(2).id, 'x')
    assert.equal((await cluster.peer(1).service.tasks.cancel(task.id, { signal: signal() })).state, 'cancelled')
    await cluster.until(() => running.size === 0, 'its program to end')
    await cluster.until(() => cluster.peers.every(({ id }) => !tcp.isOpen(id, PORT)), 'its port to be closed everywhere')
    assert.equal((await submit('web', { publish: PORT })).state, 'queued')
  })

  it('are reached through every peer, whole and in both directions, whoever ends first', async () => {
    await serving(await submit('web', { publish: PORT }))
    const bytes = Buffer.alloc(1_000_000, 'abc')
    for (const { id } of cluster.peers) assert.equal((await talk(id, bytes.toString())).split('|')[1], bytes.toString())
  })

  it('are reached on their new worker at once, not only when what is published is read anew', async () => {
    const task = await serving(await submit('web', { publish: PORT }))
    const left = workerOf(task)
    await cluster.until(() => cluster.peers.every(({ id }) => tcp.isOpen(id, PORT)), 'the port on all peers')
    await cluster.orchestrator.service.setDraining(left.id, true, { signal: signal() })
    const moved = await next(task, cluster.orchestrator)
    for (const { id } of cluster.peers) {
      const askedAtMs = cluster.clock.nowMs()
      assert.equal(await talk(id, 'x'), `${workerOf(moved).id}|x`)
      assert.ok(cluster.clock.nowMs() - askedAtMs < 1_000, `${cluster.clock.nowMs() - askedAtMs} ms`)
    }
  })

  it('break connections that nobody can take, instead of ending them', async () => {
    await submit('slow', { publish: PORT, port: INSIDE })
    const [{ id }] = cluster.peers as [MemoryPeer]
    await cluster.until(() => tcp.isOpen(id, PORT), 'the port')
    await assert.rejects(Array.fromAsync(tcp.connect(id, PORT).input))
  })

  it('publish a port on the other peers though one of them has it taken, which says so and tries again', async () => {
    const [first, second] = cluster.peers as [MemoryPeer, MemoryPeer]
    const taken = await tcp.of(first.id).listen(PORT, () => {})
    await serving(await submit('web', { publish: PORT }))
    assert.match(await talk(second.id, 'x'), /\|x$/)
    const refused = (): boolean =>
      first.service.eventsAfter(0).some(event => event.type === 'task:port-refused' && event.data.port === PORT)
    await cluster.until(refused, 'an event')
    taken[Symbol.dispose]()
    assert.match(await talk(first.id, 'x'), /\|x$/)
  })

  it('are no functions, have no input, and publish no port of a peer', async () => {
    const { tasks } = cluster.peer(0).service
    const input = (async function* () {
      yield Buffer.from('x')
    })()
    await assert.rejects(tasks.submit({ image: 'worker', service: {} }, { input, signal: signal() }), { code: 'invalid' })
    for (const wrong of [{ timeoutMs: 1 }, { attempts: 2 }, { service: { publish: 80 } }, { service: { health: 'x' } }]) {
      await assert.rejects(tasks.submit({ image: 'worker', service: {}, ...wrong }, { signal: signal() }), { code: 'invalid' })
    }
    await assert.rejects(tasks.submit({ image: 'worker', service: { publish: 7_070 } }, { signal: signal() }), { code: 'conflict' })
    await assert.rejects(tasks.submit({ function: 'f', service: {} }, { signal: signal() }), { code: 'invalid' })
  })
})

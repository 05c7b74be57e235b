import assert from 'node:assert/strict'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import type { TaskItem, TaskSubmitted } from '../../src/model/rest-tasks.ts'
import { eventually } from '../support/eventually.ts'
import { Cluster, json } from './cluster.ts'
import { engine } from './engine.ts'
import type { PeerProcess } from './peer-process.ts'
import { skip } from '../support/skip.ts'

/** After this no lease of the preset `loopback` holds any more, and its work has been given to another. */
const MOVED_WITHIN_MS = 20_000

const RUNTIMES = [
  { runtime: 'process', hello: { image: 'tr a-z A-Z' }, hanging: { image: 'sleep', args: ['3600'] }, failing: { image: "sh -c 'exit 3'" } },
  {
    runtime: 'docker',
    hello: { image: 'cares-example/upper' },
    hanging: { image: 'cares-test/hang' },
    failing: { image: 'cares-example/fail' }
  }
] as const

for (const { runtime, hello, hanging, failing } of RUNTIMES) {
  describe(`tasks of real peers (${runtime})`, function () {
    this.timeout(180_000)
    let cluster: Cluster

    before(async function () {
      if (runtime === 'docker' && !(await engine.answers())) skip(this, 'no Docker engine answers')
    })

    beforeEach(async () => {
      cluster = await Cluster.start({ runtime })
      // With fewer, the one that is killed or frozen may be the only one.
      for (const peer of cluster.alive)
        await eventually('three voters', async () =>
          (await json<ClusterState>(peer, '/v1/cluster')).voters.length === 3 ? true : undefined
        )
    })

    afterEach(async () => cluster.stop())

    const submit = async (peer: PeerProcess, body: object): Promise<TaskItem> => {
      const { task } = await json<TaskSubmitted>(peer, '/v1/tasks', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body)
      })
      return task
    }

    const read = async (peer: PeerProcess, { id }: { readonly id: string }, query = ''): Promise<TaskItem> =>
      json<TaskItem>(peer, `/v1/tasks/${id}${query}`)

    const running = async (peer: PeerProcess, task: { readonly id: string }): Promise<TaskItem> =>
      eventually('the task runs', async () => {
        const now = await read(peer, task)
        return now.state === 'running' && (await isAlive(now)) ? now : undefined
      })

    /** Whether a program of it runs, as the machine sees it. */
    const isAlive = async ({ worker }: TaskItem): Promise<boolean> => {
      if (worker === null) return false
      return runtime === 'process' || (await engine.containersOf([worker])).some(({ state }) => state === 'running')
    }

    const other = (than: readonly string[]): PeerProcess => {
      const found = cluster.alive.find(({ id }) => !than.includes(id))
      assert.ok(found)
      return found
    }

    it('run, fail for good, and are cancelled', async () => {
      const [peer] = cluster.alive
      assert.ok(peer)
      const upper = await submit(peer, { ...hello, input: 'hello' })
      const failed = await submit(peer, { ...failing, attempts: 1 })
      const hung = await submit(peer, hanging)
      assert.equal((await read(peer, upper, '?wait=60s')).state, 'succeeded')
      assert.equal(await (await fetch(`${peer.api}/v1/tasks/${upper.id}/result`)).text(), 'HELLO')
      const { state, exitCode } = await read(peer, failed, '?wait=60s')
      assert.deepEqual([state, exitCode], ['dead', 3])
      const held = await running(peer, hung)
      assert.equal((await json<TaskItem>(peer, `/v1/tasks/${hung.id}`, { method: 'DELETE' })).state, 'cancelled')
      if (runtime === 'docker')
        await eventually('its container is gone', async () =>
          (await engine.containersOf(held.worker === null ? [] : [held.worker])).length === 0 ? true : undefined
        )
    })

    it('of a killed worker end with it, and run elsewhere', async () => {
      const { first, second, worker } = await moved(cluster, async victim => void (await victim.crash()))
      assert.notEqual(second.worker?.id, first.worker?.id)
      assert.equal(second.attempts[0]?.failure?.code, 'peer_lost')
      if (runtime === 'docker') assert.deepEqual(await engine.containersOf([worker]), [], 'the container of the killed peer')
    })

    it('of a frozen worker end although it is frozen, and run elsewhere', async () => {
      const { worker } = await moved(cluster, victim => void process.kill(victim.pid, 'SIGSTOP'))
      try {
        if (runtime === 'docker') assert.deepEqual(await engine.containersOf([worker]), [], 'the container of the frozen peer')
      } finally {
        process.kill(worker.pid, 'SIGCONT')
      }
    })

    it('go on when the orchestrator is killed, and have one result', async () => {
      const orchestrator = await cluster.settled()
      const gateway = other([orchestrator.id])
      const tasks = await Promise.all(Array.from({ length: 10 }, async (_, i) => submit(gateway, { ...hello, input: `n${i}` })))
      await orchestrator.crash()
      for (const [i, task] of tasks.entries()) {
        const done = await read(gateway, task, '?wait=60s')
        assert.equal(done.state, 'succeeded', JSON.stringify(done.attempts))
        assert.equal(await (await fetch(`${gateway.api}/v1/tasks/${task.id}/result`)).text(), `N${i}`)
      }
    })

    /** Runs a task that hangs, does something to its worker, and waits until it runs on another. */
    async function moved(
      { alive }: Cluster,
      harm: (worker: PeerProcess) => Promise<void> | void
    ): Promise<{ first: TaskItem; second: TaskItem; worker: PeerProcess }> {
      const [any] = alive
      assert.ok(any)
      const task = await submit(any, hanging)
      const first = await running(any, task)
      const worker = alive.find(({ id }) => id === first.worker?.id)
      assert.ok(worker)
      const watcher = other([worker.id])
      await harm(worker)
      const second = await eventually(
        'it runs elsewhere',
        async () => {
          const now = await read(watcher, task)
          return now.attempt > first.attempt && now.state === 'running' && (await isAlive(now)) ? now : undefined
        },
        { withinMs: MOVED_WITHIN_MS }
      )
      await json<TaskItem>(watcher, `/v1/tasks/${task.id}`, { method: 'DELETE' })
      return { first, second, worker }
    }
  })
}

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import type { TaskItem, TaskSubmitted } from '../../src/model/rest-tasks.ts'
import { eventually } from '../support/eventually.ts'
import { skip } from '../support/skip.ts'
import { Cluster, json } from './cluster.ts'
import { engine } from './engine.ts'
import { dockerFunctions, processFunctions } from './functions.ts'
import type { PeerProcess } from './peer-process.ts'

/**
 * After this no lease of the preset `lan` holds any more (14.1 s), and its work has been given to another. With `loopback` a machine that stands still for
 * two seconds costs a worker its lease, as it must, and with it the service and every connection to it.
 */
const MOVED_WITHIN_MS = 30_000

const ECHO_BYTES = 10 * 2 ** 20

/** All peers are on one machine, so each takes connections at an address of its own. */
const NAMES = ['peer-0', 'peer-1', 'peer-2'] as const
const hostOf = (name: string): string => `127.0.0.${2 + NAMES.findIndex(known => known === name)}`

for (const runtime of ['process', 'docker'] as const) {
  describe(`services of real peers (${runtime})`, function () {
    this.timeout(180_000)
    let cluster: Cluster
    let port: number
    const { web } = runtime === 'process' ? processFunctions() : dockerFunctions()

    before(async function () {
      if (runtime === 'docker' && !(await engine.answers())) skip(this, 'no Docker engine answers')
      port = await freePort()
      cluster = await Cluster.start({ runtime, names: NAMES, flagsOf: async name => ['--publish-host', hostOf(name), '--preset', 'lan'] })
      for (const peer of cluster.alive)
        await eventually('three voters', async () =>
          (await json<ClusterState>(peer, '/v1/cluster')).voters.length === 3 ? true : undefined
        )
    })

    after(async () => cluster?.stop())

    const submit = async (peer: PeerProcess, service: object): Promise<TaskItem> => {
      const { task } = await json<TaskSubmitted>(peer, '/v1/tasks', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ image: web.image, name: 'web', service })
      })
      return task
    }

    const read = async (peer: PeerProcess, { id }: { readonly id: string }, query = ''): Promise<TaskItem> =>
      json<TaskItem>(peer, `/v1/tasks/${id}${query}`)

    const get = async (name: string, path = '/healthz'): Promise<string> => {
      const answer = await fetch(`http://${hostOf(name)}:${port}${path}`, { headers: { connection: 'close' } })
      return answer.text()
    }

    it('are reached through every peer, are whole after a half-close, start again, move from a killed worker, and end', async () => {
      const [any] = cluster.alive
      assert.ok(any)
      const task = await submit(any, { publish: port, health: '/healthz' })
      const first = await read(any, task, '?wait=60s')
      assert.deepEqual([first.state, first.service?.health], ['running', 'healthy'], JSON.stringify(first.attempts))

      for (const { name } of cluster.alive) {
        assert.equal(await eventually(`${name} answers`, () => get(name).catch(() => undefined)), 'ok\n')
        const echo = await echoed(hostOf(name), port)
        assert.equal(echo, `${ECHO_BYTES} the same`, JSON.stringify((await read(any, task)).attempts))
      }

      // The program ends, and is started again: here or elsewhere.
      await get('peer-0', '/crash').catch(() => {})
      const again = await eventually('it is started again', async () => {
        const now = await read(any, task)
        return now.attempt > first.attempt && now.service?.health === 'healthy' ? now : undefined
      })
      assert.equal(again.attempts.find(({ attempt }) => attempt === first.attempt)?.failure?.exitCode, 7)
      for (const { name } of cluster.alive) assert.equal(await get(name), 'ok\n')

      const worker = cluster.alive.find(({ id }) => id === again.worker?.id)
      assert.ok(worker)
      const victim = hostOf(worker.name)
      await worker.crash()
      const survivors = cluster.alive
      const [watcher] = survivors
      assert.ok(watcher)
      const answers = async (name: string): Promise<string> =>
        eventually(`${name} answers`, () => get(name).catch(() => undefined), {
          withinMs: MOVED_WITHIN_MS,
          onFailure: () => watcher.log(40)
        })
      for (const { name } of survivors) assert.equal(await answers(name), 'ok\n')
      const moved = await read(watcher, task)
      assert.notEqual(moved.worker?.id, worker.id)
      assert.ok(moved.attempts.some(({ failure }) => failure?.code === 'peer_lost'))
      await assert.rejects(fetch(`http://${victim}:${port}/`))

      // Nobody else can have the port, until the service is over.
      await assert.rejects(submit(watcher, { publish: port }), /conflict/)
      await json<TaskItem>(watcher, `/v1/tasks/${task.id}`, { method: 'DELETE' })
      for (const { name } of survivors)
        await eventually(`${name} takes no connections any more`, () =>
          get(name).then(
            () => undefined,
            () => true
          )
        )
      if (runtime === 'docker')
        await eventually('its container is gone', async () => ((await engine.containersOf(survivors)).length === 0 ? true : undefined))
    })
  })
}

/** Sends many bytes to the echo behind a port, ends that direction, and says what came back. */
async function echoed(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, allowHalfOpen: true })
  await once(socket, 'connect')
  // What is read tells how far it came.
  socket.on('error', () => {})
  socket.write('GET /echo HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n')
  const input = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  let head = ''
  while (!head.includes('\r\n\r\n')) head += String((await input.next()).value)
  const bytes = Buffer.alloc(ECHO_BYTES)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(at, at)
  socket.end(bytes)
  const hash = createHash('sha256')
  let count = 0
  try {
    for (let next = await input.next(); next.done !== true; next = await input.next()) {
      hash.update(next.value)
      count += next.value.length
    }
  } catch (err) {
    return `${count}, then ${(err as Error).message}`
  }
  return `${count} ${hash.digest('hex') === createHash('sha256').update(bytes).digest('hex') ? 'the same' : 'others'}`
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.2')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

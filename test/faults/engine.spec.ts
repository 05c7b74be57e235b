import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskItem, TaskSubmitted } from '../../src/model/rest-tasks.ts'
import { ask, json, type Reply, upload } from '../e2e/cluster.ts'
import { dockerFunctions } from '../e2e/functions.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { TwoEngines } from '../e2e/two-engines.ts'
import { eventually } from '../support/eventually.ts'
import { stateOf } from './states.ts'

const { upper } = dockerFunctions()
const CLIENTS = 2
const TASKS = 4
/** What a client may hear of a call whose engine is gone; anything else would be no clear answer. */
const CLEAR = new Set(['runtime_unavailable', 'no_capacity', 'function_failed', 'function_protocol', 'peer_lost', 'timeout', 'busy'])
/** The engine is away for longer than the leases of its worker. */
const AWAY_MS = 4_000

describe('kill -9 of a Docker engine', () => {
  let two: TwoEngines | undefined
  before('needs a Docker engine, and to start another', async function () {
    two = await TwoEngines.start(this)
  })
  after(() => two?.stop())

  it('every call is answered, with its own answer or why not, tasks succeed once it is back, and nothing is left in it', async () => {
    assert.ok(two)
    const { cluster, second } = two
    const [near, far] = [cluster.peer('peer-0'), cluster.peer('far')]
    await upload(cluster, near, { name: 'upper', ...upper })
    assert.equal((await call(far, 'warm up', 'far')).text, 'WARM UP')
    const { term } = await stateOf(near)

    const stopping = new AbortController()
    const answers: { readonly input: string; readonly reply: Reply }[] = []
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let i = 0; !stopping.signal.aborted; i++) {
        const input = `call ${client}.${i}`
        answers.push({ input, reply: await call(i % 2 === 0 ? near : far, input, i % 3 === 0 ? 'far' : undefined) })
      }
    })
    const answered = async (more: number): Promise<void> => {
      const wanted = answers.length + more
      await eventually(`${more} more answers`, () => (answers.length >= wanted ? true : undefined), { withinMs: 60_000 })
    }
    await answered(4)
    // A name means an image of the engine of who is asked: only the first engine has one of that name.
    const tasks = await Promise.all(Array.from({ length: TASKS }, (_, i) => submit(near, `task ${i}`)))
    await second.kill()
    await answered(4)
    await sleep(AWAY_MS)
    await second.run()
    await eventually('the function to run there again', async () => ((await call(near, 'again', 'far')).status === 200 ? true : undefined))
    await answered(4)
    stopping.abort()
    await Promise.all(clients)

    for (const { input, reply } of answers) {
      if (reply.status === 200) assert.equal(reply.text, input.toUpperCase())
      else assert.ok(CLEAR.has(reply.problem?.code ?? ''), `${input}: ${reply.status} ${reply.text}`)
    }
    assert.ok(answers.some(({ reply }) => reply.status === 200))
    for (const [index, { id }] of tasks.entries()) {
      const { state } = await json<TaskItem>(near, `/v1/tasks/${id}?wait=60s`)
      assert.equal(state, 'succeeded')
      for (const peer of cluster.alive) assert.equal((await ask(peer, `/v1/tasks/${id}/result`)).text, `TASK ${index}`, peer.name)
    }
    assert.equal((await stateOf(near)).term, term, 'no engine has a say in who leads')
    await far.stop()
    assert.deepEqual(await second.docker.listContainers({ all: true }), [])
  })
})

async function call(peer: PeerProcess, body: string, on: string | undefined): Promise<Reply> {
  return await ask(peer, '/fn/upper', { method: 'POST', body, headers: on === undefined ? {} : { 'x-cares-on': on } })
}

async function submit(peer: PeerProcess, input: string): Promise<TaskItem> {
  const headers = { 'content-type': 'application/json' }
  const { image } = upper
  const { task } = await json<TaskSubmitted>(peer, '/v1/tasks', {
    method: 'POST',
    headers,
    body: JSON.stringify({ image, input, attempts: 10 })
  })
  return task
}

import assert from 'node:assert/strict'
import type { Cluster as ClusterState, Problem } from '../../src/model/rest.ts'
import type { TaskItem, TaskSubmitted } from '../../src/model/rest-tasks.ts'
import { eventually } from '../support/eventually.ts'
import { postgresPrograms, type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { skip } from '../support/skip.ts'
import { Cluster, json } from './cluster.ts'
import type { PeerProcess } from './peer-process.ts'

describe('real peers that keep their tasks in a database', function () {
  this.timeout(120_000)
  let server: PostgresServer
  let cluster: Cluster

  before(async function () {
    const programs = postgresPrograms()
    if (programs === null) skip(this, 'there is no PostgreSQL server: sudo apt-get install postgresql')
    server = await startPostgres(programs)
  })
  after(async () => server?.dispose())

  beforeEach(async () => {
    cluster = await Cluster.start({ peers: 1, flags: ['--open', ...inDatabase('tasks')] })
  })
  afterEach(async () => cluster.stop())

  function inDatabase(name: string): readonly string[] {
    return ['--task-store', 'postgres', '--task-store-url', server.url(name)]
  }

  const submit = async ({ api }: PeerProcess): Promise<Response> =>
    fetch(`${api}/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ image: 'tr a-z A-Z', input: 'hello' })
    })

  it('run them, and keep a peer out that was given another database', async () => {
    const [first] = cluster.alive
    assert.ok(first)
    const { task } = (await (await submit(first)).json()) as TaskSubmitted
    assert.equal((await json<TaskItem>(first, `/v1/tasks/${task.id}?wait=60s`)).state, 'succeeded')

    // The later of two values of a flag counts.
    const stranger = await cluster.add('stranger', inDatabase('elsewhere'))
    const fenced = await eventually('the stranger takes no part', async () => {
      const { fenced: reason } = await json<ClusterState>(stranger, '/v1/cluster')
      return reason ?? undefined
    })
    assert.match(fenced, /another PostgreSQL database than its cluster/)
    const refused = await submit(stranger)
    const problem = (await refused.json()) as Problem
    assert.equal(refused.ok, false)
    assert.match(`${problem.detail} ${problem.hint}`, /another PostgreSQL database than its cluster.*--task-store-url/s)
    assert.equal((await submit(first)).status, 202)
  })
})

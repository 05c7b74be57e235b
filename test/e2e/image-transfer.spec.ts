import assert from 'node:assert/strict'
import { ask, upload } from './cluster.ts'
import { dockerFunctions } from './functions.ts'
import { TwoEngines } from './two-engines.ts'

describe('two peers with a Docker engine each, and no registry', function () {
  this.timeout(120_000)
  let two: TwoEngines | undefined
  before('needs a Docker engine, and to start another', async function () {
    two = await TwoEngines.start(this)
  })
  after(() => two?.stop())

  it('run what was uploaded on one of them on the other, which takes the image from the first', async () => {
    assert.ok(two)
    const { cluster, second } = two
    const near = cluster.peer('peer-0')
    await upload(cluster, near, { name: 'upper', ...dockerFunctions().upper })
    const reply = await ask(near, '/fn/upper', { method: 'POST', body: 'carried over', headers: { 'x-cares-on': 'far' } })
    assert.deepEqual([reply.status, reply.text], [200, 'CARRIED OVER'], reply.text)
    const names = (await second.docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []) ?? []
    assert.ok(
      names.some(name => name.startsWith('cares/upper:')),
      `the image has no name of its own: ${names.join(', ')}`
    )
  })
})

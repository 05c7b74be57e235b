import assert from 'node:assert/strict'
import { ask, Cluster, upload } from './cluster.ts'
import { engine } from './engine.ts'
import { dockerFunctions } from './functions.ts'
import { SecondEngine } from './second-engine.ts'
import { skip } from '../support/skip.ts'

describe('two peers with a Docker engine each, and no registry', function () {
  this.timeout(120_000)
  let cluster: Cluster
  let second: SecondEngine | undefined

  before('needs a Docker engine, and to start another', async function () {
    if (process.getuid?.() !== 0 || !(await engine.answers())) skip(this, 'it takes root and a Docker engine')
    second = await SecondEngine.start()
    cluster = await Cluster.start({ runtime: 'docker', peers: 1 })
    await cluster.add('far', [], { DOCKER_HOST: second.host })
    await cluster.settled()
  })
  after(async () => {
    await cluster?.stop()
    await second?.stop()
  })

  it('run what was uploaded on one of them on the other, which takes the image from the first', async () => {
    const near = cluster.peer('peer-0')
    await upload(cluster, near, { name: 'upper', ...dockerFunctions().upper })
    const reply = await ask(near, '/fn/upper', { method: 'POST', body: 'carried over', headers: { 'x-cares-on': 'far' } })
    assert.deepEqual([reply.status, reply.text], [200, 'CARRIED OVER'], reply.text)
    const names = (await second?.docker.listImages())?.flatMap(({ RepoTags }) => RepoTags ?? []) ?? []
    assert.ok(
      names.some(name => name.startsWith('cares/upper:')),
      `the image has no name of its own: ${names.join(', ')}`
    )
  })
})

import assert from 'node:assert/strict'
import { makeImages, EXAMPLE_IMAGES } from '../../scripts/images.ts'
import { ask, Cluster, eventually, upload } from './cluster.ts'
import { engine } from './engine.ts'
import { dockerFunctions } from './functions.ts'
import { SecondEngine } from './second-engine.ts'
import { skip } from '../support/skip.ts'

describe('a peer whose Docker engine goes away and comes back', function () {
  this.timeout(180_000)
  let cluster: Cluster
  let second: SecondEngine | undefined

  before('needs a Docker engine, and to start another', async function () {
    if (process.getuid?.() !== 0 || !(await engine.answers())) skip(this, 'it takes root and a Docker engine')
    await makeImages(EXAMPLE_IMAGES)
    second = await SecondEngine.start()
    // The first has the image to give; the second has the engine that goes away.
    cluster = await Cluster.start({ runtime: 'docker', peers: 1 })
    await cluster.add('far', [], { DOCKER_HOST: second.host })
    await cluster.settled()
  })
  after(async () => {
    await cluster?.stop()
    await second?.stop()
  })

  it('says so meanwhile, works on afterwards, and leaves nothing behind', async () => {
    const far = cluster.peer('far')
    const call = () => ask(far, '/fn/upper', { method: 'POST', body: 'again', headers: { 'x-cares-on': 'far' } })
    await upload(cluster, cluster.peer('peer-0'), { name: 'upper', ...dockerFunctions().upper, prewarm: 1 })
    assert.equal((await call()).text, 'AGAIN')

    await second?.halt()
    const refused = await call()
    assert.ok(refused.status >= 500, `${refused.status} ${refused.text}`)
    assert.ok(['runtime_unavailable', 'no_capacity'].includes(refused.problem?.code ?? ''), refused.text)

    await second?.run()
    const reply = await eventually('the function to run again', async () => {
      const answer = await call()
      return answer.status === 200 ? answer : undefined
    })
    assert.equal(reply.text, 'AGAIN')
    await far.stop()
    assert.deepEqual(await second?.docker.listContainers({ all: true }), [])
  })
})

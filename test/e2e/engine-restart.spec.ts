import assert from 'node:assert/strict'
import { eventually } from '../support/eventually.ts'
import { ask, upload } from './cluster.ts'
import { dockerFunctions } from './functions.ts'
import { TwoEngines } from './two-engines.ts'

describe('a peer whose Docker engine goes away and comes back', function () {
  this.timeout(180_000)
  let two: TwoEngines | undefined
  before('needs a Docker engine, and to start another', async function () {
    two = await TwoEngines.start(this)
  })
  after(() => two?.stop())

  it('says so meanwhile, works on afterwards, and leaves nothing behind', async () => {
    assert.ok(two)
    const { cluster, second } = two
    const far = cluster.peer('far')
    const call = () => ask(far, '/fn/upper', { method: 'POST', body: 'again', headers: { 'x-cares-on': 'far' } })
    await upload(cluster, cluster.peer('peer-0'), { name: 'upper', ...dockerFunctions().upper, prewarm: 1 })
    assert.equal((await call()).text, 'AGAIN')

    await second.halt()
    const refused = await call()
    assert.ok(refused.status >= 500, `${refused.status} ${refused.text}`)
    assert.ok(['runtime_unavailable', 'no_capacity'].includes(refused.problem?.code ?? ''), refused.text)

    await second.run()
    const reply = await eventually('the function to run again', async () => {
      const answer = await call()
      return answer.status === 200 ? answer : undefined
    })
    assert.equal(reply.text, 'AGAIN')
    await far.stop()
    assert.deepEqual(await second.docker.listContainers({ all: true }), [])
  })
})

import assert from 'node:assert/strict'
import { ask, Cluster, upload } from '../e2e/cluster.ts'
import { processFunctions } from '../e2e/functions.ts'
import { cares, PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'
import { stateOf, voters } from './states.ts'

const { upper } = processFunctions()

describe('a majority that is lost for good', () => {
  it('is done without after `cares recover --force`, and is a stranger should it come back', async () => {
    const cluster = await Cluster.start()
    try {
      const orchestrator = await voters(cluster, 3)
      await upload(cluster, orchestrator, { name: 'upper', ...upper })
      await cluster.knows('upper')
      const [survivor, ...lost] = cluster.alive as [PeerProcess, ...PeerProcess[]]
      const data = cluster.dataOf(survivor.name)
      for (const peer of lost) await peer.crash()
      await eventually('no orchestrator is left', async () => ((await stateOf(survivor)).orchestrator === null ? true : undefined))
      assert.match((await stateOf(survivor)).reason, /2 of 3 voters are gone/)

      const busy = await cares(['recover', '--data', data, '--force', '--yes'])
      assert.equal(busy.code, 5, busy.stderr)
      assert.match(busy.stderr, new RegExp(`in use by process ${survivor.pid}`))
      await survivor.stop()

      const shown = await cares(['recover', '--data', data])
      assert.equal(shown.code, 0, shown.stderr)
      assert.match(shown.stdout, /3 voters, of which 2 are needed[\s\S]*last entry +term \d+, index \d+[\s\S]*1 functions/)
      const unasked = await cares(['recover', '--data', data, '--force'])
      assert.equal(unasked.code, 2, unasked.stderr)
      assert.match(unasked.stderr, /Lost will be[\s\S]*add --yes/)
      const nobody = await cares(['recover', '--data', `${data}-nobody`, '--force', '--yes'])
      assert.equal(nobody.code, 4, nobody.stderr)
      const done = await cares(['recover', '--data', data, '--force', '--yes'])
      assert.equal(done.code, 0, done.stderr)

      // Its old friends first: as a majority of the old cluster they elect one of themselves, and still know it as their third voter.
      for (const { name } of lost) await cluster.add(name)
      const [first] = cluster.alive as [PeerProcess]
      await eventually('the old majority has an orchestrator', async () => (await stateOf(first)).orchestrator ?? undefined)
      const flags = ['--open', '--preset', 'loopback', '--runtime', 'process', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
      const recovered = await PeerProcess.start(['--name', survivor.name, '--data', data, ...flags])
      try {
        assert.equal(recovered.id, survivor.id)
        await eventually('it leads alone', async () => ((await stateOf(recovered)).orchestrator?.id === recovered.id ? true : undefined))
        assert.equal((await ask(recovered, '/fn/upper', { method: 'POST', body: 'call' })).text, 'CALL')
        const added = await ask(recovered, '/v1/functions', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name: 'lower', ...upper })
        })
        assert.ok(added.status < 300, added.text)
        const joined = await PeerProcess.start(['--name', 'new', '--data', `${data}-new`, ...flags], {
          CARES_BOOTSTRAP: recovered.announcement.cluster
        })
        try {
          await eventually('a new peer knows all', async () =>
            (await ask(joined, '/fn/lower', { method: 'POST', body: 'call' })).text === 'CALL' ? true : undefined
          )
        } finally {
          await joined.stop()
        }
        const [mine, theirs] = [await stateOf(recovered), await stateOf(first)]
        assert.deepEqual([mine.voters, mine.orchestrator?.id, mine.fenced], [[recovered.id], recovered.id, null])
        assert.notEqual(mine.uid, theirs.uid)
      } finally {
        await recovered.stop()
      }
    } finally {
      await cluster.stop()
    }
  })
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, upload } from '../e2e/cluster.ts'
import { startClients } from './clients.ts'
import { History } from './history.ts'
import { stateOf, voters } from './states.ts'

const OVERSUBSCRIPTION = 8
const STARVED_MS = 20_000
/** A starved peer reads its sockets before it believes in silence. */
const FALSE_ELECTIONS_MAX = 1

describe('a machine whose processors are taken eight times over', () => {
  it(`has at most ${FALSE_ELECTIONS_MAX} false election in ${STARVED_MS / 1_000} s, and answers calls`, async () => {
    // The timings of production: those of the preset for tests are for tests that starve nobody.
    const cluster = await Cluster.start({ flags: ['--open', '--preset', 'lan'] })
    const hogs: ChildProcess[] = []
    try {
      const orchestrator = await voters(cluster, 3)
      const history = new History(cluster)
      await upload(cluster, orchestrator, history.countingFunction)
      const { term } = await stateOf(orchestrator)
      await using clients = startClients(history, () => cluster.alive, 2)
      for (let i = 0; i < OVERSUBSCRIPTION * availableParallelism(); i++) hogs.push(spawn('sh', ['-c', 'while :; do :; done']))
      await sleep(STARVED_MS)
      for (const hog of hogs) hog.kill('SIGKILL')
      await clients.stop()
      const settled = await cluster.settled()
      const elections = (await stateOf(settled)).term - term
      assert.ok(elections <= FALSE_ELECTIONS_MAX, `${elections} false elections`)
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
      assert.ok(history.count('call', 'ok') > 0)
    } finally {
      for (const hog of hogs) hog.kill('SIGKILL')
      await cluster.stop()
    }
  })
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, Cluster, upload } from '../e2e/cluster.ts'
import { startClients } from './clients.ts'
import { History } from './history.ts'
import { stateOf, voters } from './states.ts'
import { skip } from '../support/skip.ts'

/** Where Debian's package `libfaketime` puts it. */
const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`
const WATCHED_MS = 3_000
const SOME = 15

describe('a clock that jumps by days', () => {
  before(function () {
    if (!existsSync(LIBRARY)) skip(this, 'there is no libfaketime: apt-get install libfaketime')
  })

  it('deposes nobody and loses no call: only the monotonic clock counts', async () => {
    const cluster = await Cluster.start({ peers: 1 })
    try {
      const clockFile = cluster.dataOf('clock')
      await writeFile(clockFile, '+0')
      const env = { LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: clockFile, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
      await cluster.add('peer-1', [], env)
      await cluster.add('peer-2', [], env)
      const orchestrator = await voters(cluster, 3)
      const history = new History(cluster)
      await upload(cluster, orchestrator, history.countingFunction)
      await using clients = startClients(history, () => cluster.alive)
      await clients.answered(SOME)
      const { term } = await stateOf(orchestrator)
      for (const jump of ['+5d', '-5d', '+0']) {
        await writeFile(clockFile, jump)
        await sleep(WATCHED_MS)
        await clients.answered(SOME)
        const { headers } = await ask(cluster.peer('peer-1'), '/healthz')
        const offMs = Math.abs(Date.parse(headers.get('date') ?? '') - Date.now())
        // Otherwise this test would test nothing.
        if (jump !== '+0') assert.ok(offMs > 86_400_000, `the clock of peer-1 did not jump: ${headers.get('date')}`)
        assert.equal((await stateOf(orchestrator)).term, term, jump)
      }
      await clients.stop()
      assert.equal(await cluster.settled(), orchestrator)
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(
        history.operations
          .filter(({ kind, outcome }) => kind === 'call' && outcome !== 'ok')
          .map(({ through, detail }) => `${through}: ${detail}`),
        []
      )
    } finally {
      await cluster.stop()
    }
  })
})

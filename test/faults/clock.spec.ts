import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
const LOOK_MS = 20

describe('a clock that jumps by days', () => {
  before(function () {
    if (!existsSync(LIBRARY)) skip(this, 'there is no libfaketime: apt-get install libfaketime')
  })

  it('deposes nobody and loses no call: only the monotonic clock counts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cares-clock-'))
    const clockFile = join(folder, 'clock')
    const jumpBy = async (offset: string): Promise<void> => {
      // At once: who reads a file that is just being written finds it empty.
      await writeFile(`${clockFile}.new`, offset)
      await rename(`${clockFile}.new`, clockFile)
    }
    await jumpBy('+0')
    const env = { LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: clockFile, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
    using starved = watchStarving()
    const cluster = await Cluster.start({ env })
    try {
      const orchestrator = await voters(cluster, 3)
      const history = new History(cluster)
      await upload(cluster, orchestrator, history.countingFunction)
      await using clients = startClients(history, () => cluster.alive)
      await clients.answered(SOME)
      const { term } = await stateOf(orchestrator)
      for (const jump of ['+5d', '-5d', '+0']) {
        await jumpBy(jump)
        await sleep(WATCHED_MS)
        await clients.answered(SOME)
        for (const peer of cluster.alive) {
          const { headers } = await ask(peer, '/healthz')
          const offMs = Math.abs(Date.parse(headers.get('date') ?? '') - Date.now())
          // Otherwise this test would test nothing.
          if (jump !== '+0') assert.ok(offMs > 86_400_000, `the clock of ${peer.name} did not jump: ${headers.get('date')}`)
        }
        assert.equal((await stateOf(orchestrator)).term, term, `${jump}; meanwhile this machine stood still for ${starved.worstMs()} ms`)
      }
      await clients.stop()
      assert.equal(await cluster.settled(), orchestrator)
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
      assert.deepEqual(
        history.operations
          .filter(({ kind, outcome }) => kind === 'call' && outcome !== 'ok')
          .map(({ through, detail }) => `${through}: ${detail}`),
        []
      )
    } finally {
      await cluster.stop()
      await rm(folder, { recursive: true })
    }
  })
})

/** How long this very process has had to wait for its turn, at worst: a peer that waits for longer than an election timeout is deposed rightly. */
function watchStarving(): Disposable & { worstMs(): number } {
  let worstMs = 0
  let lastMs = performance.now()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    worstMs = Math.max(worstMs, nowMs - lastMs - LOOK_MS)
    lastMs = nowMs
  }, LOOK_MS)
  return { worstMs: () => Math.round(worstMs), [Symbol.dispose]: () => clearInterval(timer) }
}

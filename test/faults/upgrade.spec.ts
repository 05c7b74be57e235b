import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cluster, json, upload } from '../e2e/cluster.ts'
import { startClients } from './clients.ts'
import { History } from './history.ts'
import { stateOf, voters } from './states.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NEXT = '0.999.0'
const SOME = 15

describe('a rolling upgrade', () => {
  let next: string

  before(async () => {
    next = await mkdtemp(join(tmpdir(), 'cares-next-'))
    await cp(join(ROOT, 'src'), join(next, 'src'), { recursive: true })
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as object
    await writeFile(join(next, 'package.json'), JSON.stringify({ ...manifest, version: NEXT }))
    await symlink(join(ROOT, 'node_modules'), join(next, 'node_modules'))
  })
  after(async () => rm(next, { recursive: true, force: true }))

  it('peer by peer, and back again: no call fails, nothing acknowledged is lost, and versions live side by side', async () => {
    const cluster = await Cluster.start()
    try {
      const history = new History(cluster)
      await upload(cluster, await voters(cluster, 3), history.countingFunction)
      // Clients know which peer is being exchanged, as a load balancer does.
      let away: string | undefined
      await using clients = startClients(history, () => cluster.alive.filter(({ name }) => name !== away))
      await clients.answered(SOME)
      const names = cluster.alive.map(({ name }) => name)
      for (const [version, launcher] of [
        [NEXT, join(next, 'src/cares.js')],
        [undefined, undefined]
      ] as const) {
        for (const name of names) {
          away = name
          await cluster.peer(name).stop()
          const peer = await cluster.add(name, [], {}, launcher)
          const { version: runs } = await json<{ version: string }>(peer, '/version')
          assert.equal(runs === NEXT, version === NEXT, `${name} runs ${runs}`)
          await voters(cluster, 3)
          away = undefined
          await clients.answered(SOME)
        }
      }
      await clients.stop()
      await cluster.settled()
      for (const peer of cluster.alive) assert.equal((await stateOf(peer)).fenced, null, peer.name)
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
      const failed = history.operations.filter(({ kind, outcome }) => kind === 'call' && outcome !== 'ok')
      assert.deepEqual(
        failed.map(({ through, detail }) => `${through}: ${detail}`),
        []
      )
    } finally {
      await cluster.stop()
    }
  })
})

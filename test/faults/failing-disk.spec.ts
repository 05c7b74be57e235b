import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, Cluster, upload } from '../e2e/cluster.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'
import { skip } from '../support/skip.ts'
import { startClients } from './clients.ts'
import { type DiskTrouble, FailingDisk } from './failing-disk.ts'
import { History } from './history.ts'
import { otherOrchestrator, stateOf, voters } from './states.ts'

const SOME = 20
const NOTICED_WITHIN_MS = 30_000

describe('a disk that fails below a running peer', () => {
  let disk: FailingDisk

  before(function () {
    disk = FailingDisk.create() ?? skip(this, 'a disk is made to fail by LD_PRELOAD and cc: Linux, apt-get install gcc libc6-dev')
  })
  after(() => disk?.[Symbol.dispose]())

  const troubles: readonly (readonly [name: string, trouble: (below: string) => DiskTrouble, reason: RegExp])[] = [
    ['does not write', below => ({ what: 'write', error: 'EIO', below }), /the disk failed to read or write/],
    ['does not bring to safety what it has written', below => ({ what: 'sync', error: 'EIO', below }), /the disk failed to read or write/],
    [
      'has become read-only',
      below => ({ what: 'write', error: 'EROFS', below }),
      /the disk (failed to read or write|or the file is read-only)/
    ]
  ]
  for (const [name, trouble, told] of troubles) {
    it(`and ${name}: its peer takes no part any more and says why, the others go on, and it is welcome back`, async () => {
      const cluster = await Cluster.start({ env: disk.env })
      try {
        const broken = await voters(cluster, 3)
        const others = cluster.alive.filter(peer => peer !== broken)
        const [other] = others
        assert.ok(other)
        const history = new History(cluster)
        await upload(cluster, broken, history.countingFunction)
        await using clients = startClients(history, () => cluster.alive)
        await clients.answered(SOME)

        disk.fail(trouble(cluster.dataOf(broken.name)))
        const reason = await eventually('it takes no part any more', async () => (await stateOf(broken)).fenced ?? undefined, {
          withinMs: NOTICED_WITHIN_MS
        })
        assert.match(reason, told)
        const ready = await ask(broken, '/readyz')
        assert.deepEqual([ready.status, told.test(ready.text)], [503, true], ready.text)
        for (const [path, body] of [
          ['/v1/functions', { name: 'another', image: history.countingFunction.image }],
          ['/v1/tasks', { image: history.countingFunction.image }]
        ] as const) {
          const refused = await ask(broken, path, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body)
          })
          assert.deepEqual([refused.status, refused.problem?.code], [503, 'fenced'], refused.text)
          assert.match(refused.problem?.hint ?? '', /ask another peer/)
        }
        const large = await ask(broken, '/v1/payloads', { method: 'POST', body: 'x'.repeat(100_000) })
        assert.deepEqual([large.status, large.problem?.code], [503, 'disk_failed'], large.text)
        const next = await otherOrchestrator(other, broken)
        await clients.answered(SOME)
        const late = await ask(broken, '/fn/counting', { method: 'POST', body: 'late\n' })
        assert.ok(late.status === 200 || late.problem !== undefined, `a call through it is answered: ${late.status} ${late.text}`)
        for (const peer of others) assert.equal((await stateOf(peer)).fenced, null, `${peer.name} is well`)
        assert.equal((await stateOf(other)).orchestrator?.id, next)

        await broken.stop()
        disk.repair()
        const again = await cluster.add(broken.name)
        assert.equal(again.id, broken.id)
        await voters(cluster, 3)
        assert.equal((await stateOf(again)).fenced, null)
        await clients.answered(SOME)
        await clients.stop()
        await cluster.settled()
        assert.deepEqual(await history.contradictions(cluster), [])
        assert.deepEqual(history.untried(), [])
      } finally {
        disk.repair()
        await cluster.stop()
      }
    })
  }

  it('and takes half a page, and then its process dies: the peer comes back as who it was, and nothing acknowledged is lost', async () => {
    const cluster = await Cluster.start({ env: disk.env })
    try {
      const history = new History(cluster)
      await upload(cluster, await voters(cluster, 3), history.countingFunction)
      await using clients = startClients(history, () => cluster.alive)
      for (const { name, id } of cluster.alive.slice()) {
        await clients.answered(SOME)
        const victim = cluster.peer(name)
        disk.fail({ what: 'tear', below: join(cluster.dataOf(name), 'cares.db') })
        assert.equal((await victim.ended).signal, 'SIGKILL')
        disk.repair()
        const again = await cluster.add(name, [], disk.env)
        assert.equal(again.id, id)
        await voters(cluster, 3)
        assert.equal((await stateOf(again)).fenced, null)
      }
      await clients.answered(SOME)
      await clients.stop()
      await cluster.settled()
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
    } finally {
      disk.repair()
      await cluster.stop()
    }
  })
})

describe('a disk that has changed what was written', () => {
  for (const [where, file, end] of [
    ['in its database', 'cares.db', async (peer: PeerProcess) => peer.stop()],
    ['in what a killed peer has written last', 'cares.db-wal', async (peer: PeerProcess) => peer.crash()]
  ] as const) {
    it(`by one bit, ${where}: the peer does not start, says what is damaged and what to do, and joins anew without it`, async () => {
      const cluster = await Cluster.start()
      try {
        const history = new History(cluster)
        const orchestrator = await voters(cluster, 3)
        await upload(cluster, orchestrator, history.countingFunction)
        const victim = cluster.alive.find(peer => peer !== orchestrator)
        assert.ok(victim)
        await using clients = startClients(history, () => cluster.alive.filter(peer => peer !== victim))
        await clients.answered(SOME)
        await end(victim)
        const data = cluster.dataOf(victim.name)
        flipBitsAt(join(data, file), history.countingFunction.image)
        await assert.rejects(cluster.add(victim.name), /is damaged: [\s\S]*move the whole data directory away and start again/)
        renameSync(data, `${data}-damaged`)
        const again = await cluster.add(victim.name)
        assert.notEqual(again.id, victim.id, 'it must not vote under the name of what it forgot')
        await eventually('the new one votes in place of the old one', async () => {
          const { voters: now } = await stateOf(orchestrator)
          const ids = now.map(String)
          return ids.length === 3 && ids.includes(again.id) && !ids.includes(victim.id) ? true : undefined
        })
        await clients.answered(SOME)
        await clients.stop()
        await cluster.settled()
        assert.deepEqual(await history.contradictions(cluster), [])
        assert.deepEqual(history.untried(), [])
      } finally {
        await cluster.stop()
      }
    })
  }
})

/** Changes one bit in each place of a file that holds `text`: some may be left over from before. */
function flipBitsAt(path: string, text: string): void {
  const bytes = readFileSync(path)
  assert.ok(bytes.includes(text), `${path} does not hold ${text}`)
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at)) bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(path, bytes)
}

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, Cluster, upload } from '../e2e/cluster.ts'
import { processFunctions } from '../e2e/functions.ts'
import { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'
import { History } from './history.ts'
import { stateOf, voters } from './states.ts'
import { skip } from '../support/skip.ts'

const { upper } = processFunctions()
/** The store's databases, their write-ahead logs, and some uploads. */
const DISK_BYTES = 16 * 2 ** 20
/** More than fit beside the ballast below. */
const UPLOADS_MAX = 400

describe('a disk that is full', () => {
  it('takes its peer out, with a reason that says so, while the others go on', async function () {
    const cluster = await Cluster.start({ peers: 2 })
    const directory = cluster.dataOf('peer-2')
    mkdirSync(directory)
    try {
      if (!mount(directory)) return skip(this, 'a file system of its own takes root')
      const small = await cluster.add('peer-2')
      await voters(cluster, 3)
      const other = cluster.alive.find(peer => peer !== small)
      assert.ok(other)
      const { bavail, bsize } = statfsSync(directory)
      writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize))
      const history = new History(cluster)
      const reason = await eventually(
        'the peer takes no part any more',
        async () => {
          if (history.operations.length < UPLOADS_MAX) await history.upload(other)
          return (await stateOf(small)).fenced ?? undefined
        },
        { withinMs: 60_000 }
      )
      assert.match(reason, /disk is full/)
      const ready = await ask(small, '/readyz')
      assert.equal(ready.status, 503)
      assert.match(ready.text, /disk is full/)

      const survivors = cluster.alive.filter(peer => peer !== small)
      await eventually('the others agree on an orchestrator', async () => {
        const states = await Promise.all(survivors.map(stateOf))
        const ids = new Set(states.map(({ orchestrator }) => orchestrator?.id))
        return ids.size === 1 && !ids.has(undefined) && !ids.has(small.id) ? true : undefined
      })
      const last = await ask(other, '/v1/functions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'upper', ...upper })
      })
      assert.ok(last.status < 300, last.text)
      await eventually('the others know it', async () => {
        const replies = await Promise.all(survivors.map(peer => ask(peer, '/fn/upper', { method: 'POST', body: 'call' })))
        return replies.every(({ text }) => text === 'CALL') ? true : undefined
      })

      await small.stop()
      rmSync(join(directory, 'filler'))
      const again = await cluster.add('peer-2')
      assert.equal(again.id, small.id)
      await cluster.settled()
      await cluster.knows('upper')
      assert.deepEqual(await history.contradictions(cluster), [])
    } finally {
      await Promise.all(cluster.alive.map(peer => peer.stop()))
      unmount(directory)
      await cluster.stop()
    }
  })
})

describe('a data directory', () => {
  it('that was deleted while its peer was down: the peer joins as a new one', async () => {
    const cluster = await Cluster.start()
    try {
      const orchestrator = await voters(cluster, 3)
      await upload(cluster, orchestrator, { name: 'upper', ...upper })
      const victim = cluster.alive.find(peer => peer !== orchestrator)
      assert.ok(victim)
      await victim.crash()
      rmSync(cluster.dataOf(victim.name), { recursive: true })
      const again = await cluster.add(victim.name)
      assert.notEqual(again.id, victim.id, 'it must not vote under the name of what it forgot')
      await cluster.settled()
      await cluster.knows('upper')
      assert.equal((await ask(again, '/fn/upper', { method: 'POST', body: 'call' })).text, 'CALL')
      await eventually('the new one votes in place of the old one', async () => {
        const { voters: now } = await stateOf(orchestrator)
        const ids = now.map(String)
        return ids.length === 3 && ids.includes(again.id) && !ids.includes(victim.id) ? true : undefined
      })
    } finally {
      await cluster.stop()
    }
  })

  it('that is restored from an old backup: the peer takes no part, and says why', async () => {
    const cluster = await Cluster.start({ peers: 3 })
    try {
      const orchestrator = await voters(cluster, 3)
      const ids = (await stateOf(orchestrator)).voters
      const victim = cluster.alive.find(peer => peer !== orchestrator && ids.includes(peer.id))
      assert.ok(victim)
      const [data, backup] = [cluster.dataOf(victim.name), `${cluster.dataOf(victim.name)}-backup`]
      await victim.stop()
      cpSync(data, backup, { recursive: true })
      const again = await cluster.add(victim.name)
      await cluster.settled()
      assert.equal((await stateOf(again)).fenced, null, 'a restart alone is no reason')
      await again.crash()
      rmSync(data, { recursive: true })
      cpSync(backup, data, { recursive: true })
      const restored = await cluster.add(victim.name)
      const reason = await eventually('it takes no part', async () => (await stateOf(restored)).fenced ?? undefined)
      assert.match(reason, /old or a copied one: this is start \d+ of this peer by it, the cluster has seen (another|start \d+)/)
      assert.equal((await ask(restored, '/readyz')).status, 503)
      const added = await ask(orchestrator, '/v1/functions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'upper', ...upper })
      })
      assert.ok(added.status < 300, `the others go on: ${added.text}`)
    } finally {
      await cluster.stop()
    }
  })

  it('whose database is deleted under a running peer: it writes nothing more, and says so', async () => {
    const cluster = await Cluster.start()
    try {
      const orchestrator = await voters(cluster, 3)
      rmSync(join(cluster.dataOf(orchestrator.name), 'cares.db'))
      const [other] = cluster.alive.filter(peer => peer !== orchestrator) as [PeerProcess, ...PeerProcess[]]
      const { term } = await stateOf(other)
      const first = await ask(other, '/v1/functions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'upper', ...upper })
      })
      assert.ok(first.status < 300, `the next orchestrator takes it: ${first.text}`)
      assert.match((await stateOf(orchestrator)).fenced ?? '', /was deleted/)
      assert.ok((await stateOf(other)).term > term)
    } finally {
      await cluster.stop()
    }
  })

  it('that cannot be written to is refused at the start, with what to do', async function () {
    const directory = mkdtempSync(join(tmpdir(), 'cares-read-only-'))
    try {
      if (!mount(directory, 'ro')) return skip(this, 'a file system of its own takes root')
      const flags = ['--data', directory, '--open', '--runtime', 'process', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
      await assert.rejects(PeerProcess.start(flags), /read-only|cannot be opened/)
    } finally {
      unmount(directory)
      rmSync(directory, { recursive: true })
    }
  })

  it('of a running peer is refused to a second process, which says who has it', async () => {
    const cluster = await Cluster.start({ peers: 1 })
    try {
      const peer = cluster.peer('peer-0')
      const flags = ['--name', 'twin', '--data', cluster.dataOf('peer-0'), '--open', '--runtime', 'process', '--http', '127.0.0.1:0']
      await assert.rejects(PeerProcess.start([...flags, '--listen', '/ip4/127.0.0.1/tcp/0']), new RegExp(`in use by process ${peer.pid}`))
      assert.equal((await ask(peer, '/healthz')).status, 200)
    } finally {
      await cluster.stop()
    }
  })
})

/** Puts a small disk of memory at `directory`; false where that is not allowed. */
function mount(directory: string, access: 'rw' | 'ro' = 'rw'): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${access},size=${DISK_BYTES},mode=700`, 'tmpfs', directory], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

function unmount(directory: string): void {
  try {
    execFileSync('umount', [directory], { stdio: 'pipe' })
  } catch {
    // It was never mounted.
  }
}

import assert from 'node:assert/strict'
import { eventually } from '../support/eventually.ts'
import { ask, Cluster, upload } from './cluster.ts'
import { engine } from './engine.ts'
import { dockerFunctions } from './functions.ts'
import { cares, type PeerProcess } from './peer-process.ts'
import { skip } from '../support/skip.ts'

describe('three peers with Docker', () => {
  const functions = dockerFunctions()
  let cluster: Cluster
  let first: PeerProcess
  before('needs a Docker engine', async function () {
    if (!(await engine.answers())) skip(this, 'no Docker engine answers')
    cluster = await Cluster.start({ runtime: 'docker', flags: ['--open', '--cpus', '2', '--memory', '1Gi'] })
    first = cluster.peer('peer-0')
    for (const [name, wish] of Object.entries(functions)) await upload(cluster, first, { name, ...wish })
  })
  after(() => cluster?.stop())

  it('answer a stdio function, each of them, by REST and by the command line', async () => {
    for (const peer of cluster.alive) {
      const reply = await ask(peer, '/fn/upper', { method: 'POST', body: `through ${peer.name}` })
      assert.deepEqual([reply.status, reply.text], [200, `THROUGH ${peer.name.toUpperCase()}`])
      const { code, stdout, stderr } = await cares(['--api', peer.api, 'invoke', 'upper', '-d', 'by hand'])
      assert.deepEqual([code, stdout], [0, 'BY HAND'], stderr)
    }
  })

  it('answer an http function, each of them, on each of them', async () => {
    for (const gateway of cluster.alive) {
      for (const worker of cluster.alive) {
        const reply = await ask(gateway, '/fn/web/a?b=c', { method: 'PUT', body: 'five!', headers: { 'x-cares-on': worker.name } })
        const told = JSON.parse(reply.text) as { method: string; bodyBytes: number }
        assert.deepEqual([reply.status, told.method, told.bodyBytes], [200, 'PUT', 5], `${gateway.name} to ${worker.name}`)
        assert.equal(reply.headers.get('x-cares-peer'), worker.id)
      }
    }
  })

  it('keep http containers warm', async () => {
    const on = { 'x-cares-on': 'peer-1' }
    await ask(first, '/fn/web', { headers: on })
    const { headers } = await ask(first, '/fn/web', { headers: on })
    assert.equal(headers.get('x-cares-start'), 'warm')
  })

  const wrong: readonly (readonly [what: string, name: string, status: number, code: string])[] = [
    ['an image that fails', 'failing', 500, 'function_failed'],
    ['an image that hangs', 'hanging', 504, 'timeout']
  ]
  for (const [what, name, status, code] of wrong) {
    it(`answer ${what} with ${status} ${code}, and its container is gone`, async () => {
      const reply = await ask(first, `/fn/${name}`, { method: 'POST', body: 'x' })
      assert.deepEqual([reply.status, reply.problem?.code], [status, code], reply.text)
      await noContainersOf(cluster.alive, name)
      await stillWell(cluster.alive)
    })
  }

  it('refuse an image that does not exist', async () => {
    const { code, stderr } = await cares(['--api', first.api, 'upload', 'localhost:1/no/such-image:9', 'nothing'])
    assert.equal(code, 4, stderr)
    await stillWell(cluster.alive)
  })

  it('answer an image that exits before it has read its input', async () => {
    const reply = await ask(first, '/fn/deaf', { method: 'POST', body: 'x'.repeat(5_000_000) })
    assert.equal(reply.status, 200, reply.text)
    await stillWell(cluster.alive)
  })

  it('cut an image off that writes without end, and remove it', async () => {
    const answer = await fetch(`${first.api}/fn/flooding`, { method: 'POST', body: 'x' })
    await assert.rejects(async () => {
      for await (const chunk of answer.body ?? []) assert.ok((chunk as Uint8Array).length > 0)
    })
    await noContainersOf(cluster.alive, 'flooding')
    await stillWell(cluster.alive)
  })

  // Long before its time is up. How soon is measured, beside the engine's own removal, by scripts/bench/cancel.ts.
  it('remove a container whose client has gone', async () => {
    await upload(cluster, first, { name: 'endless', image: 'cares-test/hang', contract: 'stdio', timeoutMs: 60_000 })
    const client = new AbortController()
    const call = fetch(`${first.api}/fn/endless`, { method: 'POST', body: 'x', signal: client.signal })
    await eventually('the container runs', async () => {
      const own = await engine.containersOf(cluster.alive)
      return own.some(container => container.function.startsWith('endless') && container.state === 'running') ? true : undefined
    })
    client.abort()
    await assert.rejects(call)
    await noContainersOf(cluster.alive, 'endless')
  })

  it('find what a killed peer has left, when it returns', async () => {
    const victim = cluster.peer('peer-2')
    await ask(victim, '/fn/web', { headers: { 'x-cares-on': 'peer-2' } })
    const left = await engine.containersOf([victim])
    assert.ok(left.length > 0, 'the peer has a warm container')
    await victim.crash()
    const again = await cluster.add('peer-2')
    assert.equal(again.id, victim.id)
    await eventually('the old containers are gone', async () => {
      const now = new Set((await engine.containersOf([victim])).map(({ id }) => id))
      return left.every(({ id }) => !now.has(id)) ? true : undefined
    })
    await cluster.settled()
  })

  // Last: it ends the cluster.
  it('leave no container and no network when they are asked to stop', async () => {
    const peers = cluster.alive
    await ask(first, '/fn/web')
    assert.ok((await engine.containersOf(peers)).length > 0)
    const endings = await Promise.all(peers.map(peer => peer.stop()))
    assert.deepEqual(
      endings.map(({ code }) => code),
      [0, 0, 0]
    )
    assert.deepEqual(await engine.containersOf(peers), [])
    assert.deepEqual(await engine.networksOf(peers), [])
  })
})

/** Waits until no container of a function is left. */
async function noContainersOf(peers: readonly PeerProcess[], name: string): Promise<void> {
  await eventually(`no container of ${name} is left`, async () => {
    const own = await engine.containersOf(peers)
    return own.some(container => container.function.startsWith(`${name}@`)) ? undefined : true
  })
}

/** Fails unless every peer serves. */
async function stillWell(peers: readonly PeerProcess[]): Promise<void> {
  for (const peer of peers) {
    assert.ok(peer.isRunning, `${peer.name} has ended:\n${peer.log()}`)
    assert.equal((await ask(peer, '/readyz')).status, 200, peer.name)
    assert.equal((await ask(peer, '/fn/upper', { method: 'POST', body: 'well' })).text, 'WELL', peer.name)
  }
}

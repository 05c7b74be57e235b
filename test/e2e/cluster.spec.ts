import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { PeerList, Stats } from '../../src/model/rest.ts'
import type { Explanation } from '../../src/model/rest-invocations.ts'
import { eventually } from '../support/eventually.ts'
import { ask, Cluster, json, upload } from './cluster.ts'
import { processFunctions } from './functions.ts'
import { cares } from './peer-process.ts'

describe('three peers', () => {
  const functions = processFunctions()
  let cluster: Cluster
  before(async () => {
    cluster = await Cluster.start()
    await upload(cluster, cluster.peer('peer-1'), { name: 'upper', ...functions.upper })
    await upload(cluster, cluster.peer('peer-2'), { name: 'web', ...functions.web })
  })
  after(() => cluster.stop())

  it('agree on one orchestrator and see each other', async () => {
    const orchestrator = await cluster.settled()
    for (const peer of cluster.alive) {
      const { items } = await json<PeerList>(peer, '/v1/peers')
      assert.deepEqual(
        items.filter(({ role }) => role === 'orchestrator').map(({ id }) => id),
        [orchestrator.id],
        peer.name
      )
      assert.deepEqual(items.map(({ name }) => name).sort(), ['peer-0', 'peer-1', 'peer-2'], peer.name)
    }
  })

  it('answer a stdio function that was uploaded through one of them, each of them, by REST', async () => {
    for (const peer of cluster.alive) {
      const reply = await ask(peer, '/fn/upper', { method: 'POST', body: `through ${peer.name}` })
      assert.equal(reply.text, `THROUGH ${peer.name.toUpperCase()}`)
      assert.equal(reply.status, 200)
      assert.match(reply.headers.get('x-cares-invocation') ?? '', /^i-[0-9a-z]{26}$/)
      assert.equal(reply.headers.get('x-cares-placement'), 'orchestrator')
      // How long it ran is known when the head is out only for short answers; else it comes as a trailer.
      assert.match(reply.headers.get('server-timing') ?? '', /start;dur=/)
    }
  })

  it('answer an http function with any method and path, each of them', async () => {
    for (const peer of cluster.alive) {
      const reply = await ask(peer, '/fn/web/a/b?c=d', { method: 'PUT', body: 'five!' })
      const told = JSON.parse(reply.text) as { method: string; bodyBytes: number }
      assert.equal(told.method, 'PUT', peer.name)
      assert.equal(told.bodyBytes, 5, peer.name)
    }
  })

  it('carry a WebSocket to an http function, each of them', async () => {
    for (const peer of cluster.alive) {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA=='
      }
      const [{ statusCode }, socket] = (await once(request(`${peer.api}/fn/web/`, { agent: false, headers }).end(), 'upgrade')) as [
        IncomingMessage,
        Socket
      ]
      assert.equal(statusCode, 101, peer.name)
      for (const word of ['there', 'and back']) {
        socket.write(word)
        assert.equal(String((await once(socket, 'data'))[0]), word, peer.name)
      }
      socket.end()
      await once(socket.resume(), 'close')
    }
  })

  it('answer by the command line, each of them', async () => {
    for (const { api, name } of cluster.alive) {
      const { code, stdout, stderr } = await cares(['--api', api, 'invoke', 'upper', '-d', '@-'], { stdin: `cli of ${name}` })
      assert.equal(stdout, `CLI OF ${name.toUpperCase()}`, stderr)
      assert.equal(code, 0)
    }
  })

  it('carry a body of many megabytes there and back', async () => {
    const body = 'abcdefgh'.repeat(1_000_000)
    const [, worker] = cluster.alive
    assert.ok(worker)
    const reply = await ask(worker, '/fn/upper', { method: 'POST', body })
    assert.equal(reply.status, 200, reply.text.slice(0, 500))
    assert.equal(reply.text, body.toUpperCase())
  })

  it('show the same numbers to every asker, and explain a placement with those that decided', async () => {
    const [first] = cluster.alive
    assert.ok(first)
    const { headers } = await ask(first, '/fn/upper', { method: 'POST', body: 'why' })
    const id = headers.get('x-cares-invocation') ?? ''
    for (const peer of cluster.alive) {
      const explanation = await json<Explanation>(peer, `/v1/invocations/${id}/explain`)
      const [placement] = explanation.placements
      assert.equal(placement?.verdicts.length, 3, peer.name)
      assert.equal(placement.chosen?.id, headers.get('x-cares-peer'), peer.name)
    }
    for (const peer of cluster.alive) {
      await eventually(`${peer.name} counts the calls`, async () => {
        const { totals } = await json<Stats>(peer, '/v1/stats')
        return totals.peers.alive === 3 && totals.succeeded >= 8 ? totals : undefined
      })
    }
  })

  it('place a call on the peer that the caller names', async () => {
    for (const { name, id } of cluster.alive) {
      const { code, stderr } = await cares(['--api', cluster.alive[0]?.api ?? '', 'invoke', 'upper', '-d', 'x', '--on', name, '--verbose'])
      assert.equal(code, 0, stderr)
      assert.ok(stderr.includes(name) || stderr.includes(id), stderr)
    }
  })
})

describe('a peer that comes and goes', () => {
  const { upper } = processFunctions()

  it('brings its functions back from its data directory', async () => {
    const cluster = await Cluster.start({ peers: 1 })
    try {
      const first = cluster.peer('peer-0')
      const { revision } = await upload(cluster, first, { name: 'kept', ...upper })
      const ending = await first.stop()
      assert.deepEqual(ending, { code: 0, signal: null })
      const again = await cluster.add('peer-0')
      assert.equal(again.id, first.id)
      await cluster.knows('kept', revision)
      assert.equal((await ask(again, '/fn/kept', { method: 'POST', body: 'x' })).text, 'X')
    } finally {
      await cluster.stop()
    }
  })

  it('leaves for good when it is told to, and the others forget it', async () => {
    const cluster = await Cluster.start()
    try {
      const leaving = cluster.peer('peer-2')
      const { code, stderr } = await cares(['--api', leaving.api, 'leave', '--yes'])
      assert.equal(code, 0, stderr)
      await leaving.stop()
      await cluster.settled()
      await upload(cluster, cluster.peer('peer-1'), { name: 'after', ...upper })
    } finally {
      await cluster.stop()
    }
  })

  it('takes no work while it is drained, and takes it again when it is resumed', async () => {
    const cluster = await Cluster.start({ peers: 2 })
    try {
      const [asked] = cluster.alive
      assert.ok(asked)
      await upload(cluster, asked, { name: 'upper', ...upper })
      const { code } = await cares(['--api', asked.api, 'drain', 'peer-1'])
      assert.equal(code, 0)
      const drained = cluster.peer('peer-1')
      for (let i = 0; i < 5; i++) {
        const { headers } = await ask(asked, '/fn/upper', { method: 'POST', body: 'x' })
        assert.notEqual(headers.get('x-cares-peer'), drained.id)
      }
      await cares(['--api', asked.api, 'resume', 'peer-1'])
      const reply = await eventually('peer-1 takes work again', async () => {
        const { code: resumed } = await cares(['--api', asked.api, 'invoke', 'upper', '-d', 'x', '--on', 'peer-1'])
        return resumed === 0 ? true : undefined
      })
      assert.ok(reply)
    } finally {
      await cluster.stop()
    }
  })
})

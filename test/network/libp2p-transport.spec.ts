import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { CaresError } from '../../src/model/errors.ts'
import type { PeerAddress } from '../../src/model/control.ts'
import type { PeerId } from '../../src/model/ids.ts'
import { type ClusterId, parseClusterId } from '../../src/network/cluster-id.ts'
import { generateIdentity } from '../../src/network/identity.ts'
import type { Libp2pTransport, Libp2pTransportInit } from '../../src/network/libp2p-transport.ts'
import { eventually } from '../support/eventually.ts'
import { sampleHeartbeat } from '../support/messages.ts'
import { createTestTransport } from './test-transport.ts'

const SECRET = 'secret-of-this-test'
/** Half of all noise looked like the start of a message once. */
const NOISES = 10
/** For 12 peers to meet and to hear each other. */
const MESH_MS = 50_000
const within = (ms = 8_000): AbortSignal => AbortSignal.timeout(ms)
const coded = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof CaresError && error.code === code && message.test(error.message) && error.hint !== undefined

const unlikeSecret = coded('unauthorized', /not as a peer with the same secret/)

describe('libp2p transport', () => {
  let all: Libp2pTransport[] = []

  const started = async (init: Partial<Libp2pTransportInit> = {}): Promise<Libp2pTransport> => {
    const transport = await createTestTransport(init)
    all.push(transport)
    await transport.start()
    return transport
  }
  const idOf = (transport: Libp2pTransport): ClusterId => parseClusterId(transport.clusterId() ?? '')

  beforeEach(() => {
    all = []
  })
  afterEach(async () => {
    await Promise.all(all.map(transport => transport.stop()))
  })

  it('tells its cluster id, by which another peer finds it', async () => {
    const a = await started({ secret: SECRET })
    const b = await started({ secret: SECRET })
    const seed = idOf(a)
    assert.equal(seed.peer, a.self)
    assert.equal(seed.secret, SECRET)
    assert.equal(await b.dialSeed(seed, { signal: within() }), a.self)
    assert.equal(await b.dialSeed({ address: seed.address }, { signal: within() }), a.self, 'without the peer id, too')
    assert.deepEqual(b.connected(), [a.self])
  })

  it('announces what the operator says', async () => {
    const a = await started({ announce: ['/dns4/peer.example/tcp/4001'] })
    assert.deepEqual(a.addresses(), ['/dns4/peer.example/tcp/4001'])
    assert.equal(a.clusterId(), `/dns4/peer.example/tcp/4001/p2p/${a.self}`)
  })

  it('lets nobody in with another secret, or without one', async () => {
    const a = await started({ secret: SECRET })
    const seed = idOf(a)
    const other = await started({ secret: 'another-secret' })
    const open = await started()
    // Under another key bytes are noise, which is different each time.
    for (let time = 0; time < NOISES; time++) {
      await assert.rejects(other.dialSeed(seed, { signal: within() }), unlikeSecret, `another secret, ${time}`)
      await assert.rejects(open.dialSeed(seed, { signal: within() }), unlikeSecret, `none, ${time}`)
      await assert.rejects(a.dialSeed(idOf(open), { signal: within() }), unlikeSecret, `one too many, ${time}`)
    }
    assert.deepEqual(
      [a, other, open].map(transport => transport.connected()),
      [[], [], []]
    )
  })

  it('says when another peer answers, when it is itself, and when nobody does', async () => {
    const [a, b] = [await started(), await started()]
    const { address } = idOf(a)
    const { id } = await generateIdentity()
    await assert.rejects(
      b.dialSeed({ address, peer: id }, { signal: within() }),
      coded('conflict', new RegExp(`another peer answers .*${a.self}`))
    )
    await assert.rejects(a.dialSeed({ address, peer: a.self }, { signal: within() }), coded('conflict', /itself/))
    await assert.rejects(a.dialSeed({ address }, { signal: within() }), coded('conflict', /itself/))
    await assert.rejects(
      b.dialSeed({ address: '/ip4/127.0.0.1/tcp/1' }, { signal: within() }),
      coded('peer_unreachable', /nothing listens/)
    )
  })

  it('gives up on an address that accepts and says nothing', async () => {
    const mute = createServer(() => {})
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    try {
      const bound = mute.address()
      assert.ok(typeof bound === 'object' && bound !== null)
      const a = await started({ dialMs: 300 })
      const seed = { address: `/ip4/127.0.0.1/tcp/${bound.port}` }
      await assert.rejects(a.dialSeed(seed, { signal: within() }), coded('peer_unreachable', /in time/))
    } finally {
      mute.close()
    }
  })

  it('refuses to start on an address that is in use, and says so', async () => {
    const a = await started()
    const b = await createTestTransport({ listen: a.addresses() })
    await assert.rejects(b.start(), coded('conflict', /in use: 127\.0\.0\.1:\d+$/))
  })

  it('finds its seeds by itself, and again when one returns with the same identity', async () => {
    const identity = await generateIdentity()
    const first = await started({ privateKey: identity.privateKey })
    const seed = idOf(first)
    const a = await started({ bootstrap: [seed] })
    await eventually('the seed is found', () => a.connected().includes(first.self))
    await first.stop()
    await eventually('the seed is gone', () => a.connected().length === 0)
    const second = await started({ privateKey: identity.privateKey, listen: [seed.address] })
    assert.equal(second.self, first.self)
    await eventually('the seed is found again', () => a.connected().includes(second.self))
    second.handle('control', async channel => {
      await channel.receive()
      await channel.send({ type: 'left' })
    })
    const channel = await a.open('control', second.self, { signal: within() })
    await channel.send({ type: 'leave', peer: a.self })
    assert.deepEqual(await channel.receive(), { type: 'left' })
  })

  it('finds a member again though its address was learned hours ago', async () => {
    const [one, other] = await Promise.all([generateIdentity(), generateIdentity()])
    // Of two, the one with the smaller id dials.
    const [low, high] = one.id < other.id ? [one, other] : [other, one]
    const a = await started({ privateKey: low.privateKey })
    const first = await started({ privateKey: high.privateKey })
    const addresses = first.addresses()
    a.setMembers([{ id: high.id, addresses }])
    await eventually('they meet', () => a.connected().includes(high.id))
    const { now } = Date
    Date.now = () => now() + 7 * 3_600_000
    try {
      await first.stop()
      await eventually('it is gone', () => a.connected().length === 0)
      await started({ privateKey: high.privateKey, listen: addresses })
      await eventually('they meet again', () => a.connected().includes(high.id))
    } finally {
      Date.now = now
    }
  })

  /** One that comes back, at the same address, and another. */
  const acquaintances = async (): Promise<{
    a: Libp2pTransport
    b: Libp2pTransport
    c: Libp2pTransport
    comeBack: () => Promise<void>
  }> => {
    const [one, other] = await Promise.all([generateIdentity(), generateIdentity()])
    const [low, high] = one.id < other.id ? [one, other] : [other, one]
    const a = await started({ privateKey: low.privateKey })
    const c = await started()
    const b = await started({ privateKey: high.privateKey })
    const listen = b.addresses()
    a.setMembers([b, c].map(placeOf))
    await eventually('they meet', () => a.connected().includes(b.self))
    return {
      a,
      b,
      c,
      comeBack: async () => {
        await b.stop()
        await eventually('it is gone', () => !a.connected().includes(b.self))
        await started({ privateKey: high.privateKey, listen })
      }
    }
  }
  const placeOf = (peer: Libp2pTransport): PeerAddress => ({ id: peer.self, addresses: peer.addresses() })

  it('finds a member again, whatever it has learned of others since, and though it is told the members without their addresses', async () => {
    const { a, b, c, comeBack } = await acquaintances()
    a.learn([placeOf(c)])
    a.setMembers([
      { id: b.self, addresses: [] },
      { id: c.self, addresses: [] }
    ])
    await comeBack()
    await eventually('they meet again', () => a.connected().includes(b.self))
  })

  it('forgets where a peer was that is no member any more', async () => {
    const { a, b, c, comeBack } = await acquaintances()
    a.setMembers([placeOf(c)])
    await comeBack()
    await assert.rejects(a.open('control', b.self, { signal: within() }), { code: 'peer_unreachable' })
  })

  it('speaks to a peer that has moved over its new connection, though nobody has closed the old one at this end', async function () {
    this.timeout(30_000)
    const a = await started()
    const b = await started()
    const [direct = ''] = a.addresses()
    // The way by which b reaches a first.
    const ends: Socket[] = []
    const way = createServer(toB => {
      const toA = connect(Number(direct.split('/').at(-1)), '127.0.0.1')
      ends.push(toA, toB)
      for (const end of [toA, toB]) end.on('error', () => {})
      toA.pipe(toB, { end: false })
      toB.pipe(toA, { end: false })
    }).listen(0, '127.0.0.1')
    await once(way, 'listening')
    let heard = 0
    b.on('heartbeat', () => heard++, { signal: within(30_000) })
    const speaking = setInterval(() => a.sendReport(b.self, sampleHeartbeat(a.self)), 50)
    try {
      await b.dialSeed({ peer: a.self, address: `/ip4/127.0.0.1/tcp/${(way.address() as AddressInfo).port}` }, { signal: within() })
      await eventually('b hears a', () => heard > 0)
      // It leads nowhere from one moment to the next, and only b is told.
      const [toA, toB] = ends
      toA?.unpipe().pause()
      toB?.unpipe().destroy()
      await eventually('b notices', () => b.connected().length === 0)
      heard = 0
      await b.dialSeed({ peer: a.self, address: direct }, { signal: within() })
      await eventually('b hears a again', () => heard > 0)
    } finally {
      clearInterval(speaking)
      for (const end of ends) end.destroy()
      way.close()
    }
  })

  it('meshes 12 peers behind one address, and each hears all others', async function () {
    this.timeout(60_000)
    const peers: Libp2pTransport[] = []
    for (let i = 0; i < 12; i++) peers.push(await started({ dialMs: 5_000 }))
    const members = peers.map(peer => ({ id: peer.self, addresses: peer.addresses() }))
    const heard = new Map(peers.map(peer => [peer.self, new Set<PeerId>()]))
    for (const peer of peers) peer.on('heartbeat', from => heard.get(peer.self)?.add(from), { signal: within(MESH_MS) })
    for (const peer of peers) peer.setMembers(members)
    await eventually('a full mesh', () => peers.every(peer => peer.connected().length === peers.length - 1), { withinMs: MESH_MS })
    let seq = 0
    const speaking = setInterval(() => {
      seq += 1
      const speaker = peers[seq % peers.length]
      speaker?.publishHeartbeat(sampleHeartbeat(speaker.self, seq))
    }, 100)
    try {
      await eventually('all hear all', () => peers.every(peer => heard.get(peer.self)?.size === peers.length - 1), { withinMs: MESH_MS })
    } finally {
      clearInterval(speaking)
    }
  })
})

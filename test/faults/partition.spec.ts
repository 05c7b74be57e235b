import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, eventually, type Reply } from '../e2e/cluster.ts'
import { processFunctions } from '../e2e/functions.ts'
import { PeerProcess } from '../e2e/peer-process.ts'
import { NetworkLab } from './network-lab.ts'
import { stateOf } from './states.ts'
import { skip } from '../support/skip.ts'

const { upper } = processFunctions()
/** Long past every time-out of the preset `loopback`. */
const CUT_MS = 5_000
const REFUSED_WITHIN_MS = 5_000

describe('a network that parts', () => {
  let lab: NetworkLab
  let root: string
  const peers: PeerProcess[] = []

  before(async function () {
    const created = NetworkLab.create(3)
    if (created === undefined) return skip(this, 'network namespaces take root, ip and iptables')
    lab = created
    root = await mkdtemp(join(tmpdir(), 'cares-parts-'))
    for (const [index, place] of lab.places.entries()) {
      const own = ['--name', `peer-${index}`, '--data', join(root, `peer-${index}`), '--open', '--runtime', 'process']
      const addresses = ['--preset', 'loopback', '--http', `${place.address}:0`, '--listen', `/ip4/${place.address}/tcp/0`]
      const bootstrap = peers[0] === undefined ? {} : { CARES_BOOTSTRAP: peers[0].announcement.cluster }
      peers.push(await PeerProcess.start([...own, ...addresses], bootstrap, place.within))
    }
    await whole()
    const [first] = peers
    assert.ok(first)
    const reply = await register(first, 'upper')
    assert.ok(reply.status < 300, reply.text)
    await everybodyKnows('upper')
  })

  after(async () => {
    await Promise.all(peers.map(peer => peer.stop()))
    if (root !== undefined) await rm(root, { recursive: true, force: true })
    lab?.remove()
  })

  afterEach(() => lab?.heal())

  it('in two, the orchestrator alone on one side: it steps down and refuses uploads, the others go on; calls are answered on both', async () => {
    const alone = await whole()
    const others = peers.filter(peer => peer !== alone)
    lab.isolate(peers.indexOf(alone))
    const leader = await leaderOf(others)
    assert.notEqual(leader, alone)
    await eventually('the one that is alone knows it', async () => ((await stateOf(alone)).orchestrator === null ? true : undefined))
    const startedMs = performance.now()
    const refused = await register(alone, 'lost')
    assert.equal(refused.status, 503, refused.text)
    assert.ok(performance.now() - startedMs < REFUSED_WITHIN_MS, 'refused late')
    const taken = await register(leader, 'kept')
    assert.ok(taken.status < 300, taken.text)
    for (const peer of peers) assert.equal((await call(peer)).text, 'CALL', peer.name)
    await sleep(CUT_MS)

    lab.heal()
    await whole()
    await everybodyKnows('kept')
    for (const peer of peers) assert.equal((await ask(peer, '/v1/functions/lost')).status, 404, peer.name)
  })

  it('one way, so that nobody hears the orchestrator: another takes over, and after the healing all agree', async () => {
    const mute = await whole()
    const others = peers.filter(peer => peer !== mute)
    lab.mute(peers.indexOf(mute))
    await leaderOf(others)
    for (const peer of others) assert.equal((await call(peer)).text, 'CALL', peer.name)
    lab.heal()
    await whole()
    for (const peer of peers) assert.equal((await call(peer)).text, 'CALL', peer.name)
  })

  it('one way, so that a follower hears nobody: it deposes nobody', async () => {
    const orchestrator = await whole()
    const { term } = await stateOf(orchestrator)
    const deaf = peers.find(peer => peer !== orchestrator)
    assert.ok(deaf)
    lab.deafen(peers.indexOf(deaf))
    await sleep(CUT_MS)
    assert.equal((await stateOf(orchestrator)).term, term)
    lab.heal()
    assert.equal(await whole(), orchestrator)
    assert.equal((await stateOf(orchestrator)).term, term)
  })

  /** Waits until all follow the same orchestrator, with three voters. */
  async function whole(): Promise<PeerProcess> {
    return await eventually('all agree on one orchestrator', async () => {
      const states = await Promise.all(peers.map(stateOf))
      const ids = new Set(states.map(({ orchestrator, voters }) => (voters.length === 3 ? orchestrator?.id : undefined)))
      const [id] = ids
      return ids.size === 1 ? peers.find(peer => peer.id === id) : undefined
    })
  }

  /** Waits until these follow one of them. */
  async function leaderOf(side: readonly PeerProcess[]): Promise<PeerProcess> {
    return await eventually('one side agrees on an orchestrator of its own', async () => {
      const ids = new Set((await Promise.all(side.map(stateOf))).map(({ orchestrator }) => orchestrator?.id))
      const [id] = ids
      return ids.size === 1 ? side.find(peer => peer.id === id) : undefined
    })
  }

  async function everybodyKnows(name: string): Promise<void> {
    await eventually(`everybody knows ${name}`, async () => {
      const replies = await Promise.all(peers.map(peer => ask(peer, `/v1/functions/${name}`)))
      return replies.every(({ status }) => status === 200) ? true : undefined
    })
  }
})

async function register(peer: PeerProcess, name: string): Promise<Reply> {
  const headers = { 'content-type': 'application/json' }
  return await ask(peer, '/v1/functions', { method: 'POST', headers, body: JSON.stringify({ name, ...upper }) })
}

async function call(peer: PeerProcess): Promise<Reply> {
  return await ask(peer, '/fn/upper', { method: 'POST', body: 'call' })
}

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Reply } from '../e2e/cluster.ts'
import { processFunctions } from '../e2e/functions.ts'
import { PeerProcess } from '../e2e/peer-process.ts'
import { eventually } from '../support/eventually.ts'
import { type Clients, startClients } from './clients.ts'
import { History } from './history.ts'
import { NetworkLab } from './network-lab.ts'
import { stateOf } from './states.ts'
import { skip } from '../support/skip.ts'

const { upper } = processFunctions()
/** Long past every time-out of the preset `loopback`. */
const CUT_MS = 5_000
const REFUSED_WITHIN_MS = 5_000
/** A network that comes and goes: each time long enough for a false alarm, not for everything that follows from one. */
const FLAPS = { count: 9, cutMs: 800, wholeMs: 600 } as const
const SOME = 15

describe('a network that parts', () => {
  let lab: NetworkLab
  let root: string
  let history: History
  let clients: Clients
  const peers: PeerProcess[] = []
  const stage = { alive: peers, dataOf: (name: string) => join(root, name) }

  before(async function () {
    const created = NetworkLab.create(3)
    if (created === undefined) return skip(this, 'network namespaces take root, ip and iptables')
    lab = created
    root = await mkdtemp(join(tmpdir(), 'cares-parts-'))
    for (const [index, place] of lab.places.entries()) {
      const own = ['--name', `peer-${index}`, '--data', join(root, `peer-${index}`), '--open', '--runtime', 'process']
      const addresses = ['--preset', 'loopback', '--http', `${place.address}:0`, '--listen', `/ip4/${place.address}/tcp/0`]
      const bootstrap = peers[0] === undefined ? {} : { CARES_BOOTSTRAP: peers[0].announcement.cluster }
      peers.push(await PeerProcess.start([...own, ...addresses], bootstrap, { within: place.within }))
    }
    await whole()
    const [first] = peers
    assert.ok(first)
    history = new History(stage)
    for (const fn of [{ name: 'upper', ...upper }, history.countingFunction]) {
      const reply = await register(first, fn)
      assert.ok(reply.status < 300, reply.text)
      await everybodyKnows(fn.name)
    }
  })

  after(async () => {
    await Promise.all(peers.map(peer => peer.stop()))
    if (root !== undefined) await rm(root, { recursive: true, force: true })
    lab?.remove()
  })

  beforeEach(() => {
    clients = startClients(history, () => peers)
  })

  afterEach(async () => {
    lab?.heal()
    await clients?.stop()
  })

  it('in two, the orchestrator alone on one side: it steps down and refuses uploads, the others go on; calls are answered on both', async () => {
    const alone = await whole()
    const others = peers.filter(peer => peer !== alone)
    lab.isolate(peers.indexOf(alone))
    const leader = await leaderOf(others)
    assert.notEqual(leader, alone)
    await eventually('the one that is alone knows it', async () => ((await stateOf(alone)).orchestrator === null ? true : undefined))
    const startedMs = performance.now()
    const refused = await register(alone, { name: 'lost', ...upper })
    assert.equal(refused.status, 503, refused.text)
    assert.ok(performance.now() - startedMs < REFUSED_WITHIN_MS, 'refused late')
    const taken = await register(leader, { name: 'kept', ...upper })
    assert.ok(taken.status < 300, taken.text)
    for (const peer of peers) assert.equal((await call(peer)).text, 'CALL', peer.name)
    await sleep(CUT_MS)

    lab.heal()
    await whole()
    await everybodyKnows('kept')
    for (const peer of peers) assert.equal((await ask(peer, '/v1/functions/lost')).status, 404, peer.name)
    await allIsWell()
  })

  it('completely, so that nobody hears anybody: calls are answered, nothing is agreed, and after the healing all agree', async () => {
    await whole()
    for (const index of peers.keys()) lab.isolate(index)
    for (const peer of peers) {
      await eventually('it knows that it is alone', async () => ((await stateOf(peer)).orchestrator === null ? true : undefined))
      // One that was given to a worker just before it fell silent may have run there: that is said, and not tried again.
      await eventually('it runs calls by itself', async () => ((await call(peer)).text === 'CALL' ? true : undefined))
      assert.equal((await register(peer, { name: 'nowhere', ...upper })).status, 503, peer.name)
    }
    lab.heal()
    await whole()
    for (const peer of peers) assert.equal((await ask(peer, '/v1/functions/nowhere')).status, 404, peer.name)
    await allIsWell()
  })

  it('and heals, over and over: nothing is lost or run twice, and in the end all agree', async () => {
    for (let i = 0; i < FLAPS.count; i++) {
      lab.isolate(i % peers.length)
      await sleep(FLAPS.cutMs)
      lab.heal()
      await sleep(FLAPS.wholeMs)
    }
    await whole()
    await allIsWell()
  })

  it('one way, so that nobody hears the orchestrator: another takes over, and after the healing all agree', async () => {
    const mute = await whole()
    const others = peers.filter(peer => peer !== mute)
    lab.mute(peers.indexOf(mute))
    await leaderOf(others)
    // A new orchestrator waits a second before it suspects whom it does not hear: one call may still go there, run, and be told as lost.
    for (const peer of others) await eventually('calls are answered', async () => ((await call(peer)).text === 'CALL' ? true : undefined))
    lab.heal()
    await whole()
    for (const peer of peers) assert.equal((await call(peer)).text, 'CALL', peer.name)
    await allIsWell()
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
    await allIsWell()
  })

  for (const [ways, isBothWays] of [
    ['both ways', true],
    ['one way', false]
  ] as const) {
    it(`on the one link from the orchestrator to another voter, ${ways}: nobody is deposed, calls are answered by all, and all agree after`, async () => {
      const [orchestrator, one, other] = await castOf()
      const { term } = await stateOf(orchestrator)
      lab.cut(peers.indexOf(orchestrator), peers.indexOf(one))
      if (isBothWays) lab.cut(peers.indexOf(one), peers.indexOf(orchestrator))
      await eventually('the one knows that it hears nobody', async () => ((await stateOf(one)).orchestrator === null ? true : undefined))
      for (const peer of peers) await eventually('calls are answered', async () => ((await call(peer)).text === 'CALL' ? true : undefined))
      const [refused, taken] = [await register(one, { name: 'unseen', ...upper }), await register(other, { name: 'seen', ...upper })]
      assert.equal(refused.status, 503, refused.text)
      assert.ok(taken.status < 300, taken.text)
      await sleep(CUT_MS)
      const { term: since, orchestrator: leads } = await stateOf(other)
      assert.deepEqual([leads?.id, since], [orchestrator.id, term], 'who hears the orchestrator elects nobody else')
      lab.heal()
      assert.equal(await whole(), orchestrator)
      assert.equal((await stateOf(orchestrator)).term, term)
      await everybodyKnows('seen')
      for (const peer of peers) assert.equal((await ask(peer, '/v1/functions/unseen')).status, 404, peer.name)
      await allIsWell()
    })
  }

  it('on the one link between two that only follow: a gateway whose order does not reach its worker has the call placed again', async () => {
    const [orchestrator, one, other] = await castOf()
    const { term } = await stateOf(orchestrator)
    lab.cut(peers.indexOf(one), peers.indexOf(other))
    lab.cut(peers.indexOf(other), peers.indexOf(one))
    await sleep(CUT_MS)
    for (const peer of peers) await eventually('calls are answered', async () => ((await call(peer)).text === 'CALL' ? true : undefined))
    for (const peer of peers) {
      const { term: since, orchestrator: leads } = await stateOf(peer)
      assert.deepEqual([leads?.id, since], [orchestrator.id, term], `${peer.name} follows as before`)
    }
    const taken = await register(one, { name: 'agreed', ...upper })
    assert.ok(taken.status < 300, taken.text)
    lab.heal()
    await whole()
    await everybodyKnows('agreed')
    await allIsWell()
  })

  /** Who leads, and the two that follow. */
  async function castOf(): Promise<readonly [PeerProcess, PeerProcess, PeerProcess]> {
    const orchestrator = await whole()
    const [one, other] = peers.filter(peer => peer !== orchestrator)
    assert.ok(one !== undefined && other !== undefined)
    return [orchestrator, one, other]
  }

  /** What clients did all the while, and go on to do, contradicts nothing. */
  async function allIsWell(): Promise<void> {
    await clients.answered(SOME)
    await clients.stop()
    assert.deepEqual(await history.contradictions(stage), [])
    assert.deepEqual(history.untried(), [])
  }

  /** Waits until all follow the same orchestrator, with three voters. */
  async function whole(): Promise<PeerProcess> {
    return await eventually(
      'all agree on one orchestrator',
      async () => {
        const states = await Promise.all(peers.map(stateOf))
        const ids = new Set(states.map(({ orchestrator, voters }) => (voters.length === 3 ? orchestrator?.id : undefined)))
        const [id] = ids
        return ids.size === 1 ? peers.find(peer => peer.id === id) : undefined
      },
      { onFailure: () => peers.map(peer => `--- ${peer.name}\n${peer.log(10)}`).join('\n') }
    )
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

async function register(peer: PeerProcess, request: { readonly name: string; readonly image: string }): Promise<Reply> {
  const headers = { 'content-type': 'application/json' }
  return await ask(peer, '/v1/functions', { method: 'POST', headers, body: JSON.stringify(request) })
}

async function call(peer: PeerProcess): Promise<Reply> {
  return await ask(peer, '/fn/upper', { method: 'POST', body: 'call' })
}

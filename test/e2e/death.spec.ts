import assert from 'node:assert/strict'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { eventually } from '../support/eventually.ts'
import { ask, Cluster, json, type Reply, upload } from './cluster.ts'
import { processFunctions } from './functions.ts'
import type { PeerProcess } from './peer-process.ts'

/** How soon the survivors have to see a death and agree on an orchestrator. */
const SETTLED_WITHIN_MS = 3_000

/** Clients that call without a pause. */
const CLIENTS = 10

const functions = processFunctions()

describe('when a peer is killed while clients call', () => {
  for (const victim of ['peer-0', 'peer-1', 'peer-2'] as const) {
    it(`${victim}: calls through the survivors are answered, and the view is right within ${SETTLED_WITHIN_MS} ms`, async () => {
      const cluster = await Cluster.start()
      try {
        const [first] = cluster.alive
        assert.ok(first)
        await upload(cluster, first, { name: 'upper', ...functions.upper })
        await voters(cluster, 3)
        const survivors = cluster.alive.filter(({ name }) => name !== victim)
        const load = keepCalling(survivors)
        await load.answered(CLIENTS * 3)

        await cluster.peer(victim).crash()
        const killedAt = performance.now()
        await cluster.settled()
        const tookMs = performance.now() - killedAt
        await load.answered(CLIENTS * 3)
        const replies = await load.stop()

        assert.ok(tookMs <= SETTLED_WITHIN_MS, `settled after ${Math.round(tookMs)} ms`)
        // A call that ran on the victim when it died may have run: it is not repeated, and its caller is told so.
        const lost = replies.filter(({ problem }) => problem?.code === 'peer_lost')
        const others = replies.filter(reply => !lost.includes(reply) && !(reply.status === 200 && reply.text === 'CALL'))
        assert.deepEqual(
          others.map(({ status, text }) => `${status} ${text}`),
          []
        )
        assert.ok(lost.length <= CLIENTS, `${lost.length} calls were lost`)
      } finally {
        await cluster.stop()
      }
    })
  }

  it('an idempotent function loses no call at all', async () => {
    const cluster = await Cluster.start()
    try {
      const [first] = cluster.alive
      assert.ok(first)
      await upload(cluster, first, { name: 'upper', ...functions.upper, idempotent: true })
      const orchestrator = await voters(cluster, 3)
      const load = keepCalling(cluster.alive.filter(peer => peer !== orchestrator))
      await load.answered(CLIENTS * 3)
      await orchestrator.crash()
      await cluster.settled()
      await load.answered(CLIENTS * 3)
      const replies = await load.stop()
      assert.deepEqual(
        replies.filter(({ status }) => status !== 200).map(({ status, text }) => `${status} ${text}`),
        []
      )
    } finally {
      await cluster.stop()
    }
  })
})

describe('after a death', () => {
  it('the peer that died is welcomed back under its old identity, with what it missed', async () => {
    const cluster = await Cluster.start()
    try {
      const orchestrator = await voters(cluster, 3)
      await orchestrator.crash()
      const [survivor] = cluster.alive
      assert.ok(survivor)
      await cluster.settled()
      await upload(cluster, survivor, { name: 'upper', ...functions.upper })
      const again = await cluster.add(orchestrator.name)
      assert.equal(again.id, orchestrator.id)
      await cluster.settled()
      await cluster.knows('upper')
      assert.equal((await ask(again, '/fn/upper', { method: 'POST', body: 'call' })).text, 'CALL')
    } finally {
      await cluster.stop()
    }
  })

  it('calls are answered by fallback and uploads refused at once when no quorum is left', async () => {
    const cluster = await Cluster.start()
    try {
      const [first] = cluster.alive
      assert.ok(first)
      await upload(cluster, first, { name: 'upper', ...functions.upper })
      await voters(cluster, 3)
      const [last, ...others] = cluster.alive
      assert.ok(last)
      await Promise.all(others.map(peer => peer.crash()))
      await eventually('the last peer knows that it has no orchestrator', async () => {
        const { orchestrator } = await json<ClusterState>(last, '/v1/cluster')
        return orchestrator === null ? true : undefined
      })
      for (let i = 0; i < 5; i++) {
        const reply = await ask(last, '/fn/upper', { method: 'POST', body: 'call' })
        assert.deepEqual([reply.status, reply.text], [200, 'CALL'], reply.text)
        assert.equal(reply.headers.get('x-cares-placement'), 'fallback')
      }
      const startedAt = performance.now()
      const refused = await ask(last, '/v1/functions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'late', ...functions.upper })
      })
      assert.equal(refused.status, 503, refused.text)
      assert.ok(['no_quorum', 'no_orchestrator'].includes(refused.problem?.code ?? ''), refused.text)
      assert.ok(performance.now() - startedAt < 5_000, 'refused late')
    } finally {
      await cluster.stop()
    }
  })

  it('a frozen orchestrator is replaced, and steps down when it thaws', async () => {
    const cluster = await Cluster.start()
    try {
      const [first] = cluster.alive
      assert.ok(first)
      await upload(cluster, first, { name: 'upper', ...functions.upper })
      const frozen = await voters(cluster, 3)
      frozen.signal('SIGSTOP')
      const asked = cluster.alive.find(peer => peer !== frozen)
      assert.ok(asked)
      await eventually('another orchestrator', async () => {
        const { orchestrator } = await json<ClusterState>(asked, '/v1/cluster')
        return orchestrator !== null && orchestrator.id !== frozen.id ? true : undefined
      })
      assert.equal((await ask(asked, '/fn/upper', { method: 'POST', body: 'call' })).text, 'CALL')
      frozen.signal('SIGCONT')
      const orchestrator = await cluster.settled()
      assert.notEqual(orchestrator, frozen)
    } finally {
      await cluster.stop()
    }
  })
})

describe('a private cluster', () => {
  it('lets in who has its id, and nobody who lacks the secret', async () => {
    const cluster = await Cluster.start({ peers: 1, flags: [] })
    try {
      const [first] = cluster.alive
      assert.ok(first)
      const id = await first.clusterId()
      const [withoutSecret = '', secret = ''] = id.split('#')
      assert.notEqual(secret, '')
      assert.equal(first.announcement.cluster, withoutSecret)
      assert.ok(!first.log(1_000).includes(secret), 'a log is no place for the secret')
      await cluster.add('guest', [], { CARES_BOOTSTRAP: id })
      await cluster.settled()
      await assert.rejects(cluster.add('stranger', ['--bootstrap', withoutSecret, '--open']), /ended with|secret/)
      await assert.rejects(cluster.add('thief', ['--bootstrap', `${withoutSecret}#${'A'.repeat(43)}`]), /ended with|secret/)
      await cluster.settled()
    } finally {
      await cluster.stop()
    }
  })
})

/** Waits until the cluster has so many voters, so that it survives a death; returns the orchestrator. */
async function voters(cluster: Cluster, count: number): Promise<PeerProcess> {
  await eventually(`${count} voters`, async () => {
    const states = await Promise.all(cluster.alive.map(peer => json<ClusterState>(peer, '/v1/cluster')))
    return states.every(({ voters: seen }) => seen.length === count) ? true : undefined
  })
  return await cluster.settled()
}

/** Clients that each call `upper` again as soon as they are answered, in turn through each of `peers`. */
function keepCalling(peers: readonly PeerProcess[]): { answered(more: number): Promise<void>; stop(): Promise<readonly Reply[]> } {
  const replies: Reply[] = []
  const stopping = new AbortController()
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = client; !stopping.signal.aborted; i++) {
      const peer = peers[i % peers.length]
      assert.ok(peer)
      replies.push(await ask(peer, '/fn/upper', { method: 'POST', body: 'call' }))
    }
  })
  return {
    answered: async more => {
      const wanted = replies.length + more
      await eventually(`${more} more answers`, () => (replies.length >= wanted ? true : undefined))
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(clients)
      return replies
    }
  }
}

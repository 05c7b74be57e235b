import assert from 'node:assert/strict'
import type { RunnablePeer } from '../../../src/faces/cli/environment.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { ClusterStatus, PeerService } from '../../../src/model/service.ts'
import { CLUSTER, samplePeer } from '../samples.ts'
import { run } from './run.ts'

const STATUS = { ...CLUSTER, self: samplePeer('atlas').id } as unknown as ClusterStatus

interface FakePeer extends RunnablePeer {
  readonly calls: readonly string[]
}

/** A peer that writes down what is done to it. */
function fakePeer({
  start = async () => {},
  cluster = () => STATUS,
  runtime = 'docker',
  left = new Promise<void>(() => {})
}: {
  start?: () => Promise<void>
  cluster?: () => ClusterStatus
  runtime?: string
  left?: Promise<void>
} = {}): FakePeer {
  const calls: string[] = []
  return {
    calls,
    apiUrl: 'http://127.0.0.1:7070',
    left,
    service: { profile: { id: samplePeer('atlas').id as PeerId, name: 'atlas', runtime } as PeerService['profile'], cluster },
    start: async () => {
      calls.push('start')
      await start()
    },
    stop: async () => void calls.push('stop')
  }
}

describe('cares peer', () => {
  it('says where it is and how to join, and ends with 0 when it is interrupted', async () => {
    const peer = fakePeer()
    const interrupt = new AbortController()
    const { code, stdout, stderr } = await run(['peer', '--name', 'atlas'], {
      tty: true,
      signal: interrupt.signal,
      onStdout: () => interrupt.abort(new CaresError('cancelled', 'ended', { details: { signal: 'SIGTERM' } })),
      environment: { createPeer: async flags => (assert.equal(flags['name'], 'atlas'), peer) }
    })
    assert.equal(code, 0)
    assert.equal(stdout, `peer     atlas\napi      http://127.0.0.1:7070\ncluster  ${CLUSTER.id}\n`)
    assert.match(stderr, /^join from another machine: CARES_BOOTSTRAP="\$\(ssh THIS-MACHINE cares id\)" cares peer\nstopping;/)
    assert.deepEqual(peer.calls, ['start', 'stop'])
  })

  it('announces itself to a program in one line of JSON', async () => {
    for (const flags of [[], ['--json'], ['-o', 'jsonl']]) {
      const interrupt = new AbortController()
      const { stdout } = await run(['peer', ...flags], {
        signal: interrupt.signal,
        onStdout: () => interrupt.abort(),
        environment: { createPeer: async () => fakePeer() }
      })
      assert.equal(stdout.split('\n').length, 2)
      const { id, name, api, cluster } = JSON.parse(stdout) as Record<string, string>
      assert.deepEqual([id, name, api, cluster], [samplePeer('atlas').id, 'atlas', 'http://127.0.0.1:7070', CLUSTER.id?.split('#')[0]])
    }
  })

  it('keeps the secret out of every log: only a terminal is shown it', async () => {
    assert.match(String(CLUSTER.id), /#k7Qm$/)
    for (const flags of [[], ['--json'], ['-o', 'table']]) {
      for (const tty of [false, true]) {
        const interrupt = new AbortController()
        const { stdout, stderr } = await run(['peer', ...flags], {
          tty,
          signal: interrupt.signal,
          onStdout: () => interrupt.abort(),
          environment: { createPeer: async () => fakePeer() }
        })
        assert.equal(stdout.includes('#k7Qm'), tty, stdout)
        assert.ok(!stderr.includes('#k7Qm'), stderr)
      }
    }
  })

  it('tells how to ask a peer for its id that serves on another port, and the id itself where the cluster is open', async () => {
    for (const [change, told] of [
      [{ apiUrl: 'http://127.0.0.1:7171' }, /"\$\(ssh THIS-MACHINE cares id --api http:\/\/127\.0\.0\.1:7171\)" cares peer/],
      [
        { service: { ...fakePeer().service, cluster: () => ({ ...STATUS, id: '/ip4/10.0.0.5/tcp/4001', private: false }) } },
        /CARES_BOOTSTRAP='\/ip4\/10\.0\.0\.5\/tcp\/4001' cares peer/
      ]
    ] as const) {
      const interrupt = new AbortController()
      const { stderr } = await run(['peer'], {
        signal: interrupt.signal,
        onStdout: () => interrupt.abort(),
        environment: { createPeer: async () => ({ ...fakePeer(), ...change }) }
      })
      assert.match(stderr, told)
    }
  })

  it('waits until it is a member before it announces itself', async () => {
    let looks = 0
    const interrupt = new AbortController()
    const peer = fakePeer({ cluster: () => (++looks < 4 ? { ...STATUS, id: null, orchestrator: null } : STATUS) })
    const { stdout } = await run(['peer'], {
      signal: interrupt.signal,
      onStdout: () => interrupt.abort(),
      environment: { createPeer: async () => peer }
    })
    assert.ok(stdout.includes(String(CLUSTER.id?.split('#')[0])))
    assert.equal(looks, 4)
  })

  it('announces itself all the same when it finds no cluster, and says so', async () => {
    let nowMs = 0
    const interrupt = new AbortController()
    const { stderr } = await run(['peer'], {
      signal: interrupt.signal,
      clock: { nowMs: () => (nowMs += 1_000) },
      onStdout: () => interrupt.abort(),
      environment: { createPeer: async () => fakePeer({ cluster: () => ({ ...STATUS, id: null, orchestrator: null }) }) }
    })
    assert.match(stderr, /^not a member of a cluster yet/)
  })

  it('ends with 0 when the peer has left its cluster for good', async () => {
    const peer = fakePeer({ left: Promise.resolve() })
    const { code, stderr } = await run(['peer'], { environment: { createPeer: async () => peer } })
    assert.equal(code, 0)
    assert.match(stderr, /has left its cluster/)
    assert.deepEqual(peer.calls, ['start', 'stop'])
  })

  it('says loudly that plain processes give no isolation', async () => {
    const peer = fakePeer({ runtime: 'process', left: Promise.resolve() })
    assert.match((await run(['peer'], { environment: { createPeer: async () => peer } })).stderr, /NO ISOLATION/)
  })

  const failures: readonly (readonly [what: string, error: Error, code: number, stderr: string])[] = [
    [
      'a port that is in use',
      Object.assign(new Error('listen EADDRINUSE: address already in use 127.0.0.1:7070'), { code: 'EADDRINUSE' }),
      5,
      'cares: cannot start: the address is in use (listen EADDRINUSE: address already in use 127.0.0.1:7070)\n  try: cares peer --http HOST:PORT --listen /ip4/0.0.0.0/tcp/PORT\n'
    ],
    [
      'a data directory that is in use',
      new CaresError('conflict', 'another peer uses /data'),
      5,
      'cares: cannot start: another peer uses /data\n  try: cares peer --data DIR   (each peer needs its own)\n'
    ],
    [
      'a seed that does not answer',
      new CaresError('peer_unreachable', 'nobody answers at 10.0.0.5:4001'),
      3,
      'cares: cannot start: nobody answers at 10.0.0.5:4001\n  try: check the cluster id, and that its machine can be reached from here\n'
    ],
    [
      'a wrong secret',
      new CaresError('unauthorized', 'the secret is not the one of the cluster'),
      5,
      'cares: cannot start: the secret is not the one of the cluster\n  try: check the part of the cluster id after #: it is the secret\n'
    ],
    [
      'a missing Docker',
      new CaresError('runtime_unavailable', 'no engine at /var/run/docker.sock'),
      1,
      'cares: cannot start: no engine at /var/run/docker.sock\n  try: start Docker, or: cares peer --runtime process   (no isolation)\n'
    ]
  ]
  for (const [what, error, code, stderr] of failures) {
    it(`says what to do about ${what}, and stops what had started`, async () => {
      const peer = fakePeer({
        start: async () => {
          throw error
        }
      })
      assert.deepEqual(await run(['peer'], { environment: { createPeer: async () => peer } }), { code, stdout: '', stderr })
      assert.deepEqual(peer.calls, ['start', 'stop'])
    })
  }

  it('refuses --api, which names a peer to ask and not where this one serves', async () => {
    const peer = fakePeer()
    const { code, stderr } = await run(['peer', '--api', 'http://127.0.0.1:7071'], { environment: { createPeer: async () => peer } })
    assert.equal(code, 2)
    assert.match(stderr, /--api names a peer that runs already\n.*--http HOST:PORT/)
    assert.deepEqual(peer.calls, [])
  })

  it('stops when it is interrupted while it looks for its cluster', async () => {
    const interrupt = new AbortController()
    const peer = fakePeer({
      start: async () => {
        setImmediate(() => interrupt.abort(new CaresError('cancelled', 'ended', { details: { signal: 'SIGTERM' } })))
        await new Promise(() => {})
      }
    })
    const { code, stderr } = await run(['peer'], { signal: interrupt.signal, environment: { createPeer: async () => peer } })
    assert.equal(code, 143)
    assert.match(stderr, /^stopping;/)
    assert.deepEqual(peer.calls, ['start', 'stop'])
  })

  it('does not start when it is interrupted while it is put together', async () => {
    const interrupt = new AbortController()
    const peer = fakePeer()
    const { code } = await run(['peer'], {
      signal: interrupt.signal,
      environment: {
        createPeer: async () => {
          interrupt.abort(new CaresError('cancelled', 'ended', { details: { signal: 'SIGINT' } }))
          return peer
        }
      }
    })
    assert.equal(code, 130)
    assert.deepEqual(peer.calls, ['stop'])
  })
})

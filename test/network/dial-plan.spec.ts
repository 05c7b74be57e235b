import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { createRandom } from '../../src/model/random.ts'
import { usableAddresses, withoutPeer } from '../../src/network/addresses.ts'
import { afterFailure, DIALS_MAX, dueTargets, firstDialMs, LARGER_ID_WAIT_MS, type Target } from '../../src/network/dial-plan.ts'
import { libp2pLogger } from '../../src/network/libp2p-logger.ts'
import { swarmKey } from '../../src/network/swarm-key.ts'
import { createTestLog } from '../support/test-log.ts'

describe('dial plan', () => {
  const target = (key: string, dueMs = 0): Target => ({ key, dueMs, failures: 0 })

  it('lets the side with the smaller id dial at once, and the other wait', () => {
    assert.equal(firstDialMs('a', 'b', 100), 100)
    assert.equal(firstDialMs('b', 'a', 100), 100 + LARGER_ID_WAIT_MS)
  })

  it('waits longer after each failure, up to a bound, and never gives up', () => {
    const random = createRandom(1)
    let state = target('a')
    let longest = 0
    for (let i = 0; i < 100; i++) {
      state = afterFailure(state, 0, random)
      assert.ok(state.dueMs > 0 && state.dueMs <= 15_000, `wait of ${state.dueMs} ms`)
      longest = Math.max(longest, state.dueMs)
      if (i === 0) assert.ok(state.dueMs <= 500)
    }
    assert.ok(longest > 7_500)
  })

  it('dials those that are due, the longest due first, and no more at once than it may', () => {
    const targets = [target('late', 5), target('later', 50), target('first', 1), target('busy', 0)]
    assert.deepEqual(
      dueTargets(targets, { busy: new Set(['busy']), nowMs: 10 }).map(({ key }) => key),
      ['first', 'late']
    )
    const many = Array.from({ length: 50 }, (_, i) => target(`t${i}`))
    assert.equal(dueTargets(many, { busy: new Set(), nowMs: 1 }).length, DIALS_MAX)
    assert.equal(dueTargets(many, { busy: new Set(many.slice(0, DIALS_MAX).map(({ key }) => key)), nowMs: 1 }).length, 0)
  })
})

describe('addresses', () => {
  const bridge = [{ address: '172.17.0.1', netmask: '255.255.0.0', family: 'IPv4', mac: '', internal: false, cidr: null }] as const
  const usable = (...texts: string[]): string[] =>
    usableAddresses(
      texts.map(text => multiaddr(text)),
      { docker0: bridge }
    ).map(String)

  it('leaves out loopback and container bridges when there is anything better', () => {
    const found = usable('/ip4/127.0.0.1/tcp/1', '/ip4/172.17.0.1/tcp/1', '/ip4/10.0.0.5/tcp/1', '/ip6/::1/tcp/1')
    assert.deepEqual(found, ['/ip4/10.0.0.5/tcp/1'])
  })

  it('keeps loopback when it is all there is', () => {
    assert.deepEqual(usable('/ip4/127.0.0.1/tcp/1'), ['/ip4/127.0.0.1/tcp/1'])
  })

  it('puts names first and IPv4 before IPv6', () => {
    const found = usable('/ip6/fd00::5/tcp/1', '/ip4/10.0.0.5/tcp/1', '/dns4/peer.example/tcp/1')
    assert.deepEqual(found, ['/dns4/peer.example/tcp/1', '/ip4/10.0.0.5/tcp/1', '/ip6/fd00::5/tcp/1'])
  })

  it('takes the peer id off', () => {
    const peer = '12D3KooWSmu5UsrDA2jXzWrBD2RmG5LPMvNGe1jKPZBMSBuD2J9T'
    assert.equal(withoutPeer(`/ip4/10.0.0.5/tcp/1/p2p/${peer}`), '/ip4/10.0.0.5/tcp/1')
  })
})

describe('swarm key', () => {
  it('is libp2p text of 32 bytes that follow from the secret', () => {
    const text = Buffer.from(swarmKey('secret-one')).toString()
    assert.match(text, /^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}$/)
    assert.deepEqual(swarmKey('secret-one'), swarmKey('secret-one'))
    assert.notDeepEqual(swarmKey('secret-one'), swarmKey('secret-two'))
  })
})

describe('libp2p log', () => {
  it('takes errors as warnings, and the rest only when asked', () => {
    const log = createTestLog()
    const quiet = libp2pLogger(log, 'warn').forComponent('dial')
    quiet('a %s', 'b')
    quiet.trace('a')
    quiet.error('failed %p - %e', 'peer', new Error('why'))
    assert.deepEqual(
      log.records.map(({ level, scope, fields }) => [level, scope, fields]),
      [['warn', 'cares:dial', { text: 'failed peer - Error: why' }]]
    )
    libp2pLogger(log, 'debug').forComponent('dial')('a %s', 'b')
    assert.deepEqual(log.records.at(-1), { level: 'debug', scope: 'cares:dial', fields: { text: 'a b' }, message: 'libp2p' })
  })
})

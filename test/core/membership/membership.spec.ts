import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { connectionChanged, setMembers, setOrchestrator, setSelf, tick } from '../../../src/core/membership/changes.ts'
import { heard, heardDigest } from '../../../src/core/membership/heard.ts'
import { heartbeatIntervalMs } from '../../../src/core/membership/heartbeat-interval.ts'
import { PEERS_MAX } from '../../../src/core/membership/limits.ts'
import { createView, type MembershipState, type MembershipStep } from '../../../src/core/membership/state.ts'
import { view, viewOf } from '../../../src/core/membership/view.ts'
import { PRESETS } from '../../../src/model/presets.ts'
import { digestFrom, heartbeatOf, lineOf, peerId, profileOf, statsOf } from './peers.ts'

const A = peerId('a')

function start(): MembershipState {
  return createView({ self: profileOf('a'), stats: statsOf(0), timings: PRESETS.lan, nowMs: 0 })
}

describe('heartbeatIntervalMs', () => {
  it('keeps all heartbeats together under nine in a gossip interval', () => {
    for (const [peers, expectedMs] of [
      [1, 1_000],
      [9, 1_000],
      [18, 2_000],
      [90, 10_000]
    ] as const) {
      assert.equal(heartbeatIntervalMs(peers, 1_000), expectedMs, `${peers} peers`)
    }
  })
})

describe('the view', () => {
  it('lists this peer too, always fresh, and everyone by id', () => {
    let { state } = heard(start(), peerId('c'), heartbeatOf('c'), 'gossip', 0)
    state = heard(state, peerId('b'), heartbeatOf('b'), 'gossip', 10).state
    state = setSelf(state, profileOf('a'), statsOf(4, { running: 3 }), 20).state
    assert.deepEqual(
      view(state, 50).map(({ profile, stats, ageMs }) => [profile.id, stats.seq, stats.running, ageMs]),
      [
        ['a', 4, 3, 0],
        ['b', 1, 0, 40],
        ['c', 1, 0, 50]
      ]
    )
    assert.equal(viewOf(state, peerId('x'), 50), undefined)
  })

  it('believes nobody about itself', () => {
    const lying = digestFrom('b', {}, [lineOf('a', { session: 9, seq: 9, state: 'gone' }), lineOf('b')])
    const { state } = heardDigest(start(), peerId('b'), lying, 0)
    assert.equal(viewOf(state, A, 0)?.state, 'alive')
    assert.equal(viewOf(state, A, 0)?.profile.session, 1)
    assert.equal(heard(state, A, heartbeatOf('a', { session: 9 }), 'gossip', 0).state, state)
  })

  it('takes a word only from whom it is about', () => {
    const state = start()
    assert.equal(heard(state, peerId('b'), heartbeatOf('c'), 'gossip', 0).state, state)
    assert.equal(heardDigest(state, peerId('b'), digestFrom('c', {}, [lineOf('c')]), 0).state, state)
  })

  it('is passed on whole: a peer that hears one digest knows what its sender knew', () => {
    let { state } = heard(start(), peerId('b'), heartbeatOf('b', { seq: 7 }), 'report', 0)
    state = heard(state, peerId('c'), heartbeatOf('c', { seq: 3 }), 'report', 400).state
    const other = createView({ self: profileOf('d'), stats: statsOf(0), timings: PRESETS.lan, nowMs: 5_000 })
    const got = heardDigest(other, A, digestFrom('a', {}, view(state, 500)), 5_000).state
    assert.deepEqual(
      view(got, 5_000).map(({ profile, stats, ageMs }) => [profile.id, stats.seq, ageMs]),
      [
        ['a', 0, 0],
        ['b', 7, 500],
        ['c', 3, 100],
        ['d', 0, 0]
      ]
    )
  })

  it('does not let a peer promise itself immortality', () => {
    let { state } = heard(start(), peerId('b'), heartbeatOf('b', { nextWithinMs: 1e12 }), 'gossip', 0)
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 1_000) state = tick(state, nowMs).state
    assert.equal(viewOf(state, peerId('b'), 600_000)?.state, 'gone')
  })

  it('holds a bounded number of peers: newcomers displace the gone, members everyone but members', () => {
    const name = (i: number): string => `b${String(i).padStart(4, '0')}`
    let state = start()
    for (let i = 1; i < PEERS_MAX; i++) state = heard(state, peerId(name(i)), heartbeatOf(name(i)), 'gossip', i).state
    assert.equal(state.peers.size, PEERS_MAX)
    assert.equal(heard(state, peerId('x'), heartbeatOf('x'), 'gossip', 1_000).state, state, 'no room for x')

    const member = setMembers(state, [peerId('x')], new Set(), 1_000).state
    const displaced = heard(member, peerId('x'), heartbeatOf('x'), 'gossip', 1_000).state
    assert.equal(displaced.peers.size, PEERS_MAX)
    assert.ok(!displaced.peers.has(peerId(name(1))) && displaced.peers.has(peerId('x')))

    const leaver = name(5)
    const left = heard(state, peerId(leaver), heartbeatOf(leaver, { seq: 2, leaving: true }), 'gossip', 1_000).state
    const replaced = heard(left, peerId('x'), heartbeatOf('x'), 'gossip', 1_001).state
    assert.ok(!replaced.peers.has(peerId(leaver)) && replaced.peers.has(peerId('x')))
  })
})

describe('any history', () => {
  const name = fc.constantFrom('b', 'c', 'd')
  const input = fc.oneof(
    fc.record({
      type: fc.constant('heard' as const),
      name,
      session: fc.integer({ min: 1, max: 3 }),
      seq: fc.integer({ min: 1, max: 9 }),
      leaving: fc.boolean(),
      draining: fc.boolean(),
      via: fc.constantFrom('report' as const, 'gossip' as const)
    }),
    fc.record({
      type: fc.constant('digest' as const),
      from: name,
      term: fc.integer({ min: 1, max: 3 }),
      seq: fc.integer({ min: 1, max: 9 }),
      lines: fc.uniqueArray(
        fc.record({
          name,
          session: fc.integer({ min: 1, max: 3 }),
          seq: fc.integer({ min: 1, max: 9 }),
          ageMs: fc.integer({ min: 0, max: 9_000 }),
          state: fc.constantFrom('alive' as const, 'suspect' as const, 'gone' as const)
        }),
        { selector: line => line.name }
      )
    }),
    fc.record({ type: fc.constant('connection' as const), name, connected: fc.boolean() }),
    fc.record({ type: fc.constant('orchestrator' as const), name: fc.constantFrom('a', 'b', 'c'), term: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ type: fc.constant('tick' as const), afterMs: fc.integer({ min: 0, max: 4_000 }) })
  )
  type Input = typeof input extends fc.Arbitrary<infer T> ? T : never

  function apply(state: MembershipState, input: Input, nowMs: number): MembershipStep {
    switch (input.type) {
      case 'heard':
        return heard(state, peerId(input.name), heartbeatOf(input.name, input), input.via, nowMs)
      case 'digest':
        return heardDigest(
          state,
          peerId(input.from),
          digestFrom(
            input.from,
            input,
            input.lines.map(line => lineOf(line.name, line))
          ),
          nowMs
        )
      case 'connection':
        return connectionChanged(state, peerId(input.name), input.connected, nowMs)
      case 'orchestrator':
        return setOrchestrator(state, peerId(input.name), input.term, nowMs)
      case 'tick':
        return tick(state, nowMs)
    }
  }

  it('never goes back to an older word, tells every change of state by an event, and leaves its input alone', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 50 }), inputs => {
        let state = setMembers(start(), ['a', 'b', 'c', 'd'].map(peerId), new Set(), 0).state
        let nowMs = 0
        const told = new Map<string, string>([['a', 'alive']])
        for (const input of inputs) {
          if (input.type === 'tick') nowMs += input.afterMs
          const before = JSON.stringify([...state.peers])
          const { state: after, events } = apply(state, input, nowMs)
          assert.equal(JSON.stringify([...state.peers]), before)
          for (const [id, { profile, stats }] of state.peers) {
            const later = after.peers.get(id)
            assert.ok(later !== undefined, `${id} was forgotten`)
            const isNotOlder =
              later.profile.session > profile.session || (later.profile.session === profile.session && later.stats.seq >= stats.seq)
            assert.ok(isNotOlder, `${id} went back`)
          }
          for (const event of events) {
            if (event.type === 'gone') told.set(event.peer, 'gone')
            else if (event.type === 'suspected') told.set(event.peer, 'suspect')
            else if (event.type !== 'drain-changed') told.set(event.peer, 'alive')
          }
          for (const [id, { liveness }] of after.peers) assert.equal(told.get(id), liveness, `${id} after ${JSON.stringify(input)}`)
          assert.equal(after.peers.get(A)?.liveness, 'alive')
          state = after
        }
        // Whatever happened, silence ends in the same place.
        for (let i = 0; i < 200; i++) state = tick(state, (nowMs += 1_000)).state
        assert.ok([...state.peers.values()].every(({ profile, liveness }) => profile.id === A || liveness === 'gone'))
      })
    )
  })
})

describe('a peer that is starved', () => {
  const silentMs = (state: MembershipState, sinceMs: number): number => {
    let at = state
    for (let nowMs = sinceMs + 400; nowMs < sinceMs + 60_000; nowMs += 400) {
      at = tick(at, nowMs).state
      if (viewOf(at, peerId('b'), nowMs)?.state === 'suspect') return nowMs - sinceMs
    }
    return Number.POSITIVE_INFINITY
  }
  const starved = (ticks: number): { state: MembershipState; nowMs: number } => {
    let { state } = heard(start(), peerId('b'), heartbeatOf('b'), 'gossip', 0)
    let nowMs = 0
    for (let i = 0; i < ticks; i++) state = tick(state, (nowMs += 2_000)).state
    state = heard(state, peerId('b'), heartbeatOf('b', { seq: 2 }), 'gossip', nowMs).state
    return { state, nowMs }
  }

  it('doubts itself before it doubts others, the more the longer it goes on, up to a bound', () => {
    const waits = [0, 1, 2, 4, 40].map(ticks => {
      const { state, nowMs } = starved(ticks)
      return silentMs(state, nowMs)
    })
    assert.ok(
      waits.every((wait, i) => i === 0 || wait > (waits[i - 1] ?? 0) || i === waits.length - 1),
      waits.join()
    )
    const [calm = 0, , , , most = 0] = waits
    assert.ok(calm <= 3_500 && most > 2 * calm && most <= 5 * calm, waits.join())
  })

  it('comes back to its senses', () => {
    let { state, nowMs } = starved(4)
    for (let i = 0; i < 64; i++) {
      state = tick(state, (nowMs += 400)).state
      state = heard(state, peerId('b'), heartbeatOf('b', { seq: 3 + i }), 'gossip', nowMs).state
    }
    assert.equal(state.doubt, 0)
  })
})

describe('a connection that has closed', () => {
  it('makes nobody gone whom others may still hear: in a large cluster their heartbeats come seldom', () => {
    for (const [nextWithinMs, goneMs] of [
      [1_200, 2_500],
      [12_000, 18_000]
    ] as const) {
      let { state } = heard(start(), peerId('b'), heartbeatOf('b', { nextWithinMs }), 'gossip', 0)
      state = connectionChanged(state, peerId('b'), false, 100).state
      assert.equal(viewOf(state, peerId('b'), 100)?.state, 'suspect', 'it takes no new work at once')
      let nowMs = 100
      while (viewOf(state, peerId('b'), nowMs)?.state !== 'gone') state = tick(state, (nowMs += 100)).state
      assert.equal(nowMs - 100, goneMs, `${nextWithinMs} ms`)
    }
  })
})

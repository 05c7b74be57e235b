import assert from 'node:assert/strict'
import { activityOf, filterWords, matches } from '../../../src/faces/tui/activity.ts'
import {
  callsPerSecond,
  emptyData,
  LOG_MAX,
  ownPeer,
  SAMPLES_MAX,
  useOf,
  withEvents,
  withLook,
  withoutLink
} from '../../../src/faces/tui/cluster-data.ts'
import { listedLog, listedPeers, windowAround } from '../../../src/faces/tui/listed.ts'
import { networkRate, parseNetDev } from '../../../src/faces/tui/network-rate.ts'
import { withPlacements } from '../../../src/faces/tui/peer-costs.ts'
import { HISTORY, INVOCATION, NOW_MS, PEERS, samplePeer } from '../samples.ts'
import { EVENTS, finished, freshState, placed, sampleLook } from './states.ts'

const at = (ms: number): string => new Date(NOW_MS + ms).toISOString()

describe('what is known of a cluster', () => {
  it('keeps what was last known when the peer does not answer, and since when', () => {
    const live = withLook(emptyData('http://x'), sampleLook())
    const lost = withoutLink(withoutLink(live, 'refused', 5), 'timed out', 9)
    assert.deepEqual(lost.link, { state: 'lost', sinceMs: 5, reason: 'timed out' })
    assert.equal(lost.peers, live.peers)
    assert.equal(withLook(lost, sampleLook()).link.state, 'live')
  })

  it('counts ended work from the counters of the peers, across a restart of one', () => {
    const [atlas = samplePeer('atlas')] = PEERS
    const look = (succeeded: number) => sampleLook('atlas', [{ ...atlas, succeeded, failed: 0 }])
    let data = withLook(emptyData(''), look(100))
    for (const succeeded of [110, 130, 5]) data = withLook(data, look(succeeded))
    assert.deepEqual(data.endedPerSecond, [10, 20, 5])
    assert.equal(Math.round(callsPerSecond(data)), 12)
    assert.equal(ownPeer(data)?.name, 'atlas')
  })

  it('begins with what its peer knows of the minutes before', () => {
    const data = withLook(emptyData(''), { ...sampleLook(), history: HISTORY })
    assert.equal(data.endedPerSecond.length, HISTORY.steps * 5)
    // Four peers without the one that went: a third of a step's work of each a second, and what failed in the eighth step.
    assert.equal(data.endedPerSecond[5], 5 / 5)
    const { cpu, memory } = useOf(data, samplePeer('birch').id)
    assert.deepEqual([cpu.length, cpu[0], memory[0]], [HISTORY.steps * 5 + 1, 0, 0.3])
    assert.equal(withLook(data, { ...sampleLook(), history: HISTORY }).endedPerSecond.length, HISTORY.steps * 5 + 1, 'once')
  })

  it('keeps five minutes of samples and so many lines, and forgets peers that are gone', () => {
    let data = emptyData('')
    for (let index = 0; index < SAMPLES_MAX + 10; index++) data = withLook(data, sampleLook())
    assert.equal(useOf(data, samplePeer('atlas').id).cpu.length, SAMPLES_MAX)
    assert.equal(useOf(data, samplePeer('cedar').id).cpu.length, 0)
    for (let index = 0; index < 5; index++) {
      data = withEvents(
        data,
        Array.from({ length: 1_000 }, (_, each) => finished(index * 1_000 + each + 1, at(index), { worker: 'elm', totalMs: 1 }))
      )
    }
    assert.equal(data.log.length, LOG_MAX)
  })

  it('tells no event twice when a stream begins again, and all of them after a restart of the peer', () => {
    const once = withEvents(withLook(emptyData(''), sampleLook()), EVENTS)
    assert.equal(withEvents(once, EVENTS), once)
    const again = withEvents(once, [finished(1, at(60_000), { worker: 'elm', totalMs: 1 })])
    assert.equal(again.log.length, once.log.length + 1)
  })

  it('tells on a worker of the calls that it ran for others, and on the orchestrator of all', () => {
    const [elm, birch] = ['elm', 'birch'].map(name => ({ id: samplePeer(name).id, name }))
    assert.ok(elm !== undefined && birch !== undefined)
    const calls = [
      { ...INVOCATION, id: 'i-1', gateway: elm, worker: birch },
      { ...INVOCATION, id: 'i-2', gateway: elm, worker: elm }
    ]
    const told = (self: string): readonly string[] => {
      const look = sampleLook(self)
      const before = withLook(emptyData(''), { ...look, invocations: { items: [], missing: [] } })
      return withLook(before, { ...look, invocations: { items: calls, missing: [] } }).log.map(({ text }) => text)
    }
    assert.deepEqual(told('birch'), ['i-1 thumb on birch in 44ms'])
    assert.deepEqual(told('atlas'), ['i-1 thumb on birch in 44ms', 'i-2 thumb on elm in 44ms'])
  })

  it('numbers the lines of its log one after the other', () => {
    const data = withEvents(withLook(withLook(emptyData(''), sampleLook()), sampleLook()), EVENTS)
    assert.deepEqual(
      data.log.map(({ seq }) => seq),
      data.log.map((_, index) => index + 1)
    )
  })
})

describe('the activity log', () => {
  it('says what happened, names who it happened to, and marks what went wrong', () => {
    const names = new Map(PEERS.map(({ id, name }) => [id, name]))
    const lines = EVENTS.map((event, index) => activityOf(event, index, id => names.get(id) ?? '?'))
    assert.deepEqual(
      lines.map(({ kind, text, tone }) => `${kind}: ${text}${tone === undefined ? '' : ` (${tone})`}`),
      [
        'peer: elm joined (good)',
        'cluster: atlas is orchestrator of term 3 (good)',
        'cluster: voters atlas birch elm',
        'function: thumb revision 1 from acme/thumb:1.4 (good)',
        'invoke: i-h8y0kw thumb -> birch  cost 50ms',
        'done: i-h8y0kw thumb on birch in 44ms',
        'invoke: i-h8y0kw thumb -> elm  cost 168ms  fallback (warn)',
        'FAILED: i-h8y0kw thumb on elm: out_of_memory after 900ms (bad)',
        'peer: cedar is silent for 3s (warn)',
        'peer: cedar is gone (bad)',
        'peer: dogwood takes no new work (warn)',
        'runtime: not ready: the engine does not answer (bad)'
      ]
    )
  })

  it('is filtered by words in any order and case, the whole id of a call among them', () => {
    const line = activityOf(placed(1, at(0), { worker: 'elm', costMs: 5 }), 1, () => 'elm')
    for (const filter of ['', 'ELM thumb', 'i-ark8hk64k53wn327j164h8y0kw', 'invoke elm'])
      assert.ok(matches(line, filterWords(filter)), filter)
    assert.ok(!matches(line, filterWords('elm birch')))
  })
})

describe('the list of peers', () => {
  const data = withEvents(withLook(emptyData(''), sampleLook()), EVENTS)
  const list = freshState().list
  const cases: readonly (readonly [change: Partial<typeof list>, names: string])[] = [
    [{}, 'atlas birch dogwood elm cedar'],
    [{ reversed: true }, 'elm dogwood birch atlas cedar'],
    [{ sort: 'cpu' }, 'dogwood atlas birch elm cedar'],
    [{ sort: 'memory' }, 'dogwood atlas birch elm cedar'],
    [{ sort: 'running' }, 'dogwood atlas birch elm cedar'],
    [{ sort: 'ok' }, 'dogwood birch atlas elm cedar'],
    [{ sort: 'cost' }, 'birch elm atlas dogwood cedar'],
    [{ filter: 'zone=attic' }, 'birch'],
    [{ filter: 'DRAIN' }, 'dogwood'],
    [{ filter: 'worker alive' }, 'birch elm'],
    [{ filter: 'birch', focus: 'log' }, 'atlas birch dogwood elm cedar']
  ]
  for (const [change, names] of cases) {
    it(`is ${names} by ${JSON.stringify(change)}`, () => {
      assert.equal(
        listedPeers(data, { ...list, ...change })
          .map(({ name }) => name)
          .join(' '),
        names
      )
    })
  }

  it('leaves the filter of the log to the log', () => {
    assert.equal(listedLog(data, { ...list, filter: 'thumb' }).length, data.log.length)
    assert.equal(listedLog(data, { ...list, filter: 'thumb', focus: 'log' }).length, 5)
    assert.equal(listedLog(data, { ...list, filter: 'thumb' }, true).length, 5)
  })

  it('shows the rows around the cursor', () => {
    assert.deepEqual(
      [0, 5, 9].map(cursor => windowAround(10, cursor, 4)),
      [
        { from: 0, to: 4 },
        { from: 3, to: 7 },
        { from: 6, to: 10 }
      ]
    )
    assert.deepEqual(windowAround(2, 1, 4), { from: 0, to: 2 })
  })
})

describe('the cost of a peer', () => {
  it('lets newer placements count more in the cost of a peer', () => {
    const events = [100, 100, 200].map((costMs, index) => placed(index, at(index), { worker: 'elm', costMs }))
    assert.equal(withPlacements(new Map(), events).get(samplePeer('elm').id), 120)
  })
})

describe('the network of this machine', () => {
  const text =
    'Inter-|   Receive\n face |bytes\n    lo: 99 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n  eth0: 1000 9 0 0 0 0 0 0 400 3 0 0 0 0 0 0\n  eth1:10 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n'
  it('is read without the loopback', () => assert.deepEqual(parseNetDev(text), { inBytes: 1_010, outBytes: 405 }))

  it('is shown a second, and never below nothing', () => {
    const before = { atMs: 1_000, inBytes: 100, outBytes: 100 }
    assert.deepEqual(networkRate(before, { atMs: 3_000, inBytes: 300, outBytes: 50 }), { inBytes: 100, outBytes: 0 })
  })
})

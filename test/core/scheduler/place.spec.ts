import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { couldFit } from '../../../src/core/scheduler/could-fit.ts'
import { place } from '../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../src/core/scheduler/placement-table.ts'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import type { Strategy } from '../../../src/core/scheduler/strategy.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import type { Decision, PlacementRequest, Verdict } from '../../../src/model/placement.ts'
import { createRandom } from '../../../src/model/random.ts'
import { FN, GIB, IMAGE, llcOf, MIB, peerId, requestOf, type ViewFields, viewOf, warmStats } from './cluster.ts'

const SELF = peerId('self')

function tableOf(views: readonly PeerView[]): PlacementTable {
  const table = new PlacementTable(SELF)
  table.sync(views, 0)
  return table
}

function decide(table: PlacementTable, request = requestOf(), { seed = 1, kappa = 1 } = {}): Decision {
  return whole(place(request, table, { random: createRandom(seed), strategy: COST, kappa }))
}

/** With the verdicts, which are made when they are read. */
function whole({ chosen, expected, verdicts, skipped, rejected }: Decision): Decision {
  return { chosen, expected, verdicts, skipped, rejected }
}

function verdictOn({ verdicts }: Decision, name: string): Verdict {
  const verdict = verdicts.find(({ peer }) => peer === name)
  assert.ok(verdict, `no verdict on ${name}`)
  return verdict
}

function costOn(decision: Decision, name: string): Extract<Verdict, { fits: true }>['cost'] {
  const verdict = verdictOn(decision, name)
  assert.ok(verdict.fits, `${name} does not fit`)
  return verdict.cost
}

function startOn(decision: Decision, name: string): string {
  const verdict = verdictOn(decision, name)
  return verdict.fits ? verdict.start : verdict.reason
}

describe('feasibility', () => {
  const rows: {
    reason: string
    because: string
    view?: ViewFields
    request?: Partial<PlacementRequest>
    needed?: number
    available?: number
    arch?: { image: string; peer: string }
  }[] = [
    { reason: 'not_alive', because: 'it is suspect', view: { state: 'suspect' } },
    { reason: 'not_alive', because: 'it is gone, whatever else is wrong', view: { state: 'gone', stats: { runtimeReady: false } } },
    { reason: 'draining', because: 'the cluster has agreed so', view: { state: 'draining' } },
    { reason: 'draining', because: 'it says so itself', view: { stats: { draining: true } } },
    { reason: 'excluded', because: 'it has refused the call before', request: { exclude: [peerId('a')] } },
    { reason: 'not_pinned', because: 'only another will do', request: { pinnedTo: peerId('other') } },
    { reason: 'no_runtime', because: 'it runs no containers', view: { profile: { runtime: 'none' } } },
    { reason: 'no_runtime', because: 'its engine does not answer', view: { stats: { runtimeReady: false } } },
    { reason: 'wrong_arch', because: 'the image is for another', request: { arch: 'arm64' }, arch: { image: 'arm64', peer: 'amd64' } },
    {
      reason: 'memory',
      because: 'it has promised too much',
      view: { stats: { memoryReservedBytes: 8 * GIB - MIB } },
      needed: GIB,
      available: MIB
    },
    { reason: 'memory', because: 'it never had as much', request: { memoryBytes: 9 * GIB }, needed: 9 * GIB, available: 8 * GIB },
    { reason: 'slots', because: 'its cores are promised twice over', view: { stats: { cpusReserved: 7.5 } }, needed: 1, available: 0 },
    { reason: 'slots', because: 'the work wants more cores than that', request: { cpus: 9 }, needed: 1, available: 0 },
    { reason: 'deadline', because: 'the work takes more than twice as long', request: { deadlineMs: 500 }, needed: 1_001, available: 500 },
    {
      reason: 'deadline',
      because: 'no time is left',
      request: { deadlineMs: -3, estimate: { ...requestOf().estimate, samples: 0 } },
      needed: 3_701,
      available: 0
    }
  ]
  for (const { reason, because, view, request, needed, available, arch } of rows) {
    it(`refuses a peer for ${reason} because ${because}`, () => {
      const decision = decide(tableOf([viewOf('a', view)]), requestOf(request))
      assert.equal(decision.chosen, null)
      assert.deepEqual(decision.rejected, { [reason]: 1 })
      const verdict = verdictOn(decision, 'a')
      const amounts = needed === undefined ? {} : { needed, available }
      assert.deepEqual(verdict, { peer: 'a', fits: false, reason, ...amounts, ...(arch === undefined ? {} : { arch }) })
    })
  }

  it('needs no memory or cores for an idle container', () => {
    const full = viewOf('a', { stats: { ...warmStats(1), memoryReservedBytes: 8 * GIB, cpusReserved: 8 } })
    const decision = decide(tableOf([full]))
    assert.equal(decision.chosen, 'a')
    assert.equal(startOn(decision, 'a'), 'warm')
  })

  it('counts what idle containers of others hold as free, for the worker gives it up', () => {
    const stats = { memoryReservedBytes: 8 * GIB, cpusReserved: 8 }
    assert.equal(decide(tableOf([viewOf('a', { stats })])).chosen, null)
    assert.equal(decide(tableOf([viewOf('a', { stats: { ...stats, memoryEvictableBytes: GIB, cpusEvictable: 1 } })])).chosen, 'a')
    assert.equal(decide(tableOf([viewOf('a', { stats: { ...stats, memoryEvictableBytes: GIB } })])).chosen, null)
  })

  it('does not count on an idle container that an own order has claimed', () => {
    const stats = { ...warmStats(1), memoryReservedBytes: 8 * GIB, cpusReserved: 8, memoryEvictableBytes: GIB, cpusEvictable: 1 }
    const table = tableOf([viewOf('a', { stats })])
    const other = requestOf({ function: 'other@1', cpus: 1, memoryBytes: GIB })
    assert.equal(decide(table, other).chosen, 'a')
    table.reserve({ worker: peerId('a'), function: FN, cpus: 1, memoryBytes: GIB, start: 'warm' }, 0)
    assert.equal(decide(table, other).chosen, null)
  })

  it('does not refuse for a deadline what would end soon enough once the image and a container are there', () => {
    assert.equal(decide(tableOf([viewOf('a')]), requestOf({ deadlineMs: 501 })).chosen, 'a')
  })

  it('does not refuse for a deadline by guesswork', () => {
    const estimate = { ...requestOf().estimate, samples: 0 }
    assert.equal(decide(tableOf([viewOf('a')]), requestOf({ deadlineMs: 500, estimate })).chosen, 'a')
  })

  it('does not let guesses at other placers refuse anybody', () => {
    const table = tableOf([viewOf('a', { stats: warmStats(2) })])
    table.reserve({ worker: peerId('a'), function: FN, cpus: 4, memoryBytes: GIB, start: 'warm' }, 0)
    const request = requestOf({ deadlineMs: 700 })
    const decision = decide(table, request, { kappa: 12 })
    assert.equal(decision.chosen, 'a')
    assert.ok(costOn(decision, 'a').total > 2 * request.deadlineMs)
    assert.equal(startOn(decision, 'a'), 'warm')
  })

  it('knows what could never fit', () => {
    const table = tableOf([viewOf('a', { stats: { memoryReservedBytes: 8 * GIB } }), viewOf('b', { profile: { runtime: 'none' } })])
    assert.equal(couldFit(requestOf(), table), true)
    assert.equal(couldFit(requestOf({ memoryBytes: 9 * GIB }), table), false)
    assert.equal(couldFit(requestOf({ cpus: 8.5 }), table), false)
    assert.equal(couldFit(requestOf({ arch: 'arm64' }), table), false)
    assert.equal(couldFit(requestOf({ pinnedTo: peerId('b') }), table), false)
  })
})

describe('cost', () => {
  const cold = { network: 1, start: 200, pull: 2_500, queue: 0, run: 1_000 }
  const rows: { claim: string; view?: ViewFields; name?: string; request?: Partial<PlacementRequest>; cost: Partial<typeof cold> }[] = [
    { claim: 'of an idle peer without the image', cost: {} },
    { claim: 'has the pull that was observed', request: { estimate: { ...requestOf().estimate, pullMs: 6_000 } }, cost: { pull: 6_000 } },
    { claim: 'has no pull where the image is', view: { stats: { images: [IMAGE] } }, cost: { pull: 0 } },
    { claim: 'has a short start where a container is idle', view: { stats: warmStats(1) }, cost: { pull: 0, start: 3 } },
    {
      claim: 'takes an idle container for proof of the image',
      view: { stats: { ...warmStats(1), images: [] } },
      cost: { pull: 0, start: 3 }
    },
    { claim: 'has no network on the placer itself', name: 'self', request: { inputBytes: 10_000_000 }, cost: { network: 0 } },
    { claim: 'has the bytes of the body', request: { inputBytes: 1_000_000 }, cost: { network: 11 } },
    {
      claim: 'has the bytes of the answer',
      request: { estimate: { ...requestOf().estimate, outputBytes: 1_000_000 } },
      cost: { network: 11 }
    },
    { claim: 'has no queue as long as there are cores', view: { stats: { cpusUsed: 3 } }, cost: { queue: 0 } },
    { claim: 'shares cores that are all in use', view: { stats: { cpusUsed: 4 } }, cost: { queue: 250 } },
    { claim: 'counts executions that do not show in the use yet', view: { stats: { running: 5, cpusReserved: 5 } }, cost: { queue: 500 } },
    { claim: 'does not count idle reservations as use', view: { stats: { running: 1, cpusReserved: 7 } }, cost: { queue: 0 } },
    { claim: 'does not count use of cores that the peer does not offer', view: { stats: { cpusUsed: 60 } }, cost: { queue: 250 } }
  ]
  for (const { claim, view, name = 'a', request, cost } of rows) {
    it(claim, () => {
      const got = costOn(decide(tableOf([viewOf(name, view)]), requestOf(request)), name)
      const want = { ...cold, ...cost }
      assert.deepEqual(got, { ...want, total: want.network + want.start + want.pull + want.queue + want.run })
    })
  }

  it('grows with the slowness of the machine, the network and the pull apart', () => {
    const table = tableOf([viewOf('a', { stats: { cpusUsed: 4 } })])
    table.setSlowness(peerId('a'), 2)
    assert.deepEqual(costOn(decide(table), 'a'), { network: 1, start: 400, pull: 2_500, queue: 500, run: 2_000, total: 5_401 })
  })

  it('has the time in which a run only waits, whatever the machine and whoever else is there', () => {
    const table = tableOf([viewOf('a', { stats: { cpusUsed: 4 } })])
    table.setSlowness(peerId('a'), 2)
    const request = requestOf({ estimate: { ...requestOf().estimate, cpuMs: 100 } })
    assert.deepEqual(costOn(decide(table, request), 'a'), { network: 1, start: 400, pull: 2_500, queue: 50, run: 1_100, total: 4_051 })
  })

  it('takes own unseen orders into account, and forgets them when the statistics include them', () => {
    const table = tableOf([viewOf('a', { stats: warmStats(1) })])
    const reserved = { worker: peerId('a'), function: FN, cpus: 4, memoryBytes: GIB, start: 'warm' } as const
    const order = table.reserve(reserved, 0)
    assert.deepEqual(costOn(decide(table), 'a'), { network: 1, start: 200, pull: 0, queue: 250, run: 1_000, total: 1_451 })
    table.update(viewOf('a', { stats: { ...warmStats(1), seq: 2, seenOrders: { [SELF]: order } } }), 1)
    assert.equal(costOn(decide(table), 'a').total, 1_004)
    table.release(order)
    table.release(table.reserve(reserved, 2))
    assert.equal(costOn(decide(table), 'a').total, 1_004, 'a released order counts no more')
  })

  it('weighs own unseen orders by kappa', () => {
    const table = tableOf([viewOf('a', { stats: warmStats(5) })])
    table.reserve({ worker: peerId('a'), function: FN, cpus: 1, memoryBytes: GIB, start: 'warm' }, 0)
    assert.equal(costOn(decide(table), 'a').total, 1_004)
    assert.deepEqual(costOn(decide(table, requestOf(), { kappa: 12 }), 'a'), {
      network: 1,
      start: 200,
      pull: 0,
      queue: 2_250,
      run: 1_000,
      total: 3_451
    })
  })
})

describe('the choice', () => {
  it('is the cheapest by far', () => {
    const table = tableOf([viewOf('a'), viewOf('b', { stats: warmStats(1) }), viewOf('c', { stats: { images: [IMAGE] } })])
    for (let seed = 0; seed < 20; seed++) assert.equal(decide(table, requestOf(), { seed }).chosen, 'b')
  })

  it('is drawn from those within the band, all of them and nobody else', () => {
    const table = tableOf(['d', 'b', 'a', 'c'].map(name => viewOf(name, { stats: { images: [IMAGE], cpusUsed: name === 'd' ? 3.25 : 3 } })))
    const request = requestOf({ estimate: { ...requestOf().estimate, runMs: 2_000 } })
    assert.ok(costOn(decide(table, request), 'd').queue > 0)
    const chosen = new Set(Array.from({ length: 60 }, (_, seed) => decide(table, request, { seed }).chosen))
    assert.deepEqual(chosen, new Set(['a', 'b', 'c']))
  })

  it('falls on equal peers about equally often', () => {
    const table = tableOf(Array.from({ length: 8 }, (_, i) => viewOf(`p${i}`)))
    const random = createRandom(1)
    const counts = new Map<string, number>()
    for (let i = 0; i < 4_000; i++) {
      const { chosen } = place(requestOf(), table, { random, strategy: COST, kappa: 1 })
      counts.set(chosen ?? '', (counts.get(chosen ?? '') ?? 0) + 1)
    }
    // 500 expected, standard deviation 21: five of them each way.
    for (const [peer, count] of counts) assert.ok(Math.abs(count - 500) < 105, `${peer}: ${count}`)
    assert.equal(counts.size, 8)
  })

  it('does not depend on the order in which peers were heard', () => {
    const views = Array.from({ length: 12 }, (_, i) => viewOf(`p${i}`))
    const shuffled = [...views.slice(7), ...views.slice(0, 7).reverse()]
    for (let seed = 0; seed < 10; seed++) {
      assert.deepEqual(decide(tableOf(shuffled), requestOf(), { seed }), decide(tableOf(views), requestOf(), { seed }))
    }
  })

  it('is the pinned peer, though others are cheaper', () => {
    const decision = decide(tableOf([viewOf('a'), viewOf('b', { stats: warmStats(1) })]), requestOf({ pinnedTo: peerId('a') }))
    assert.equal(decision.chosen, 'a')
    assert.deepEqual(decision.rejected, { not_pinned: 1 })
    assert.equal(decision.skipped, 0)
  })

  it('tells whoever asks later what was true when it was made, whoever has come, gone and been placed since', () => {
    for (const size of [3, 40, 100]) {
      const views = Array.from({ length: size }, (_, i) => viewOf(`p${i}`, { stats: { cpusUsed: (i % 7) / 2 } }))
      // Nobody has room for the second: everyone is looked at.
      for (const request of [requestOf(), requestOf({ memoryBytes: 1_000 * GIB })]) {
        const table = tableOf(views)
        const early = decide(table, request)
        const late = place(request, tableOf(views), { random: createRandom(1), strategy: COST, kappa: 1 })
        const moved = tableOf(views)
        const kept = place(request, moved, { random: createRandom(1), strategy: COST, kappa: 1 })
        for (let i = 0; i < 40; i++) decide(moved, requestOf(), { seed: i })
        moved.remove(peerId('p0'))
        moved.update(viewOf('new'), 1)
        for (let i = 0; i < 40; i++) decide(moved, requestOf(), { seed: i })
        assert.deepEqual(whole(kept), early, `${size} peers`)
        assert.deepEqual(JSON.parse(JSON.stringify(late)), JSON.parse(JSON.stringify(early)), 'as JSON')
      }
    }
  })

  it('is nobody in an empty cluster', () => {
    assert.deepEqual(decide(tableOf([])), { chosen: null, expected: null, verdicts: [], skipped: 0, rejected: {} })
  })

  it('keeps what it was chosen from, whatever is placed after it', () => {
    const table = tableOf([viewOf('a'), viewOf('b')])
    const inputsBytes = Array.from({ length: 50 }, (_, i) => i * 100_000)
    const decisions = inputsBytes.map((inputBytes, i) => {
      if (i === 20) table.update(viewOf('c'), 0)
      return decide(table, requestOf({ inputBytes }))
    })
    for (const [i, decision] of decisions.entries()) {
      assert.equal(decision.verdicts.length, i < 20 ? 2 : 3)
      assert.equal(costOn(decision, 'b').network, costOn(decide(table, requestOf({ inputBytes: i * 100_000 })), 'b').network)
    }
  })

  it('follows the strategy', () => {
    const dearest: Strategy = { name: 'greedy', bandRatio: 0, score: ({ totalMs }) => -totalMs }
    const table = tableOf([viewOf('a'), viewOf('b', { stats: warmStats(1) })])
    assert.equal(place(requestOf(), table, { random: createRandom(1), strategy: dearest, kappa: 1 }).chosen, 'a')
  })
})

describe('a large cluster', () => {
  const crowd = Array.from({ length: 500 }, (_, i) => viewOf(`p${String(i).padStart(3, '0')}`))

  function crowdWith(changes: Record<string, ViewFields>): PlacementTable {
    return tableOf(crowd.map(view => (changes[view.profile.id] === undefined ? view : viewOf(view.profile.id, changes[view.profile.id]))))
  }

  it('is not looked at in full, and says so', () => {
    const decision = decide(crowdWith({}))
    assert.ok(decision.chosen !== null)
    assert.ok(decision.verdicts.length <= 16 && decision.verdicts.length >= 8)
    assert.equal(decision.skipped, crowd.length - decision.verdicts.length)
  })

  it('has its idle containers found wherever they are', () => {
    const table = crowdWith({ p321: { stats: warmStats(1) } })
    for (let seed = 0; seed < 20; seed++) assert.equal(decide(table, requestOf(), { seed }).chosen, 'p321')
  })

  it('looks at the homes of a function each time, and at others at random', () => {
    const table = crowdWith({})
    const lookedAt = Array.from({ length: 20 }, (_, seed) => new Set(decide(table, requestOf(), { seed }).verdicts.map(({ peer }) => peer)))
    const everyTime = lookedAt.reduce((common, peers) => common.intersection(peers))
    assert.equal(everyTime.size, 8)
    assert.ok(lookedAt.reduce((all, peers) => all.union(peers)).size > 100)
  })

  it('is searched in full before anybody is refused', () => {
    const busy: ViewFields = { stats: { memoryReservedBytes: 8 * GIB } }
    const table = crowdWith(Object.fromEntries(crowd.map(({ profile: { id } }) => [id, id === 'p123' ? {} : busy])))
    const decision = decide(table)
    assert.equal(decision.chosen, 'p123')
    assert.deepEqual(decision.rejected, { memory: 499 })
    assert.equal(decision.skipped, 0)
    assert.equal(decision.verdicts.length, 64)
    assert.equal(decision.verdicts[0]?.peer, 'p123')
  })

  it('has one verdict for a pinned call', () => {
    const decision = decide(crowdWith({}), requestOf({ pinnedTo: peerId('p007') }))
    assert.deepEqual([decision.chosen, decision.verdicts.length, decision.skipped, decision.rejected], ['p007', 1, 0, { not_pinned: 499 }])
  })
})

describe('against brute force', () => {
  interface Order {
    worker: string
    cpus: number
    start: 'warm' | 'cold'
    llcBytes?: number | undefined
  }
  const view = fc.record({
    state: fc.constantFrom('alive' as const, 'alive' as const, 'alive' as const, 'suspect' as const, 'draining' as const),
    cpus: fc.constantFrom(1, 2, 8),
    memoryGib: fc.integer({ min: 1, max: 8 }),
    cpusUsed: fc.constantFrom(0, 0.5, 1, 4),
    reserved: fc.integer({ min: 0, max: 8 }),
    evictable: fc.integer({ min: 0, max: 2 }),
    running: fc.integer({ min: 0, max: 6 }),
    idle: fc.constantFrom(0, 0, 1, 3),
    hasImage: fc.boolean(),
    arch: fc.constantFrom('amd64', 'amd64', 'arm64'),
    slowness: fc.constantFrom(1, 1.5),
    llcMib: fc.constantFrom(undefined, 0, 8, 32),
    llcHeldMib: fc.constantFrom(0, 4, 40)
  })
  const order = fc.record({
    worker: fc.integer({ min: 0, max: 9 }),
    cpus: fc.constantFrom(0.25, 1),
    start: fc.constantFrom('warm' as const, 'cold' as const),
    llcBytes: fc.constantFrom(undefined, 6 * MIB)
  })
  const request = fc
    .record({
      cpus: fc.constantFrom(0.5, 1, 2),
      memoryBytes: fc.constantFrom(GIB / 2, 2 * GIB),
      imageBytes: fc.constantFrom(0, 50_000_000),
      inputBytes: fc.constantFrom(0, 3_000_000),
      deadlineMs: fc.constantFrom(900, 60_000),
      exclude: fc.subarray(['p0', 'p1', 'p2']).map(names => names.map(peerId)),
      arch: fc.constantFrom('amd64', undefined),
      cpuMs: fc.constantFrom(undefined, 100, 4_000),
      cache: fc.constantFrom(undefined, { bytes: 10 * MIB, slowdown: 0.5, basis: 'ways' as const })
    })
    .map(({ cpuMs, cache, ...fields }) =>
      requestOf({ ...fields, estimate: { ...requestOf().estimate, cpuMs, ...(cache === undefined ? {} : { cache }) } })
    )
  const kappa = fc.constantFrom(1, 1, 12)

  /** How many times longer work takes on the cores there, with this on them, too. */
  function sharing(view: PeerView, request: PlacementRequest, orders: readonly Order[], weight: number): number {
    const { cpus } = view.profile.capacity
    return Math.max(1, (others(view, orders, weight) + request.cpus) / cpus)
  }

  /** Time of everyone on the cores there that this takes, as a multiple of its own. */
  function crowding(view: PeerView, request: PlacementRequest, orders: readonly Order[], weight: number): number {
    const there = others(view, orders, weight)
    const missing = Math.max(0, there + request.cpus - view.profile.capacity.cpus)
    return missing === 0 ? 1 : 1 + (Math.min(1, missing / request.cpus) * there) / (there + request.cpus)
  }

  /** Cores that others want. */
  function others({ profile, stats }: PeerView, orders: readonly Order[], weight: number): number {
    const busy = Math.max(Math.min(stats.cpusUsed, profile.capacity.cpus), Math.min(stats.running, stats.cpusReserved))
    return busy + weight * orders.filter(({ worker }) => worker === profile.id).reduce((sum, { cpus }) => sum + cpus, 0)
  }

  /** The rules once more, as slowly and plainly as possible. Milliseconds, or the reason. */
  function price(view: PeerView, request: PlacementRequest, orders: readonly Order[], slowness: number, kappa: number): number | string {
    const { profile, stats } = view
    const own = orders.filter(({ worker }) => worker === profile.id)
    const cold = own.filter(({ start }) => start === 'cold')
    const idle = stats.warm.find(pool => pool.function === request.function)?.idle ?? 0
    const claimed = own.length - cold.length
    if (view.state === 'suspect' || view.state === 'gone') return 'not_alive'
    if (view.state === 'draining') return 'draining'
    if (request.exclude.includes(profile.id)) return 'excluded'
    if (request.arch !== undefined && profile.arch !== request.arch) return 'wrong_arch'
    if (idle - claimed < 1) {
      const memoryToGiveUp = Math.max(0, (stats.memoryEvictableBytes ?? 0) - claimed * GIB)
      const memory = profile.capacity.memoryBytes - Math.max(0, stats.memoryReservedBytes - memoryToGiveUp) - cold.length * GIB
      if (memory < request.memoryBytes) return 'memory'
      const cpusOf = (orders: readonly Order[]): number => orders.reduce((sum, { cpus }) => sum + cpus, 0)
      const cpusToGiveUp = Math.max(0, (stats.cpusEvictable ?? 0) - (cpusOf(own) - cpusOf(cold)))
      const cpus = 2 * profile.capacity.cpus - Math.max(0, stats.cpusReserved - cpusToGiveUp) - cpusOf(cold)
      if (cpus < request.cpus) return 'slots'
    }
    const networkMs = profile.id === SELF ? 0 : 1 + request.inputBytes / 100_000
    const computingMs = Math.min(1_000, request.estimate.cpuMs ?? 1_000)
    const sharedRunMs = (weight: number): number => 1_000 - computingMs + computingMs * slowness * sharing(view, request, orders, weight)
    const shortage = (weight: number): number => {
      const need = request.estimate.cache
      if (need === undefined || stats.llc === undefined || stats.llc.bytes === 0) return 0
      const free = stats.llc.bytes - stats.llc.expectedBytes - weight * own.reduce((sum, { llcBytes = 0 }) => sum + llcBytes, 0)
      return (need.slowdown * Math.max(0, need.bytes - Math.max(0, free))) / need.bytes
    }
    const inevitableMs = networkMs + sharedRunMs(1)
    const totalMs = (weight: number): number => {
      const warm = Math.max(0, Math.min(1, idle - weight * claimed))
      const hasImage = idle > 0 || stats.images.includes(request.digest)
      const pullMs = hasImage ? 0 : request.imageBytes / 40_000
      return networkMs + warm * 3 + (1 - warm) * (200 * slowness + pullMs) + sharedRunMs(weight) * (1 + shortage(weight))
    }
    return inevitableMs > 2 * request.deadlineMs ? 'deadline' : totalMs(kappa)
  }

  it('chooses within the band of the least cost, with the costs and reasons that the rules give', () => {
    fc.assert(
      fc.property(
        fc.array(view, { maxLength: 10 }),
        fc.array(order, { maxLength: 8 }),
        request,
        kappa,
        fc.nat(),
        (drafts, placed, request, kappa, seed) => {
          const views = drafts.map((draft, i) =>
            viewOf(i === 9 ? SELF : `p${i}`, {
              state: draft.state,
              profile: { arch: draft.arch, capacity: { cpus: draft.cpus, memoryBytes: draft.memoryGib * GIB, diskBytes: 0 } },
              stats: {
                cpusUsed: draft.cpusUsed,
                cpusReserved: Math.max(draft.reserved, draft.evictable),
                memoryReservedBytes: Math.max(draft.reserved, draft.evictable) * GIB,
                cpusEvictable: draft.evictable,
                memoryEvictableBytes: draft.evictable * GIB,
                running: draft.running,
                warm: draft.idle === 0 ? [] : [{ function: FN, idle: draft.idle, busy: 0 }],
                images: draft.hasImage ? [IMAGE] : [],
                ...(draft.llcMib === undefined ? {} : { llc: llcOf(draft.llcMib, draft.llcHeldMib) })
              }
            })
          )
          const orders = placed.flatMap(({ worker, ...order }) => {
            const id = views[worker]?.profile.id
            return id === undefined ? [] : [{ ...order, worker: id }]
          })
          const table = tableOf(views)
          for (const [i, { slowness }] of drafts.entries()) table.setSlowness(views[i]?.profile.id ?? SELF, slowness)
          for (const { worker, cpus, start, llcBytes } of orders)
            table.reserve({ worker, function: FN, cpus, memoryBytes: GIB, start, llcBytes }, 0)

          const decision = decide(table, request, { seed, kappa })
          const prices = new Map(views.map((view, i) => [view.profile.id, price(view, request, orders, drafts[i]?.slowness ?? 1, kappa)]))
          assert.equal(decision.verdicts.length, views.length)
          const rejected: Record<string, number> = {}
          for (const verdict of decision.verdicts) {
            const expected = prices.get(verdict.peer)
            if (verdict.fits) {
              assert.ok(typeof expected === 'number', `${verdict.peer} fits, but should be refused for ${expected}`)
              assert.ok(Math.abs(verdict.cost.total - expected) < 1e-6, `${verdict.peer}: ${verdict.cost.total}, not ${expected}`)
              const { total, ...parts } = verdict.cost
              const causes = Object.values({ ...parts, cache: parts.cache ?? 0 })
              assert.ok(Math.abs(causes.reduce((sum, part) => sum + part) - total) < 1e-6, 'the parts do not make the total')
              assert.ok(causes.every(part => part >= 0))
            } else {
              assert.equal(verdict.reason, expected, verdict.peer)
              rejected[verdict.reason] = (rejected[verdict.reason] ?? 0) + 1
            }
          }
          assert.deepEqual(decision.rejected, rejected)
          const scores = new Map(
            views.flatMap(view => {
              const ms = prices.get(view.profile.id)
              return typeof ms === 'number' ? [[view.profile.id, ms * crowding(view, request, orders, kappa)]] : []
            })
          )
          if (scores.size === 0) assert.equal(decision.chosen, null)
          else assert.ok(Number(scores.get(decision.chosen ?? SELF)) <= Math.min(...scores.values()) * 1.05 + 1e-6)
        }
      ),
      { numRuns: 500 }
    )
  })
})

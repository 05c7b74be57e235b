import assert from 'node:assert/strict'
import { once } from 'node:events'
import { ClusterHistoryReader } from '../../../src/daemon/telemetry/cluster-history.ts'
import { Control, type ControlComponents } from '../../../src/daemon/agreement/control.ts'
import { History } from '../../../src/daemon/telemetry/history.ts'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import { LATENCY_CLASSES_MS, latencyClass, newest, sumFunctions } from '../../../src/model/history.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { MemoryNetwork } from '../../../src/simulate/memory-transport.ts'
import { eventually } from '../../support/eventually.ts'
import { ATLAS, BIRCH } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { createTestLog } from '../../support/test-log.ts'

const ELM = '12D3KooWElm' as PeerId
const OPTIONS = { signal: new AbortController().signal }

/** Three peers with histories of their own; what each is asked goes over a network in memory. */
class World {
  readonly clock = new ManualClock()
  readonly #log = createTestLog()
  readonly #network = new MemoryNetwork({}, { clock: createSystemClock(), log: this.#log })
  readonly histories = new Map<PeerId, History>()
  /** How often each peer was asked. */
  readonly asked = new Map<PeerId, number>()
  /** Whose answer has come where it was asked for. */
  readonly heard = new Set<PeerId>()
  /** Who takes questions and gives no answer. */
  readonly silent = new Set<PeerId>()
  readonly #stops: (() => Promise<void>)[] = []

  /** A peer that has come just now. */
  async peer(self: PeerId): Promise<ClusterHistoryReader> {
    const history = new History({ clock: this.clock, views: () => [] })
    const transport = this.#network.transport(self)
    const control = new Control({ history } as unknown as ControlComponents)
    transport.handle('control', async channel => {
      this.asked.set(self, (this.asked.get(self) ?? 0) + 1)
      if (!this.silent.has(self)) return await control.serve(channel)
      await once(channel.signal, 'abort')
    })
    await Promise.all([history.start(), transport.start()])
    this.#stops.push(
      () => transport.stop(),
      () => history.stop()
    )
    this.histories.set(self, history)
    const others = (): readonly PeerId[] => [...this.histories.keys()].filter(peer => peer !== self)
    const open = async (protocol: 'control', peer: PeerId, options: { signal: AbortSignal }) => {
      const channel = await transport.open(protocol, peer, options)
      // Who has what it asked for gives the channel up.
      const abort = (reason: Error): void => {
        this.heard.add(peer)
        channel.abort(reason)
      }
      return { send: channel.send.bind(channel), receive: channel.receive.bind(channel), end: channel.end.bind(channel), abort }
    }
    return new ClusterHistoryReader({
      history,
      others,
      transport: { open } as unknown as Transport,
      clock: this.clock,
      log: this.#log
    })
  }

  count(self: PeerId, fn: string, { failed = false, totalMs = 10 } = {}): void {
    this.histories.get(self)?.count({ function: fn, totalMs, failed, cold: false })
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }
}

describe('the history of a cluster', () => {
  let world: World
  beforeEach(() => {
    world = new World()
  })
  afterEach(() => world.stop())

  it('tells the calls through all gateways, whichever is asked', async () => {
    const readers = [await world.peer(ATLAS), await world.peer(BIRCH)]
    for (const peer of [ATLAS, BIRCH, BIRCH]) world.count(peer, 'thumb')
    world.count(BIRCH, 'ocr', { failed: true, totalMs: 900 })
    world.clock.advance(5_000)
    for (const reader of readers) {
      const { functions, missing } = await reader.read({ sinceMs: 60_000, functions: true }, OPTIONS)
      const told = Object.fromEntries(functions.map(({ name, calls, failed }) => [name, { calls, failed }]))
      assert.deepEqual(told, { thumb: { calls: [3], failed: [0] }, ocr: { calls: [1], failed: [1] } })
      assert.equal(functions.find(({ name }) => name === 'ocr')?.latency[0]?.[latencyClass(900)], 1)
      assert.deepEqual(missing, [])
    }
  })

  it('asks each peer once a step, however many look', async () => {
    const reader = await world.peer(ATLAS)
    await world.peer(BIRCH)
    world.clock.advance(5_000)
    const look = (sinceMs: number) => reader.read({ sinceMs, functions: true }, OPTIONS)
    await Promise.all([look(60_000), look(300_000), look(900_000)])
    world.clock.advance(4_000)
    await look(300_000)
    assert.equal(world.asked.get(BIRCH), 1)
    world.clock.advance(1_000)
    await look(300_000)
    assert.equal(world.asked.get(BIRCH), 2)
  })

  it('asks nobody when no calls are wanted', async () => {
    const reader = await world.peer(ATLAS)
    await world.peer(BIRCH)
    assert.deepEqual((await reader.read({ sinceMs: 60_000, functions: false }, OPTIONS)).functions, [])
    assert.equal(world.asked.get(BIRCH), undefined)
  })

  it('names who does not answer in time, and tells what the others have', async () => {
    const reader = await world.peer(ATLAS)
    await world.peer(BIRCH)
    await world.peer(ELM)
    world.silent.add(ELM)
    world.count(BIRCH, 'thumb')
    world.clock.advance(5_000)
    const reading = reader.read({ sinceMs: 60_000, functions: true }, OPTIONS)
    await eventually('elm is asked, and birch has answered', () => world.asked.get(ELM) !== undefined && world.heard.has(BIRCH))
    world.clock.advance(1_000)
    const { functions, missing } = await reading
    assert.deepEqual([functions.map(({ name }) => name), missing], [['thumb'], [ELM]])
  })

  it('remembers, after a restart of the peer that is asked, what the others do', async () => {
    await world.peer(BIRCH)
    world.count(BIRCH, 'thumb')
    world.clock.advance(20_000)
    const reader = await world.peer(ATLAS)
    world.clock.advance(5_000)
    const { functions, steps } = await reader.read({ sinceMs: 60_000, functions: true }, OPTIONS)
    assert.deepEqual({ calls: functions[0]?.calls, steps }, { calls: [1, 0, 0, 0, 0], steps: 5 })
  })
})

describe('the sum of histories', () => {
  const counts = (index: number) => Array.from({ length: LATENCY_CLASSES_MS.length + 1 }, (_, i) => Number(i === index))

  it('lays their last steps over each other', () => {
    const [sum] = sumFunctions([
      { name: 'a', calls: [1, 2, 3], failed: [0, 1, 0], cold: [1, 0, 0], latency: [counts(0), counts(1), counts(2)] },
      { name: 'a', calls: [0, 4], failed: [0, 0], cold: [0, 2], latency: [null, counts(2)] }
    ])
    assert.deepEqual(
      [sum?.calls, sum?.failed, sum?.cold],
      [
        [1, 2, 7],
        [0, 1, 0],
        [1, 0, 2]
      ]
    )
    assert.deepEqual(
      sum?.latency.map(step => step?.slice(0, 3)),
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 2]
      ]
    )
  })

  it('keeps nothing known apart from nothing called', () => {
    const quiet = { name: 'a', calls: [0], failed: [0], cold: [0], latency: [null] }
    assert.deepEqual(sumFunctions([quiet, quiet]), [quiet])
    assert.deepEqual(newest([1, 2, 3], 2, 0), [2, 3])
    assert.deepEqual(newest([1], 3, null), [null, null, 1])
    assert.deepEqual(newest([1], 0, null), [])
  })
})

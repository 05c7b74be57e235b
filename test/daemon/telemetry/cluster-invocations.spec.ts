import assert from 'node:assert/strict'
import { once } from 'node:events'
import { ClusterInvocations } from '../../../src/daemon/telemetry/cluster-invocations.ts'
import { Control, type ControlComponents } from '../../../src/daemon/agreement/control.ts'
import { InvocationBook } from '../../../src/daemon/calls/invocation-book.ts'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import type { InvocationId, PeerId } from '../../../src/model/ids.ts'
import type { InvocationRecord } from '../../../src/model/invocation.ts'
import type { InvocationListing, InvocationQuery } from '../../../src/model/invocation-list.ts'
import type { Transport } from '../../../src/model/ports/transport.ts'
import { MemoryNetwork } from '../../../src/simulate/memory-transport.ts'
import { eventually } from '../../support/eventually.ts'
import { ATLAS, BIRCH, sampleInvocation } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { createTestLog } from '../../support/test-log.ts'

const ELM = '12D3KooWElm' as PeerId
const OPTIONS = { signal: new AbortController().signal }

/** Gateways with invocations of their own; what each is asked goes over a network in memory. */
class World {
  readonly clock = new ManualClock()
  readonly #log = createTestLog()
  readonly #network = new MemoryNetwork({}, { clock: createSystemClock(), log: this.#log })
  readonly #books = new Map<PeerId, InvocationBook>()
  readonly #readers = new Map<PeerId, ClusterInvocations>()
  readonly #stops: (() => Promise<void>)[] = []
  /** What each peer was asked, in order. */
  readonly asked = new Map<PeerId, InvocationQuery[]>()
  /** Whose answer has come to its end, or was given up. */
  readonly over = new Set<PeerId>()
  /** Who takes questions and gives no answer. */
  readonly silent = new Set<PeerId>()

  async start(...peers: readonly PeerId[]): Promise<void> {
    for (const self of peers) {
      const book = new InvocationBook({ clock: this.clock })
      const transport = this.#network.transport(self)
      const control = new Control({ book } as unknown as ControlComponents)
      this.asked.set(self, [])
      transport.handle('control', async channel => {
        const receive = async () => {
          const request = await channel.receive()
          if (request?.type === 'invocations') this.asked.get(self)?.push(request.query)
          return request
        }
        if (!this.silent.has(self))
          return await control.serve({
            ...channel,
            signal: channel.signal,
            remote: channel.remote,
            receive,
            send: channel.send.bind(channel),
            end: channel.end.bind(channel),
            abort: channel.abort.bind(channel)
          })
        await receive()
        await once(channel.signal, 'abort')
      })
      await transport.start()
      this.#stops.push(() => transport.stop())
      this.#books.set(self, book)
      this.#readers.set(self, new ClusterInvocations({ book, transport: this.#noting(transport), clock: this.clock, log: this.#log }))
    }
  }

  /** The transport, as far as questions need it; it is noted when one is over. */
  #noting(transport: Transport): Transport {
    const open: Transport['open'] = async (protocol, peer, options) => {
      const channel = await transport.open(protocol, peer, options)
      return {
        remote: channel.remote,
        signal: channel.signal,
        send: message => channel.send(message),
        receive: () => channel.receive(),
        end: () => channel.end(),
        abort: reason => {
          this.over.add(peer)
          channel.abort(reason)
        }
      }
    }
    return { self: transport.self, open } as unknown as Transport
  }

  /** A call that came to `gateway` in the second `at` of the day. */
  called(gateway: PeerId, at: number, change: Partial<InvocationRecord> = {}): void {
    const acceptedAt = new Date(Date.UTC(2026, 10, 22) + at * 1_000).toISOString()
    this.#books.get(gateway)?.open(sampleInvocation({ id: `i-${at}` as InvocationId, gateway, acceptedAt, ...change }))
  }

  async list(query: Partial<InvocationQuery> = {}, gateways: readonly PeerId[] = [...this.#books.keys()]): Promise<InvocationListing> {
    const reader = this.#readers.get(ATLAS)
    if (reader === undefined) throw new Error('atlas has not started')
    return await reader.list({ limit: 100, ...query }, gateways, OPTIONS)
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }
}

const idsOf = ({ items }: InvocationListing): readonly string[] => items.map(({ id }) => id)

describe('the invocations of a cluster', () => {
  let world: World
  beforeEach(() => {
    world = new World()
  })
  afterEach(() => world.stop())

  it('are those through all gateways, the newest first, up to the limit', async () => {
    await world.start(ATLAS, BIRCH, ELM)
    world.called(BIRCH, 1)
    world.called(ATLAS, 2, { function: 'ocr' })
    world.called(ELM, 3, { state: 'failed' })
    world.called(BIRCH, 4)
    assert.deepEqual(idsOf(await world.list()), ['i-4', 'i-3', 'i-2', 'i-1'])
    assert.deepEqual(idsOf(await world.list({ limit: 2 })), ['i-4', 'i-3'])
    assert.deepEqual(idsOf(await world.list({ function: 'thumb', state: 'succeeded' })), ['i-4', 'i-1'])
  })

  it('are those of one gateway where only that is wanted, and nobody else is asked', async () => {
    await world.start(ATLAS, BIRCH, ELM)
    world.called(ATLAS, 1)
    world.called(BIRCH, 2)
    assert.deepEqual(idsOf(await world.list({}, [ATLAS])), ['i-1'])
    assert.deepEqual(idsOf(await world.list({}, [BIRCH])), ['i-2'])
    assert.deepEqual([world.asked.get(BIRCH)?.length, world.asked.get(ELM)?.length], [1, 0])
  })

  it('names who does not answer in time, and tells what the others have', async () => {
    await world.start(ATLAS, BIRCH, ELM)
    world.silent.add(ELM)
    world.called(BIRCH, 1)
    const listing = world.list()
    await eventually('elm is asked, and birch is done', () => world.asked.get(ELM)?.length !== 0 && world.over.has(BIRCH))
    world.clock.advance(1_000)
    const { missing, ...told } = await listing
    assert.deepEqual([idsOf({ missing, ...told }), missing], [['i-1'], [ELM]])
  })

  it('asks each peer once for all who ask the same at once', async () => {
    await world.start(ATLAS, BIRCH)
    await Promise.all([world.list(), world.list(), world.list({ limit: 5 })])
    assert.deepEqual(
      world.asked.get(BIRCH)?.map(({ limit }) => limit),
      [100, 5]
    )
  })

  it('asks only for what is newer than the end of the last list, and misses nothing by that', async () => {
    await world.start(ATLAS, BIRCH, ELM)
    for (let at = 10; at < 20; at++) world.called(at % 2 === 0 ? BIRCH : ELM, at)
    assert.deepEqual(idsOf(await world.list({ limit: 3 })), ['i-19', 'i-18', 'i-17'])
    world.called(BIRCH, 20)
    assert.deepEqual(idsOf(await world.list({ limit: 3 })), ['i-20', 'i-19', 'i-18'])
    assert.deepEqual(
      world.asked.get(ELM)?.map(({ since }) => since),
      [undefined, '2026-11-22T00:00:17.000Z']
    )
  })

  it('asks for all again where an older call can come to the list: it has room, is of one state, or was not looked at for long', async () => {
    await world.start(ATLAS, BIRCH)
    for (let at = 10; at < 20; at++) world.called(BIRCH, at, { state: 'running' })
    for (const query of [{ limit: 50 }, { limit: 3, state: 'running' } as const]) {
      await world.list(query)
      await world.list(query)
    }
    await world.list({ limit: 4 })
    world.clock.advance(10_000)
    await world.list({ limit: 4 })
    assert.deepEqual(
      world.asked.get(BIRCH)?.map(({ since }) => since),
      Array.from({ length: 6 }, () => undefined)
    )
  })
})

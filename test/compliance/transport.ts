import assert from 'node:assert/strict'
import type { ConsensusMessage } from '../../src/model/consensus.ts'
import { CaresError } from '../../src/model/errors.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { ExecuteDown, ExecuteUp } from '../../src/model/invocation.ts'
import type { Channel, Transport, TransportEvents } from '../../src/model/ports/transport.ts'
import { eventually } from '../support/eventually.ts'
import { chunk, sampleCall, sampleDigest, sampleHeartbeat } from '../support/messages.ts'

/** Transports that can reach each other. */
export interface TransportWorld {
  /** One more, not started. */
  create(): Promise<Transport>
  /** A peer id that nobody has. */
  nobody(): Promise<PeerId>
}

type Server = Channel<ExecuteDown, ExecuteUp>

const MIB = 1_048_576
const CHUNK_BYTES = 65_536

/** Waits in these tests are for events; this bounds them. */
const within = (ms = 8_000): AbortSignal => AbortSignal.timeout(ms)

/** The arguments of the next such event that fits. */
function next<Name extends keyof TransportEvents>(
  transport: Transport,
  event: Name,
  fits: (...args: Parameters<TransportEvents[Name]>) => boolean = () => true
): Promise<Parameters<TransportEvents[Name]>> {
  const { promise, resolve, reject } = Promise.withResolvers<Parameters<TransportEvents[Name]>>()
  const done = new AbortController()
  const limit = within()
  limit.addEventListener('abort', () => reject(new Error(`no ${event} in time`)), { signal: done.signal })
  const listener = (...args: Parameters<TransportEvents[Name]>): void => {
    if (!fits(...args)) return
    done.abort()
    resolve(args)
  }
  transport.on(event, listener as TransportEvents[Name], { signal: done.signal })
  return promise
}

const coded =
  (code: string, message = /./) =>
  (error: unknown) =>
    error instanceof CaresError && error.code === code && message.test(error.message)

const introduce = (transports: readonly Transport[]): void => {
  const members = transports.map(transport => ({ id: transport.self, addresses: transport.addresses() }))
  for (const transport of transports) transport.setMembers(members)
}

async function readAll(channel: Pick<Server, 'receive'>, onMessage: (message: ExecuteUp) => void = () => {}): Promise<number> {
  let bytes = 0
  for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
    onMessage(message)
    if (message.type === 'body') bytes += message.chunk.length
  }
  return bytes
}

/** What every Transport must do, whatever carries it. */
export function transportCompliance(name: string, newWorld: () => Promise<TransportWorld>): void {
  describe(`transport: ${name}`, () => {
    let world: TransportWorld
    let all: Transport[] = []

    const started = async (count: number): Promise<Transport[]> => {
      const transports = await Promise.all(Array.from({ length: count }, () => world.create()))
      all.push(...transports)
      await Promise.all(transports.map(transport => transport.start()))
      return transports
    }
    const meshed = async (count: number): Promise<Transport[]> => {
      const transports = await started(count)
      introduce(transports)
      await eventually('a full mesh', () => transports.every(transport => transport.connected().length === count - 1))
      return transports
    }
    const pair = async (): Promise<[Transport, Transport]> => (await meshed(2)) as [Transport, Transport]

    beforeEach(async () => {
      world = await newWorld()
      all = []
    })
    afterEach(async () => {
      await Promise.all(all.map(transport => transport.stop()))
    })

    it('carries an exchange both ways, and ends it when both sides have', async () => {
      const [a, b] = await pair()
      const served = Promise.withResolvers<AbortSignal>()
      b.handle('execute', async (channel: Server) => {
        assert.equal(channel.remote, a.self)
        await readAll(channel, message => void channel.send(message as ExecuteDown))
        served.resolve(channel.signal)
      })
      const channel = await a.open('execute', b.self, { signal: within() })
      assert.equal(channel.remote, b.self)
      await channel.send(chunk(Buffer.from('one')))
      await channel.send(chunk(Buffer.from('two')))
      channel.end()
      const answers = [await channel.receive(), await channel.receive()].map(
        message => message?.type === 'body' && Buffer.from(message.chunk).toString()
      )
      assert.deepEqual(answers, ['one', 'two'])
      assert.equal(await channel.receive(), undefined)
      assert.equal(await channel.receive(), undefined, 'and again')
      assert.equal(channel.signal.aborted, false)
      assert.equal((await served.promise).aborted, false)
    })

    it('carries 10 MiB each way, and a slow reader holds the sender back', async () => {
      const [a, b] = await pair()
      const reading = Promise.withResolvers<void>()
      const total = 10 * MIB
      b.handle('execute', async channel => {
        await reading.promise
        assert.equal(await readAll(channel), total)
        for (let sent = 0; sent < total; sent += CHUNK_BYTES) await channel.send(chunk(new Uint8Array(CHUNK_BYTES)))
      })
      const channel = await a.open('execute', b.self, { signal: within() })
      let accepted = 0
      const upload = async (): Promise<void> => {
        for (; accepted < total; accepted += CHUNK_BYTES) await channel.send(chunk(new Uint8Array(CHUNK_BYTES)))
        channel.end()
      }
      const uploaded = upload()
      await eventually('the window is full', () => accepted >= 4 * CHUNK_BYTES - CHUNK_BYTES)
      // Everything that a sender without a window would have pushed out by now.
      await new Promise(resolve => setTimeout(resolve, 50))
      assert.ok(accepted <= MIB, `accepted ${accepted} bytes that nobody reads`)
      reading.resolve()
      await uploaded
      assert.equal(await readAll(channel as unknown as Server), total)
    })

    it('splits a body chunk that is larger than one message', async () => {
      const [a, b] = await pair()
      b.handle('execute', async channel => {
        const sizes: number[] = []
        await readAll(channel, message => void (message.type === 'body' && sizes.push(message.chunk.length)))
        await channel.send(chunk(Uint8Array.from(sizes, size => (size <= CHUNK_BYTES ? 1 : 0))))
      })
      const channel = await a.open('execute', b.self, { signal: within() })
      await channel.send(chunk(new Uint8Array(3 * CHUNK_BYTES + 1)))
      channel.end()
      assert.deepEqual(await channel.receive(), chunk(Uint8Array.of(1, 1, 1, 1)))
    })

    it('carries 200 exchanges at once, none in the way of another', async () => {
      const [a, b] = await pair()
      const release = Promise.withResolvers<void>()
      let arrived = 0
      b.handle('execute', async channel => {
        const message = await channel.receive()
        arrived += 1
        await release.promise
        await channel.send(message as ExecuteDown)
      })
      const calls = Array.from({ length: 200 }, async (_, i) => {
        const channel = await a.open('execute', b.self, { signal: within() })
        await channel.send(chunk(Uint8Array.of(i)))
        channel.end()
        assert.deepEqual(await channel.receive(), chunk(Uint8Array.of(i)))
        assert.equal(await channel.receive(), undefined)
      })
      await eventually('all have arrived', () => arrived === 200)
      release.resolve()
      await Promise.all(calls)
    })

    it('lets a short exchange pass a long one', async () => {
      const [a, b] = await pair()
      b.handle('execute', async channel => {
        const first = await channel.receive()
        if (first?.type === 'body' && first.chunk.length === 1) await channel.send(first)
        else await readAll(channel)
      })
      const long = await a.open('execute', b.self, { signal: within() })
      let sent = 0
      const over = new AbortController()
      const flood = async (): Promise<void> => {
        for (; !over.signal.aborted; sent += 1) await long.send(chunk(new Uint8Array(CHUNK_BYTES)))
        long.end()
      }
      const flooding = flood()
      await eventually('the long one flows', () => sent > 8)
      const short = await a.open('execute', b.self, { signal: within(2_000) })
      await short.send(chunk(Uint8Array.of(7)))
      assert.deepEqual(await short.receive(), chunk(Uint8Array.of(7)))
      over.abort()
      await flooding
    })

    it('tells the server when the dialler aborts, with code and message', async () => {
      const [a, b] = await pair()
      const arrived = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<unknown>()
      b.handle('execute', async channel => {
        await channel.receive()
        arrived.resolve()
        channel.signal.addEventListener('abort', () => ended.resolve(channel.signal.reason))
        await channel.receive()
      })
      const channel = await a.open('execute', b.self, { signal: within() })
      await channel.send({ type: 'end' })
      await arrived.promise
      const reason = new CaresError('cancelled', 'the client went away', { hint: 'come back', details: { after: 3 } })
      channel.abort(reason)
      const seen = await ended.promise
      assert.ok(seen instanceof CaresError)
      assert.deepEqual([seen.code, seen.message, seen.hint, seen.details], ['cancelled', 'the client went away', 'come back', { after: 3 }])
      await assert.rejects(channel.receive(), reason)
      await assert.rejects(channel.send({ type: 'end' }), reason)
      assert.equal(channel.signal.reason, reason)
    })

    it('tells the dialler when the server fails, after everything that came before', async () => {
      const [a, b] = await pair()
      b.handle('execute', async channel => {
        await channel.send({ type: 'accepted' })
        assert.equal((await channel.receive())?.type, 'end')
        throw new CaresError('no_capacity', 'no room', { retryable: true })
      })
      const channel = await a.open('execute', b.self, { signal: within() })
      await channel.send({ type: 'end' })
      await new Promise(resolve => channel.signal.addEventListener('abort', resolve))
      assert.deepEqual(await channel.receive(), { type: 'accepted' })
      await assert.rejects(channel.receive(), coded('no_capacity', /^no room$/))
      await assert.rejects(channel.send({ type: 'end' }), (error: CaresError) => error.retryable)
    })

    it('answers a defect of a handler with internal, and goes on', async () => {
      const [a, b] = await pair()
      b.handle('execute', async channel => {
        await channel.receive()
        throw new RangeError('a defect')
      })
      for (const _ of [1, 2]) {
        const channel = await a.open('execute', b.self, { signal: within() })
        await channel.send({ type: 'end' })
        await assert.rejects(channel.receive(), coded('internal', /a defect/))
      }
    })

    it('drops what comes after the handler has returned, so that the sender can end', async () => {
      const [a, b] = await pair()
      b.handle('execute', async channel => channel.send({ type: 'accepted' }))
      const channel = await a.open('execute', b.self, { signal: within() })
      for (let sent = 0; sent < MIB; sent += CHUNK_BYTES) await channel.send(chunk(new Uint8Array(CHUNK_BYTES)))
      channel.end()
      assert.deepEqual(await channel.receive(), { type: 'accepted' })
      assert.equal(await channel.receive(), undefined)
    })

    it('refuses a message that is too large, and one that breaks a limit, at the sender', async () => {
      const [a, b] = await pair()
      b.handle('invoke', async channel => void (await channel.receive()))
      const channel = await a.open('invoke', b.self, { signal: within() })
      const call = sampleCall()
      assert.ok(call.type === 'call')
      const headers = Array.from({ length: 300 }, (_, i) => [`h${i}`, 'x'] as const)
      await assert.rejects(channel.send({ ...call, headers }), coded('invalid', /headers/))
      await assert.rejects(channel.send({ ...call, function: 'f'.repeat(MIB) }), coded('invalid', /function/))
      await channel.send(call)
      channel.end()
      assert.equal(await channel.receive(), undefined, 'the exchange goes on')
    })

    it('refuses a protocol that nobody serves', async () => {
      const [a, b] = await pair()
      const channel = await a.open('control', b.self, { signal: within() })
      await assert.rejects(channel.receive(), coded('incompatible'))
    })

    it('loses the exchanges with a peer that dies, on both sides', async () => {
      const [a, b] = await pair()
      const server = Promise.withResolvers<Server>()
      b.handle('execute', async channel => {
        server.resolve(channel)
        await channel.receive()
        await channel.receive()
      })
      const channel = await a.open('execute', b.self, { signal: within() })
      await channel.send({ type: 'end' })
      const served = await server.promise
      const gone = next(a, 'disconnected')
      await b.stop()
      await assert.rejects(channel.receive(), coded('peer_lost'))
      await assert.rejects(channel.send({ type: 'end' }), coded('peer_lost'))
      assert.equal((channel.signal.reason as CaresError).code, 'peer_lost')
      assert.ok(served.signal.aborted)
      assert.deepEqual(await gone, [b.self])
      assert.deepEqual(a.connected(), [])
    })

    it('has exchanges with itself', async () => {
      const [a] = (await started(1)) as [Transport]
      a.handle('execute', async channel => {
        assert.equal(channel.remote, a.self)
        assert.equal(await readAll(channel), MIB)
        await channel.send({ type: 'accepted' })
      })
      const channel = await a.open('execute', a.self, { signal: within() })
      for (let sent = 0; sent < MIB; sent += CHUNK_BYTES) await channel.send(chunk(new Uint8Array(CHUNK_BYTES)))
      channel.end()
      assert.deepEqual(await channel.receive(), { type: 'accepted' })
      assert.equal(await channel.receive(), undefined)
      assert.deepEqual(a.connected(), [])
    })

    it('says that a peer cannot be reached, and what the caller gave up with', async () => {
      const [a] = (await started(1)) as [Transport]
      const nobody = await world.nobody()
      await assert.rejects(a.open('control', nobody, { signal: within(3_000) }), coded('peer_unreachable'))
      const reason = new CaresError('cancelled', 'given up')
      await assert.rejects(a.open('control', nobody, { signal: AbortSignal.abort(reason) }), reason)
    })

    it('tells of the first connection and of the last', async () => {
      const [a, b] = (await started(2)) as [Transport, Transport]
      const both = [next(a, 'connected'), next(b, 'connected')]
      introduce([a, b])
      assert.deepEqual(await Promise.all(both), [[b.self], [a.self]])
      assert.deepEqual(a.connected(), [b.self])
      const gone = next(b, 'disconnected')
      await a.stop()
      assert.deepEqual(await gone, [a.self])
    })

    it('stops telling a listener whose signal aborts', async () => {
      const [a, b] = await pair()
      const heard: number[] = []
      const off = new AbortController()
      b.on('consensus', (_, { term }) => heard.push(term), { signal: off.signal })
      const hear = async (term: number): Promise<unknown> => {
        const heard = next(b, 'consensus', (_, message) => message.term === term)
        a.sendConsensus(b.self, { type: 'timeout-now', term })
        return heard
      }
      await hear(1)
      off.abort()
      await hear(2)
      assert.deepEqual(heard, [1])
    })

    it('carries consensus messages in order, and says who sent them', async () => {
      const [a, b] = await pair()
      const heard: ConsensusMessage[] = []
      b.on('consensus', (from, message) => void (from === a.self && heard.push(message)), { signal: within() })
      const entry = { index: 5, term: 2, kind: 'command', command: Uint8Array.of(1, 2, 3) } as const
      const sent: ConsensusMessage[] = Array.from({ length: 100 }, (_, round) => ({
        type: 'append-request',
        term: 2,
        prevIndex: 4,
        prevTerm: 1,
        entries: [entry],
        commit: 4,
        round
      }))
      for (const message of sent) a.sendConsensus(b.self, message)
      await eventually('all are heard', () => heard.length === sent.length)
      assert.deepEqual(heard, sent)
    })

    it('carries the largest chunk of a snapshot', async () => {
      const [a, b] = await pair()
      const snapshot = { index: 9, term: 2, configuration: { voters: [a.self], learners: [b.self] } }
      const data = new Uint8Array(MIB).fill(7)
      const offer = { snapshot, bytes: 9 * MIB, checksum: 1 }
      const message: ConsensusMessage = { type: 'snapshot-request', term: 2, round: 1, ...offer, offset: MIB, data, dataChecksum: 2 }
      const heard = next(b, 'consensus')
      a.sendConsensus(b.self, message)
      assert.deepEqual(await heard, [a.self, message])
    })

    it('drops what it sends to a peer that is gone, and does not throw', async () => {
      const [a, b] = await pair()
      const gone = next(a, 'disconnected')
      await b.stop()
      await gone
      a.sendConsensus(b.self, { type: 'timeout-now', term: 1 })
      a.sendReport(b.self, sampleHeartbeat(a.self))
      a.sendConsensus(await world.nobody(), { type: 'timeout-now', term: 1 })
    })

    it('reports to one peer only', async () => {
      const [a, b, c] = (await meshed(3)) as [Transport, Transport, Transport]
      let strangers = 0
      c.on('heartbeat', () => void (strangers += 1), { signal: within() })
      const heard = next(b, 'heartbeat')
      a.sendReport(b.self, sampleHeartbeat(a.self, 5))
      assert.deepEqual(await heard, [a.self, sampleHeartbeat(a.self, 5), 'report'])
      assert.equal(strangers, 0)
    })

    it('gossips heartbeats and digests to all others, and refuses those in the name of another', async () => {
      const [a, b, c] = (await meshed(3)) as [Transport, Transport, Transport]
      const heard = [b, c].flatMap(peer => [
        next(peer, 'heartbeat', (_, { stats }) => stats.seq > 0),
        next(peer, 'digest', (_, { seq }) => seq > 0)
      ])
      const forged: string[] = []
      for (const peer of [b, c])
        peer.on('heartbeat', (from, { profile }) => void (profile.id !== from && forged.push(from)), { signal: within() })
      // The mesh of topics forms after the connections: what nobody hears yet is said again, as in production.
      let seq = 0
      const speaking = setInterval(() => {
        seq += 1
        a.publishHeartbeat(sampleHeartbeat(b.self, seq))
        a.publishHeartbeat(sampleHeartbeat(a.self, seq))
        a.publishDigest(sampleDigest(a.self, seq))
      }, 100)
      try {
        for (const args of await Promise.all(heard)) assert.equal(args[0], a.self)
      } finally {
        clearInterval(speaking)
      }
      assert.deepEqual(forged, [])
    })
  })
}

import assert from 'node:assert/strict'
import { BLOCK_BYTES } from '../../../src/daemon/images/archive.ts'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { Images } from '../../../src/daemon/images/images.ts'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { Digest, PeerId } from '../../../src/model/ids.ts'
import type { ImageDown, ImageUp } from '../../../src/model/image-transfer.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import type { Runtime } from '../../../src/model/ports/runtime.ts'
import type { Channel, Transport } from '../../../src/model/ports/transport.ts'
import { createRandom } from '../../../src/model/random.ts'
import { MemoryNetwork } from '../../../src/simulate/memory-transport.ts'
import { eventually } from '../../support/eventually.ts'
import { sampleFunction } from '../../support/samples.ts'
import { createTestLog } from '../../support/test-log.ts'
import { createMemorySpool } from '../../support/memory-spool.ts'

const FN = sampleFunction({ digest: 'sha256:the-image' as Digest })
const ARCHIVE = Buffer.alloc(4 * BLOCK_BYTES + 7, 'the image, ')
const { signal } = new AbortController()

/** Whether the engine's next block may come; a test opens it. */
interface Gate {
  readonly open: () => void
  readonly passed: Promise<void>
}

function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, passed: promise }
}

class Peer {
  readonly id: PeerId
  readonly images: Images
  readonly transport: Transport
  /** What the engine holds. */
  engine: Buffer | undefined
  exported = 0
  /** Whether its statistics say what it has. */
  tells = true
  /** How often it was asked for an image. */
  asked = 0
  /** To whom it has sent an archive. */
  readonly sentTo: PeerId[] = []
  /** Blocks after the first wait for it. */
  gate: Gate | undefined
  readonly known: PeerId[] = []

  constructor(id: string, world: World) {
    this.id = id as PeerId
    this.transport = world.network.transport(this.id)
    const runtime: Pick<Runtime, 'exportImage' | 'importImage'> = {
      exportImage: async () => {
        if (this.engine === undefined) throw new CaresError('image_not_found', 'it is not here')
        this.exported++
        return this.#write(this.engine)
      },
      importImage: async (_, archive) => {
        const came = Buffer.concat(await Array.fromAsync(archive))
        if (!came.equals(ARCHIVE)) throw new CaresError('image_not_found', 'another image came')
        this.engine = came
      }
    }
    this.images = new Images({
      runtime: runtime as Runtime,
      transport: this.transport,
      spool: createMemorySpool(),
      directory: { provide: () => {}, providers: async () => this.known },
      views: () => world.peers.map(peer => peer.#view()),
      events: new EventLog(world),
      clock: world.clock,
      log: createTestLog(),
      random: createRandom(world.peers.length),
      stopping: world.stopping.signal,
      onArrived: () => {}
    })
    this.transport.handle('image', async channel => this.images.serve(this.#noting(channel)))
  }

  bring(): Promise<boolean> {
    return this.images.bring(FN, { signal })
  }

  async *#write(archive: Buffer): AsyncGenerator<Uint8Array, void> {
    yield archive.subarray(0, BLOCK_BYTES)
    await this.gate?.passed
    for (let at = BLOCK_BYTES; at < archive.length; at += BLOCK_BYTES) yield archive.subarray(at, at + BLOCK_BYTES)
  }

  #noting(channel: Channel<ImageDown, ImageUp>): Channel<ImageDown, ImageUp> {
    const { remote } = channel
    this.asked++
    return {
      remote,
      signal: channel.signal,
      receive: () => channel.receive(),
      end: () => channel.end(),
      abort: reason => channel.abort(reason),
      send: message => {
        if (message.type === 'head') this.sentTo.push(remote)
        return channel.send(message)
      }
    }
  }

  #view(): PeerView {
    const has = this.tells && this.engine !== undefined
    return {
      profile: { id: this.id, runtime: 'docker' },
      stats: { images: has ? [FN.digest] : [] },
      state: 'alive',
      ageMs: 0
    } as unknown as PeerView
  }
}

class World {
  readonly clock = createSystemClock()
  readonly network = new MemoryNetwork({}, { clock: this.clock, log: createTestLog() })
  readonly stopping = new AbortController()
  readonly peers: Peer[] = []

  async add(...names: string[]): Promise<Peer[]> {
    const added = names.map(name => new Peer(name, this))
    this.peers.push(...added)
    for (const { transport } of added) await transport.start()
    for (const { transport } of added) transport.setMembers(this.peers.map(({ id }) => ({ id, addresses: [] })))
    return added
  }

  async stop(): Promise<void> {
    this.stopping.abort(new CaresError('stopping', 'the test is over'))
    for (const { transport } of this.peers) await transport.stop()
  }
}

describe('images between peers', () => {
  let world: World

  beforeEach(() => {
    world = new World()
  })
  afterEach(() => world.stop())

  it('go over every link once when many need them at the same time', async () => {
    const [holder, ...takers] = (await world.add('holder', 'a', 'b', 'c', 'd', 'e', 'f')) as [Peer, ...Peer[]]
    holder.engine = ARCHIVE
    holder.gate = createGate()
    const brought = takers.map(taker => taker.bring())
    // Everyone has begun before the engine has written half of it.
    await eventually('as many transfers as takers', () => world.peers.reduce((sum, { sentTo }) => sum + sentTo.length, 0) === takers.length)
    holder.gate.open()
    assert.deepEqual(
      await Promise.all(brought),
      takers.map(() => true)
    )
    assert.equal(holder.exported, 1)
    for (const { id, sentTo } of world.peers) assert.ok(sentTo.length <= 1, `${id} sent to ${sentTo.join(', ')}`)
  })

  it('come from where they were lost, and nothing that is here is sent again', async () => {
    const [holder, middle, last] = (await world.add('holder', 'middle', 'last')) as [Peer, Peer, Peer]
    holder.engine = ARCHIVE
    holder.gate = createGate()
    const first = middle.bring()
    await eventually('the holder sends', () => holder.sentTo.length === 1)
    const second = last.bring()
    await eventually('the middle one sends', () => middle.sentTo.length === 1)
    world.network.cut('middle' as PeerId, 'last' as PeerId)
    // It is sent nothing yet if it has as much as the holder: all that the gate has let through.
    const { asked } = holder
    await eventually('the holder is asked again', () => holder.asked > asked)
    holder.gate.open()
    assert.deepEqual(await Promise.all([first, second]), [true, true])
    assert.ok(holder.sentTo.includes(last.id), 'it came another way')
    assert.equal(holder.exported, 1, 'it was written anew for the one who came back')
  })

  it('are taken from the next peer when the archive of the first is not the image', async () => {
    const [liar, taker] = (await world.add('liar', 'taker')) as [Peer, Peer]
    liar.engine = Buffer.from('not what it says')
    assert.equal(await taker.bring(), false)
    const [honest] = (await world.add('honest')) as [Peer]
    honest.engine = ARCHIVE
    liar.engine = undefined
    assert.equal(await taker.bring(), true)
  })

  it('are found by the directory before the peers that say nothing', async () => {
    const [taker, , knows] = (await world.add('taker', 'a', 'knows', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')) as [Peer, Peer, Peer]
    knows.engine = ARCHIVE
    knows.tells = false
    taker.known.push(knows.id)
    assert.equal(await taker.bring(), true)
    assert.deepEqual(
      world.peers.filter(({ asked }) => asked > 0).map(({ id }) => id),
      [knows.id]
    )
  })

  it('are asked for once by all calls that wait for them, whoever gives up', async () => {
    const [holder, taker] = (await world.add('holder', 'taker')) as [Peer, Peer]
    holder.engine = ARCHIVE
    holder.gate = createGate()
    const impatient = new AbortController()
    const gaveUp = assert.rejects(taker.images.bring(FN, { signal: impatient.signal }), { code: 'timeout' })
    const waits = taker.bring()
    await eventually('the holder sends', () => holder.sentTo.length === 1)
    impatient.abort(new CaresError('timeout', 'no time'))
    await gaveUp
    holder.gate.open()
    assert.equal(await waits, true)
    assert.equal(holder.exported, 1)
  })

  it('are nowhere', async () => {
    const [taker] = (await world.add('taker', 'a', 'b')) as [Peer]
    assert.equal(await taker.bring(), false)
  })
})

/**
 * What an image takes between peers: one process each, over loopback, with stores in memory instead of engines, so that the network is what is
 * measured; the engines' own share is in image-engines.ts. First to one peer, then to several that need it at the same moment, each twice: peers
 * live long, so it is the second time that counts. Beside it what its parts cost by themselves, and what the processors of this machine allow: all
 * peers share them. `--rate` bounds what every peer can send, as a link would: there the way through the peers shows without the processors.
 * `npx node scripts/bench/images.ts [--mib 128] [--peers 6] [--rate MB_PER_S] [--private]`
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { EventLog } from '../../src/daemon/telemetry/event-log.ts'
import { Images } from '../../src/daemon/images/images.ts'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { CaresError } from '../../src/model/errors.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { ImageDown, ImageUp } from '../../src/model/image-transfer.ts'
import type { PeerView } from '../../src/model/peer.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import type { Runtime } from '../../src/model/ports/runtime.ts'
import type { Channel } from '../../src/model/ports/transport.ts'
import { createRandom } from '../../src/model/random.ts'
import { generateIdentity } from '../../src/network/identity.ts'
import { createLibp2pTransport } from '../../src/network/libp2p-transport.ts'
import { createSpool } from '../../src/store/spool-files.ts'
import { type Floor, fileFloor, hashFloor, sendFloor } from './image-floors.ts'

/** As the launcher starts a peer. */
const PEER_OPTIONS = ['--max-semi-space-size=8', '--expose-gc']
const ROUNDS = 2
const CHUNK_BYTES = 65_536
const SECRET = 'kQ7mC0q5l5sQf3S9vQ0m7w1Zk3n8b2x4y6z8A0C2E4G'

interface Address {
  readonly id: PeerId
  readonly addresses: readonly string[]
}

type Ask =
  | { type: 'members'; members: readonly Address[]; holder: PeerId }
  | { type: 'bring'; digest: Digest }
  | { type: 'cpu' }
  | { type: 'stop' }
type Tell = { type: 'ready'; address: Address } | { type: 'brought'; ms: number } | { type: 'cpu'; ms: number } | { type: 'meshed' }

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => silent }
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '128' },
    peers: { type: 'string', default: '6' },
    rate: { type: 'string' },
    private: { type: 'boolean', default: false }
  }
})
const bytes = Number(values.mib) * 2 ** 20
const rate = values.rate === undefined ? undefined : Number(values.rate) * 1e6

/** A store that writes an archive as fast as it is read, and takes one in as fast as it comes. */
function memoryStore(has: () => boolean): Runtime {
  const chunk = new Uint8Array(CHUNK_BYTES).map((_, i) => i)
  const store: Pick<Runtime, 'exportImage' | 'importImage'> = {
    exportImage: async () => {
      if (!has()) throw new CaresError('image_not_found', 'no such image')
      return (async function* () {
        for (let sent = 0; sent < bytes; sent += CHUNK_BYTES) yield chunk
      })()
    },
    importImage: async (_, archive) => {
      let taken = 0
      for await (const part of archive) taken += part.length
      if (taken !== bytes) throw new Error(`${taken} bytes came instead of ${bytes}`)
    }
  }
  return store as Runtime
}

/** Lets a channel send no more than the link carries; all channels of a peer share it. */
function throughLink(channel: Channel<ImageDown, ImageUp>, link: { freeAtMs: number }): Channel<ImageDown, ImageUp> {
  if (rate === undefined) return channel
  return {
    signal: channel.signal,
    remote: channel.remote,
    receive: () => channel.receive(),
    end: () => channel.end(),
    abort: (reason: Error) => channel.abort(reason),
    send: async (message: ImageDown) => {
      if (message.type === 'body') {
        link.freeAtMs = Math.max(link.freeAtMs, performance.now()) + (message.chunk.length / rate) * 1_000
        const waitMs = link.freeAtMs - performance.now()
        if (waitMs > 5) await new Promise(resolve => setTimeout(resolve, waitMs))
      }
      await channel.send(message)
    }
  }
}

/** One peer, in a process of its own. */
async function serve(): Promise<void> {
  const clock = createSystemClock()
  const { privateKey } = await generateIdentity()
  const init = { privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], ...(values.private ? { secret: SECRET } : {}) }
  const transport = await createLibp2pTransport(init, { clock, log: silent })
  await transport.start()
  const folder = await mkdtemp(join(tmpdir(), 'cares-bench-images-'))
  let views: readonly PeerView[] = []
  let holder: PeerId | undefined
  const images = new Images({
    runtime: memoryStore(() => holder === transport.self),
    transport,
    spool: createSpool(folder),
    directory: undefined,
    views: () => views,
    events: new EventLog({ clock }),
    clock,
    log: silent,
    random: createRandom(process.pid),
    stopping: new AbortController().signal,
    onArrived: () => {}
  })
  const link = { freeAtMs: 0 }
  transport.handle('image', channel => images.serve(throughLink(channel, link)))
  const tell = (message: Tell): void => void process.send?.(message)
  // The parent has ended, whatever the reason: nobody measures any more.
  process.on('disconnect', () => process.exit(1))
  process.on('message', (ask: Ask) => {
    void (async () => {
      if (ask.type === 'members') {
        holder = ask.holder
        transport.setMembers(ask.members)
        views = ask.members.map(({ id }) => viewOf(id, id === ask.holder))
        while (transport.connected().length < ask.members.length - 1) await new Promise(resolve => setTimeout(resolve, 20))
        tell({ type: 'meshed' })
      } else if (ask.type === 'bring') {
        const startMs = performance.now()
        const fn = { name: 'bench', digest: ask.digest, imageBytes: bytes } as FunctionRecord
        if (!(await images.bring(fn, { signal: new AbortController().signal }))) throw new Error('it was not brought')
        tell({ type: 'brought', ms: performance.now() - startMs })
      } else if (ask.type === 'cpu') {
        const { user, system } = process.cpuUsage()
        tell({ type: 'cpu', ms: (user + system) / 1_000 })
      } else {
        await transport.stop()
        await rm(folder, { recursive: true })
        process.exit(0)
      }
    })()
  })
  tell({ type: 'ready', address: { id: transport.self, addresses: transport.addresses() } })
}

function viewOf(id: PeerId, has: boolean): PeerView {
  return { profile: { id, runtime: 'docker' }, stats: { images: { includes: () => has } }, state: 'alive', ageMs: 0 } as unknown as PeerView
}

function next<Type extends Tell['type']>(child: ChildProcess, type: Type): Promise<Extract<Tell, { type: Type }>> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`a peer ended with ${code}`)))
    const onMessage = (message: unknown): void => {
      if ((message as Tell).type !== type) return
      child.off('message', onMessage)
      resolve(message as Extract<Tell, { type: Type }>)
    }
    child.on('message', onMessage)
  })
}

/** What it takes until the last of `count` peers has it, once they have done it before. */
async function measure(count: number): Promise<Floor> {
  const children = Array.from({ length: count + 1 }, () =>
    fork(import.meta.filename, process.argv.slice(2), { env: { ...process.env, ROLE: 'peer' }, execArgv: PEER_OPTIONS })
  )
  const ready = await Promise.all(children.map(async child => next(child, 'ready')))
  const members = ready.map(({ address }) => address)
  const holder = members[0]?.id ?? ('' as PeerId)
  const meshed = children.map(async child => next(child, 'meshed'))
  for (const child of children) child.send({ type: 'members', members, holder } satisfies Ask)
  await Promise.all(meshed)
  const takers = children.slice(1)
  let floor: Floor = { ms: Number.NaN, cpuMs: Number.NaN }
  for (let round = 1; round <= ROUNDS; round++) {
    const beforeMs = await cpuOf(children)
    const brought = takers.map(async child => next(child, 'brought'))
    for (const child of takers) child.send({ type: 'bring', digest: `sha256:bench-${round}` as Digest } satisfies Ask)
    const ms = Math.max(...(await Promise.all(brought)).map(result => result.ms))
    floor = { ms, cpuMs: (await cpuOf(children)) - beforeMs }
    say(`to ${count} peer${count === 1 ? '' : 's'}${round < ROUNDS ? ', the first time' : ''}`, floor)
  }
  for (const child of children) child.removeAllListeners('exit').send({ type: 'stop' } satisfies Ask)
  return floor
}

/** Processor time that these processes have used, together. */
async function cpuOf(children: readonly ChildProcess[]): Promise<number> {
  const told = children.map(async child => next(child, 'cpu'))
  for (const child of children) child.send({ type: 'cpu' } satisfies Ask)
  return (await Promise.all(told)).reduce((sum, { ms }) => sum + ms, 0)
}

/** On as many processors as there are, no sooner than this. */
function leastMs({ cpuMs }: Floor): number {
  return cpuMs / availableParallelism()
}

function say(name: string, { ms, cpuMs }: Floor): void {
  const rate = `${(bytes / ms / 1e3).toFixed(0)} MB/s`.padStart(9)
  console.log(`${name.padEnd(44)} ${ms.toFixed(0).padStart(6)} ms ${rate} ${cpuMs.toFixed(0).padStart(6)} ms CPU of all processes`)
}

async function main(): Promise<void> {
  const link = rate === undefined ? 'loopback' : `links of ${values.rate} MB/s`
  console.log(`${values.mib} MiB, ${values.private ? 'private' : 'open'} cluster, ${link}; load ${loadavg()[0]?.toFixed(0)}`)
  const secret = values.private ? SECRET : undefined
  say('floor: SHA-256', hashFloor(bytes))
  say('floor: to a file', await fileFloor(bytes))
  say('floor: one TCP connection', await sendFloor('tcp', bytes))
  const raw = await sendFloor('libp2p', bytes, { secret })
  say('floor: one libp2p stream, encrypted', raw)
  const one = await measure(1)
  const many = await measure(Number(values.peers))
  console.log(
    `one peer takes ${(one.ms / raw.ms).toFixed(2)} times as long as the bare stream, ${(one.cpuMs / raw.cpuMs).toFixed(2)} times its CPU`
  )
  console.log(`${values.peers} peers take ${(many.ms / one.ms).toFixed(2)} times as long as one`)
  const share = `${availableParallelism()} processors need ${leastMs(many).toFixed(0)} ms for the CPU time of ${values.peers} peers alone`
  console.log(
    `${share}: the tree takes ${(many.ms / Math.max(leastMs(many), one.ms)).toFixed(2)} times what they, or one transfer, allow; load ${loadavg()[0]?.toFixed(0)}`
  )
  process.exit(0)
}

if (process.env['ROLE'] === 'peer') await serve()
else await main()

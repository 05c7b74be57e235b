/**
 * What the parts of an image's way cost by themselves, on this machine and now: the bytes over bare TCP, the same bytes on one libp2p stream with the
 * cluster's own encryption and multiplexing, their SHA-256, and their copy to a file. Two processes each, where two peers would be two.
 */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import type { Logger } from '../../src/model/ports/logger.ts'
import { generateIdentity, readPrivateKey } from '../../src/network/identity.ts'
import { createNode, type Node } from '../../src/network/node.ts'
import { Answered } from '../../src/network/answered.ts'
import { multiaddr } from '@multiformats/multiaddr'

const PROTOCOL = '/cares-bench/raw/1'
const CHUNK_BYTES = 65_536
/** Written to a file at once. */
const BLOCK_BYTES = 1_048_576

/** What one floor took: until the last byte was there, and of both processes' time on a processor. */
export interface Floor {
  readonly ms: number
  readonly cpuMs: number
}

type Kind = 'tcp' | 'libp2p'
type Task = { readonly kind: Kind; readonly bytes: number; readonly secret: string | undefined }
/** From the reader: where it listens, then what it took. */
type Told = { readonly at: string } | { readonly cpuMs: number; readonly doneAtMs: number }

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => silent }

/** Sends `bytes` from this process to another one, the second of two times: the first one warms both up. */
export async function sendFloor(kind: Kind, bytes: number, { secret }: { secret?: string | undefined } = {}): Promise<Floor> {
  const task: Task = { kind, bytes, secret }
  const reader = fork(import.meta.filename, [JSON.stringify(task)], { env: { ...process.env, ROLE: 'floor' }, execArgv: ['--expose-gc'] })
  const tell = async <T>(): Promise<T> => ((await once(reader, 'message')) as [T])[0]
  const { at } = await tell<{ at: string }>()
  const send = kind === 'tcp' ? await tcpSender(at) : await libp2pSender(at, secret)
  let floor: Floor = { ms: Number.NaN, cpuMs: Number.NaN }
  for (let round = 0; round < 2; round++) {
    const done = tell<{ cpuMs: number; doneAtMs: number }>()
    const startMs = performance.timeOrigin + performance.now()
    const before = process.cpuUsage()
    await send(bytes)
    const { cpuMs, doneAtMs } = await done
    const { user, system } = process.cpuUsage(before)
    floor = { ms: doneAtMs - startMs, cpuMs: cpuMs + (user + system) / 1_000 }
  }
  await send(-1)
  reader.kill()
  return floor
}

/** SHA-256 of so many bytes. */
export function hashFloor(bytes: number): Floor {
  const chunk = new Uint8Array(BLOCK_BYTES)
  return timed(() => {
    const hash = createHash('sha256')
    for (let done = 0; done < bytes; done += chunk.length) hash.update(chunk)
    hash.digest()
  })
}

/** So many bytes to a file without a name, as an archive on its way is kept. */
export async function fileFloor(bytes: number): Promise<Floor> {
  const file = await open(tmpdir(), 0o20200002 /* O_TMPFILE | O_RDWR */, 0o600)
  const chunk = new Uint8Array(BLOCK_BYTES).fill(1)
  const startMs = performance.now()
  const before = process.cpuUsage()
  for (let done = 0; done < bytes; done += chunk.length) await file.write(chunk, 0, chunk.length, done)
  const { user, system } = process.cpuUsage(before)
  const floor = { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 }
  await file.close()
  return floor
}

function timed(work: () => void): Floor {
  const startMs = performance.now()
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 }
}

type Send = (bytes: number) => Promise<void>

/** A sender that is given -1 closes. */
async function tcpSender(port: string): Promise<Send> {
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  const chunk = new Uint8Array(CHUNK_BYTES).fill(1)
  return async bytes => {
    if (bytes < 0) return void socket.destroy()
    for (let sent = 0; sent < bytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
  }
}

async function libp2pSender(address: string, secret: string | undefined): Promise<Send> {
  const node = await startNode(secret)
  const connection = await node.dial(multiaddr(address))
  const stream = await connection.newStream(PROTOCOL)
  const chunk = new Uint8Array(CHUNK_BYTES).fill(1)
  return async bytes => {
    if (bytes < 0) return node.stop()
    for (let sent = 0; sent < bytes; sent += chunk.length) {
      if (!stream.send(chunk)) await new Promise<void>(resolve => stream.addEventListener('drain', () => resolve(), { once: true }))
    }
  }
}

async function startNode(secret: string | undefined): Promise<Node> {
  const { privateKey } = await generateIdentity()
  const init = {
    privateKey: readPrivateKey(privateKey),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap: [],
    secret,
    dialMs: 5_000,
    addressSorter: new Answered().compare,
    logLevel: 'warn' as const
  }
  const node = await createNode(init, { log: silent })
  await node.start()
  return node
}

/** The other process: reads, and says what it took. */
async function read({ kind, bytes, secret }: Task): Promise<void> {
  const tell = (told: Told): void => void process.send?.(told)
  let before = process.cpuUsage()
  let taken = 0
  const onBytes = (count: number): void => {
    taken += count
    if (taken < bytes) return
    taken = 0
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    tell({ cpuMs: (user + system) / 1_000, doneAtMs: performance.timeOrigin + performance.now() })
  }
  if (kind === 'tcp') {
    const server = createServer(socket => socket.on('data', data => onBytes(data.length)))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    tell({ at: String((server.address() as AddressInfo).port) })
  } else {
    const node = await startNode(secret)
    await node.handle(PROTOCOL, stream => stream.addEventListener('message', ({ data }) => onBytes(data.byteLength)))
    tell({ at: String(node.getMultiaddrs()[0]) })
  }
  // The parent has ended, whatever the reason.
  process.on('disconnect', () => process.exit(0))
}

if (process.env['ROLE'] === 'floor') await read(JSON.parse(process.argv[2] ?? '{}') as Task)

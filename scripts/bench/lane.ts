/**
 * What a lane costs over loopback, in two processes, beside a bare TCP echo measured in the same run: round trips one at a time (p50, p99), and
 * exchanges per second with many under way. `npx node scripts/bench/lane.ts [--exchanges 20000]`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { ExecuteDown } from '../../src/model/invocation.ts'
import type { Logger } from '../../src/model/ports/logger.ts'
import { generateIdentity } from '../../src/network/identity.ts'
import { createLibp2pTransport, type Libp2pTransport } from '../../src/network/libp2p-transport.ts'

const PAYLOAD = new Uint8Array(1_024).fill(7)
const IN_FLIGHT = 128
const WARM_UP = 2_000
const BULK_BYTES = 64 * 2 ** 20
const CHUNK_BYTES = 65_536

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {}, child: () => silent }

interface Served {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  readonly echoPort: number
}

async function startTransport(): Promise<Libp2pTransport> {
  const { privateKey } = await generateIdentity()
  const transport = await createLibp2pTransport(
    { privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] },
    { clock: createSystemClock(), log: silent }
  )
  await transport.start()
  return transport
}

/** The child: answers the first message of an exchange, and swallows the rest. */
async function serve(): Promise<void> {
  const transport = await startTransport()
  transport.handle('execute', async channel => {
    const first = await channel.receive()
    let more = await channel.receive()
    while (more !== undefined) more = await channel.receive()
    await channel.send(first as ExecuteDown)
  })
  const echo = createServer(socket => socket.setNoDelay(true).pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const bound = echo.address()
  if (typeof bound !== 'object' || bound === null) throw new Error('the echo server has no port')
  process.send?.({ peer: transport.self, addresses: transport.addresses(), echoPort: bound.port } satisfies Served)
}

async function measure(call: () => Promise<void>, count: number): Promise<{ p50: number; p99: number }> {
  for (let i = 0; i < WARM_UP; i++) await call()
  const took: number[] = []
  for (let i = 0; i < count; i++) {
    const startMs = performance.now()
    await call()
    took.push(performance.now() - startMs)
  }
  took.sort((a, b) => a - b)
  return { p50: took[Math.floor(count * 0.5)] ?? 0, p99: took[Math.floor(count * 0.99)] ?? 0 }
}

async function perSecond(call: () => Promise<void>, count: number): Promise<number> {
  let left = count
  const startMs = performance.now()
  const worker = async (): Promise<void> => {
    for (; left > 0; left--) await call()
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return (count / (performance.now() - startMs)) * 1_000
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { exchanges: { type: 'string', default: '20000' } } })
  const count = Number(values.exchanges)
  const child = fork(import.meta.filename, ['--serve'], { execPath: process.execPath })
  const [served] = (await once(child, 'message')) as [Served]

  const socket = createConnection({ port: served.echoPort, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const tcp = await measure(async () => {
    let bytes = 0
    socket.write(PAYLOAD)
    while (bytes < PAYLOAD.length) bytes += ((await once(socket, 'data')) as [Uint8Array])[0].length
  }, count / 4)
  socket.destroy()

  const transport = await startTransport()
  const signal = new AbortController().signal
  const [address = ''] = served.addresses
  await transport.dialSeed({ address, peer: served.peer }, { signal })
  const exchange = async (): Promise<void> => {
    const channel = await transport.open('execute', served.peer, { signal })
    await channel.send({ type: 'body', chunk: PAYLOAD })
    channel.end()
    await channel.receive()
    await channel.receive()
  }
  const lane = await measure(exchange, count / 4)
  const cpuBefore = process.cpuUsage()
  const rate = await perSecond(exchange, count)
  const cpu = process.cpuUsage(cpuBefore)
  // Holds on a busy machine, too, where the times above do not.
  const cpuUs = (cpu.user + cpu.system) / count

  const bulk = await transport.open('execute', served.peer, { signal })
  const part = new Uint8Array(CHUNK_BYTES)
  const startMs = performance.now()
  for (let sent = 0; sent < BULK_BYTES; sent += CHUNK_BYTES) await bulk.send({ type: 'body', chunk: part })
  bulk.end()
  await bulk.receive()
  const bulkMbPerS = BULK_BYTES / 1e6 / ((performance.now() - startMs) / 1_000)

  const row = (name: string, { p50, p99 }: { p50: number; p99: number }): string =>
    `${name}  p50 ${p50.toFixed(3)} ms  p99 ${p99.toFixed(3)} ms\n`
  process.stdout.write(row('bare TCP echo, 1 KiB     ', tcp) + row('exchange on a lane, 1 KiB', lane))
  process.stdout.write(
    `exchanges per second, ${IN_FLIGHT} under way: ${Math.round(rate)}, ${Math.round(cpuUs)} µs of CPU each\nbulk on one exchange: ${Math.round(bulkMbPerS)} MB/s\n`
  )
  await transport.stop()
  child.kill()
}

await (process.argv.includes('--serve') ? serve() : main())

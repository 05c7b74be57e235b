/**
 * What bodies of a GiB cost the peers they pass: one call that only sends, and one that gets everything back while it sends, through a gateway that is
 * neither orchestrator nor worker. Prints the most memory that each peer has held beside what it held before: it must not grow with the body.
 *
 *   npx node scripts/bench/big-body.ts [MIB]
 */
import { createHash, randomFillSync } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { loadavg } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'
import { cpuSeconds, forgetPeak, residentMiB, residentPeakMiB } from './measure.ts'

const [MIB = 1_024] = process.argv.slice(2).map(Number)
/** Windows, socket buffers and garbage that is not collected yet; a body that piles up shows as hundreds of MiB. */
const AIM_GROWTH_MIB = 96
const TIMEOUT_MS = 900_000

const piece = Buffer.alloc(2 ** 20)
randomFillSync(piece)

/** A body of MIB pieces, each told from the others by its number. */
function* body(hash: ReturnType<typeof createHash>): Generator<Buffer> {
  for (let i = 0; i < MIB; i++) {
    const numbered = Buffer.from(piece)
    numbered.writeUInt32BE(i)
    hash.update(numbered)
    yield numbered
  }
}

/** Sends the body. Gives what came back: how much, and its hash. */
async function send(peer: PeerProcess, path: string, headers: Record<string, string>) {
  const sent = createHash('sha256')
  const received = createHash('sha256')
  const options = { method: 'POST', headers: { ...headers, 'content-length': MIB * 2 ** 20 }, timeout: TIMEOUT_MS }
  const call = request(new URL(path, peer.api), options)
  const answered = new Promise<IncomingMessage>((resolve, reject) => call.once('response', resolve).once('error', reject))
  let bytes = 0
  const receive = async (): Promise<IncomingMessage> => {
    const response = await answered
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      received.update(chunk)
    }
    return response
  }
  const [response] = await Promise.all([receive(), pipeline(Readable.from(body(sent)), call)])
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`)
  return { bytes, isSame: sent.digest('hex') === received.digest('hex') }
}

const cluster = await Cluster.start({ runtime: 'docker' })
try {
  const orchestrator = await cluster.settled()
  const [gateway, worker] = cluster.alive.filter(peer => peer !== orchestrator)
  if (gateway === undefined || worker === undefined) throw new Error('three peers are needed')
  const limits = { memoryBytes: 256 * 2 ** 20, timeoutMs: TIMEOUT_MS }
  await upload(cluster, gateway, { name: 'web', image: 'cares-example/web', contract: 'http', ...limits })
  const on = { 'x-cares-on': worker.name }
  for (let i = 0; i < 20; i++) await ask(gateway, '/fn/web/echo', { method: 'POST', body: 'x', headers: on })
  const peers = [
    ['gateway', gateway],
    ['orchestrator', orchestrator],
    ['worker', worker]
  ] as const
  console.log(`load ${loadavg()[0]?.toFixed(1)}; ${MIB} MiB through ${gateway.name} to ${worker.name}`)
  for (const [what, path] of [
    ['up', '/fn/web/'],
    ['up and down at once', '/fn/web/echo']
  ] as const) {
    const before = peers.map(([, { pid }]) => {
      forgetPeak(pid)
      return { residentMiB: residentMiB(pid), cpuSeconds: cpuSeconds(pid) }
    })
    const startedAtMs = performance.now()
    const { bytes, isSame } = await send(gateway, path, on)
    const seconds = (performance.now() - startedAtMs) / 1_000
    if (path.endsWith('echo') && !isSame) throw new Error(`${bytes} other bytes came back`)
    console.log(`${what}: ${seconds.toFixed(1)} s, ${(MIB / seconds).toFixed(0)} MiB/s`)
    for (const [i, [role, { pid }]] of peers.entries()) {
      const { residentMiB: held, cpuSeconds: spent } = before[i] ?? { residentMiB: Number.NaN, cpuSeconds: Number.NaN }
      const peak = residentPeakMiB(pid)
      const verdict = peak - held <= AIM_GROWTH_MIB ? 'flat' : 'GROWS'
      console.log(
        `  ${role.padEnd(12)} ${held.toFixed(0)} MiB before, ${peak.toFixed(0)} MiB at most: ${verdict} (aim at most ${AIM_GROWTH_MIB} more); ${(cpuSeconds(pid) - spent).toFixed(1)} s of CPU`
      )
    }
  }
} finally {
  await cluster.stop()
}

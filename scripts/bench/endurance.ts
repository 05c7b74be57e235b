/**
 * Whether anything grows over many calls: warm calls through a gateway that is not the worker, a few at a time. After each tenth of them, what each
 * peer holds: resident memory, heap (the least of a few looks, which is nearest to what is left after a collection), handles, and containers. What it
 * keeps of the last 10,000 calls is full after so many: growth is counted from there.
 *
 *   npx node scripts/bench/endurance.ts [CALLS] [AT_ONCE]
 */
import { Agent, request } from 'node:http'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'
import { engine } from '../../test/e2e/engine.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'
import { handlesOf, residentMiB, slope } from './measure.ts'

const [CALLS = 100_000, AT_ONCE = 8] = process.argv.slice(2).map(Number)
const PARTS = 10
const BODY = Buffer.alloc(1_024, 'x')
/** Calls of which a peer keeps records (`RECORDS_MAX`, `FINISHED_MAX`): before, its memory must grow. */
const KEPT_CALLS = 10_000
/** The heap is looked at so often, with so long in between. */
const HEAP_LOOKS = 10
const HEAP_LOOK_MS = 300

interface Held {
  readonly resident: number
  readonly heap: number
  readonly handles: number
}

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })

async function call(url: URL, headers: Record<string, string>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': BODY.length } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode} ${text}`))))
      response.once('error', reject)
    })
    asked.once('error', reject)
    asked.end(BODY)
  })
}

async function heapMiB(peer: PeerProcess): Promise<number> {
  const { text } = await ask(peer, '/metrics')
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)?.[1]) / 2 ** 20
}

async function heldBy(peer: PeerProcess): Promise<Held> {
  let heap = Number.POSITIVE_INFINITY
  for (let i = 0; i < HEAP_LOOKS; i++) {
    heap = Math.min(heap, await heapMiB(peer))
    await sleep(HEAP_LOOK_MS)
  }
  return { resident: residentMiB(peer.pid), heap, handles: handlesOf(peer.pid) }
}

const cluster = await Cluster.start({ runtime: 'docker' })
try {
  const orchestrator = await cluster.settled()
  const [gateway, worker] = cluster.alive.filter(peer => peer !== orchestrator)
  if (gateway === undefined || worker === undefined) throw new Error('three peers are needed')
  await upload(cluster, gateway, { name: 'web', image: 'cares-example/web', contract: 'http', concurrency: AT_ONCE })
  const peers = [
    ['gateway', gateway],
    ['orchestrator', orchestrator],
    ['worker', worker]
  ] as const
  const url = new URL('/fn/web/echo', gateway.api)
  const on = { 'x-cares-on': worker.name }
  let failed = 0
  let firstFailure = ''

  const some = async (count: number): Promise<void> => {
    let left = count
    const client = async (): Promise<void> => {
      while (left-- > 0) {
        await call(url, on).catch((error: unknown) => {
          failed++
          if (firstFailure === '') firstFailure = String(error instanceof Error ? error.message : error)
        })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
  }

  const samples: { done: number; held: readonly Held[]; containers: number }[] = []
  const part = Math.ceil(CALLS / PARTS)
  for (let done = part; done <= part * PARTS; done += part) {
    const startedAtMs = performance.now()
    await some(part)
    const perSecond = part / ((performance.now() - startedAtMs) / 1_000)
    const held = await Promise.all(peers.map(async ([, peer]) => heldBy(peer)))
    const containers = (await engine.containersOf(cluster.alive)).length
    samples.push({ done, held, containers })
    const show = held.map(({ resident, heap, handles }) => `${resident.toFixed(0)}/${heap.toFixed(1)} MiB ${handles}`).join(', ')
    console.log(
      `${done} calls, ${perSecond.toFixed(0)} a second (load ${loadavg()[0]?.toFixed(0)}): resident/heap, handles: ${show}; ${containers} containers`
    )
  }

  console.log(`failed: ${failed} (aim 0)${firstFailure === '' ? '' : `; the first: ${firstFailure}`}`)
  const per = (values: readonly number[]): string => (slope(values) * (10_000 / part)).toFixed(2)
  const counted = samples.filter(({ done }) => done >= KEPT_CALLS)
  const full = counted.length > 1 ? counted : samples
  const first = full[0]
  const last = full.at(-1)
  for (const [i, [role]] of peers.entries()) {
    for (const what of ['resident', 'heap', 'handles'] as const) {
      const at = (sample: typeof first): string => sample?.held[i]?.[what].toFixed(1) ?? '?'
      const grown = per(full.map(({ held }) => held[i]?.[what] ?? Number.NaN))
      const unit = what === 'handles' ? '' : ' MiB'
      console.log(
        `${role.padEnd(12)} ${what.padEnd(8)} ${at(first)} after ${first?.done} calls, ${at(last)} after ${last?.done}; ${grown}${unit} more each 10,000 calls (aim 0)`
      )
    }
  }
  console.log(`containers: ${first?.containers}, then ${last?.containers} (aim: no more)`)
} finally {
  agent.destroy()
  await cluster.stop()
}

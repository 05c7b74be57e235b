/**
 * What two hundred dashboards cost the peer that serves them: half read the event stream, half the WebSocket, while calls make events. A peer of its own
 * process; the dashboards are this one. Also: how long a heartbeat takes to a client.
 *
 *   node scripts/bench/dashboards.ts [DASHBOARDS] [SECONDS] [CALLS_PER_SECOND] [OTHER_PEERS]
 */
import http from 'node:http'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WsMessage } from '../../src/model/rest-telemetry.ts'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'
import { processFunctions } from '../../test/e2e/functions.ts'
import { cpuSeconds, quantile, residentMiB } from './measure.ts'

/** Each other peer makes a heartbeat and a report a second. */
const [DASHBOARDS = 200, SECONDS = 20, CALLS_PER_SECOND = 20, OTHERS = 2] = process.argv.slice(2).map(Number)
const SETTLING_MS = 5_000

const cluster = await Cluster.start({ peers: 1 + OTHERS, flags: ['--open', '--preset', 'lan'] })
try {
  const peer = await cluster.settled()
  await upload(cluster, peer, { name: 'web', ...processFunctions().web })
  await sleep(SETTLING_MS)
  const alone = await measured()
  const dashboards = open(peer.api, DASHBOARDS)
  await sleep(SETTLING_MS)
  dashboards.reset()
  const watched = await measured()
  const { events, peers, bytes, delaysMs } = dashboards.stop()
  const percentile = (q: number): string => quantile(delaysMs, q).toFixed(1)
  console.log(`load ${loadavg()[0]?.toFixed(1)} on this machine, ${CALLS_PER_SECOND} calls a second, ${SECONDS} s each`)
  console.log(`alone:              ${alone.cpuPercent.toFixed(1)} % of a core, ${alone.residentMiB.toFixed(0)} MiB`)
  console.log(`${DASHBOARDS} dashboards:     ${watched.cpuPercent.toFixed(1)} % of a core, ${watched.residentMiB.toFixed(0)} MiB`)
  console.log(
    `each got ${(events / DASHBOARDS / SECONDS).toFixed(1)} events and ${(peers / (DASHBOARDS / 2) / SECONDS).toFixed(1)} states of peers a second; ${(bytes / SECONDS / 2 ** 20).toFixed(1)} MiB/s in all`
  )
  console.log(`from an event to its client: median ${percentile(0.5)} ms, 95 % ${percentile(0.95)} ms (both clocks are this machine's)`)

  /** CPU of the peer while calls come, and its memory at the end. */
  async function measured(): Promise<{ cpuPercent: number; residentMiB: number }> {
    const before = cpuSeconds(peer.pid)
    const began = performance.now()
    const calls: Promise<unknown>[] = []
    while (performance.now() - began < SECONDS * 1_000) {
      calls.push(ask(peer, '/fn/web'))
      await sleep(1_000 / CALLS_PER_SECOND)
    }
    await Promise.all(calls)
    return {
      cpuPercent: ((cpuSeconds(peer.pid) - before) / ((performance.now() - began) / 1_000)) * 100,
      residentMiB: residentMiB(peer.pid)
    }
  }
} finally {
  await cluster.stop()
}

/** Half of them read server-sent events, half the WebSocket. */
function open(api: string, count: number) {
  let [events, peers, bytes] = [0, 0, 0]
  let delaysMs: number[] = []
  const closers: (() => void)[] = []
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) {
      const request = http.get(`${api}/v1/events`, { agent: false }, response => {
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          events += chunk.toString().split('\nevent: ').length - 1
        })
      })
      request.on('error', () => {}) // It was closed.
      closers.push(() => request.destroy())
    } else {
      const socket = new WebSocket(`${api.replace('http', 'ws')}/v1/ws`, ['cares.v1'])
      socket.addEventListener('message', ({ data }) => {
        const text = String(data)
        bytes += text.length
        const message = JSON.parse(text) as WsMessage
        if (message.type === 'peers') peers += message.items.length
        if (message.type !== 'events') return
        events += message.items.length
        if (i === 1) delaysMs.push(Date.now() - Date.parse(message.items.at(-1)?.at ?? ''))
      })
      closers.push(() => socket.close())
    }
  }
  return {
    reset: () => {
      events = peers = bytes = 0
      delaysMs = []
    },
    stop: () => {
      for (const close of closers) close()
      return { events, peers, bytes, delaysMs }
    }
  }
}

/**
 * What two hundred dashboards cost the peer that serves them, while calls make events. First the pages that a browser shows: each reads the event stream
 * and asks for numbers as often as the page does. Then clients of the WebSocket, which ask for nothing. A peer of its own process; the dashboards are this
 * one. Also: how long an event takes to a client.
 *
 *   npx node scripts/bench/dashboards.ts [DASHBOARDS] [SECONDS] [CALLS_PER_SECOND] [OTHER_PEERS]
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

/** What the overview asks for, and how often: see `live/live.ts`, `parts/alerts.tsx` and `history.ts` of the dashboard. */
const ASKED: readonly (readonly [path: string, everyMs: number])[] = [
  ['/v1/peers', 1_000],
  ['/v1/cluster', 1_000],
  ['/v1/stats', 1_000],
  ['/v1/invocations?limit=200', 10_000],
  ['/v1/functions', 10_000],
  ['/v1/alerts', 5_000],
  ['/v1/stats/history?since=5m', 5_000]
]

const cluster = await Cluster.start({ peers: 1 + OTHERS, flags: ['--open', '--preset', 'lan'] })
try {
  const peer = await cluster.settled()
  await upload(cluster, peer, { name: 'web', ...processFunctions().web })
  await sleep(SETTLING_MS)
  const alone = await measured()
  console.log(`load ${loadavg()[0]?.toFixed(1)} on this machine, ${CALLS_PER_SECOND} calls a second, ${SECONDS} s each`)
  tell('alone', alone)
  for (const [kind, open] of [
    ['pages', openPages],
    ['WebSockets', openSockets]
  ] as const) {
    const clients = open(peer.api, DASHBOARDS)
    await sleep(SETTLING_MS)
    clients.reset()
    const watched = await measured()
    const { events, answers, bytes, delaysMs } = clients.stop()
    tell(`${DASHBOARDS} ${kind}`, watched)
    const each = (count: number): string => (count / DASHBOARDS / SECONDS).toFixed(1)
    console.log(
      `  each got ${each(events)} events and ${each(answers)} answers or states a second; ${(bytes / SECONDS / 2 ** 20).toFixed(1)} MiB/s in all`
    )
    const percentile = (q: number): string => quantile(delaysMs, q).toFixed(1)
    console.log(`  from an event to its client: median ${percentile(0.5)} ms, 95 % ${percentile(0.95)} ms (both clocks are this machine's)`)
  }

  /** CPU of the peer while calls come, and its memory at the end. */
  async function measured(): Promise<{ cpuPercent: number; residentMiB: number }> {
    const before = cpuSeconds(peer.pid)
    const began = performance.now()
    const calls: Promise<unknown>[] = []
    while (performance.now() - began < SECONDS * 1_000) {
      // On a machine that is too busy for all of this some do not come through: no reason to end the measurement, and to leave its peers behind.
      calls.push(ask(peer, '/fn/web').catch(() => undefined))
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

function tell(what: string, { cpuPercent, residentMiB: mebibytes }: { cpuPercent: number; residentMiB: number }): void {
  console.log(`${`${what}:`.padEnd(18)} ${cpuPercent.toFixed(1)} % of a core, ${mebibytes.toFixed(0)} MiB`)
}

/** What the clients of one kind have got. */
interface Got {
  events: number
  answers: number
  bytes: number
  delaysMs: number[]
}

function clients(got: Got, closers: readonly (() => void)[]) {
  return {
    reset: (): void => void Object.assign(got, { events: 0, answers: 0, bytes: 0, delaysMs: [] }),
    stop: (): Got => {
      for (const close of closers) close()
      return { ...got }
    }
  }
}

/** Pages in as many browsers: one event stream each, and questions over connections that are kept. */
function openPages(api: string, count: number) {
  const got: Got = { events: 0, answers: 0, bytes: 0, delaysMs: [] }
  const closers: (() => void)[] = []
  for (let i = 0; i < count; i++) {
    const request = http.get(`${api}/v1/events`, { agent: false }, response => {
      response.on('data', (chunk: Buffer) => {
        const text = chunk.toString()
        got.bytes += chunk.length
        got.events += text.split('\nevent: ').length - 1
        const at = i === 0 ? /.*"at":"([^"]+)"/s.exec(text)?.[1] : undefined
        if (at !== undefined) got.delaysMs.push(Date.now() - Date.parse(at))
      })
    })
    request.on('error', () => {}) // It was closed.
    const agent = new http.Agent({ keepAlive: true, maxSockets: 6 })
    const timers = ASKED.map(([path, everyMs]) => {
      let isAsking = false
      const question = (): void => {
        // A page waits for an answer before it asks again.
        if (isAsking) return
        isAsking = true
        const asked = http.get(`${api}${path}`, { agent, headers: { 'cache-control': 'max-age=1' } }, response => {
          response.on('data', (chunk: Buffer) => (got.bytes += chunk.length))
          response.on('end', () => {
            got.answers++
            isAsking = false
          })
        })
        asked.on('error', () => (isAsking = false))
      }
      // Not all at once: people open their pages at different moments.
      let timer: NodeJS.Timeout = setTimeout(() => (timer = setInterval(question, everyMs)), Math.random() * everyMs)
      return (): void => clearInterval(timer)
    })
    closers.push(
      () => request.destroy(),
      () => agent.destroy(),
      ...timers
    )
  }
  return clients(got, closers)
}

/** Clients of the WebSocket: they are told of events and of the states of peers, and ask for nothing. */
function openSockets(api: string, count: number) {
  const got: Got = { events: 0, answers: 0, bytes: 0, delaysMs: [] }
  const sockets = Array.from({ length: count }, (_, i) => {
    const socket = new WebSocket(`${api.replace('http', 'ws')}/v1/ws`, ['cares.v1'])
    socket.addEventListener('message', ({ data }) => {
      const text = String(data)
      got.bytes += text.length
      const message = JSON.parse(text) as WsMessage
      if (message.type === 'peers') got.answers += message.items.length
      if (message.type !== 'events') return
      got.events += message.items.length
      if (i === 0) got.delaysMs.push(Date.now() - Date.parse(message.items.at(-1)?.at ?? ''))
    })
    return () => socket.close()
  })
  return clients(got, sockets)
}

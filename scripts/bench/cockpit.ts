/**
 * What the cockpit costs: part of a core while it shows a large, busy cluster in tmux, as processor time over wall time.
 *
 *   npx node scripts/bench/cockpit.ts                100 peers, 200 events a second, 20 s
 *   npx node scripts/bench/cockpit.ts PEERS EVENTS_PER_SECOND SECONDS
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Stats } from '../../src/model/rest.ts'
import { startFakeApi } from '../../test/faces/fake-api.ts'
import { ALERTS, CLUSTER, HISTORY, INVOCATION, samplePeer, STATS, THUMB, UPPER } from '../../test/faces/samples.ts'

const [peersCount = 100, eventsPerSecond = 200, seconds = 20] = process.argv.slice(2).map(Number)
const LAUNCHER = fileURLToPath(new URL('../../src/cares.js', import.meta.url))

/** Drawing for the first time and loading are not what it costs to leave it open. */
const WARM_UP_MS = 10_000

/** As many as the cockpit asks for to tell in its log how calls ended. */
const CALLS_LISTED = 200

/** Ticks of /proc/PID/stat a second (sysconf(_SC_CLK_TCK), which is this on Linux). */
const TICKS_PER_SECOND = 100

const run = promisify(execFile)
const tmux = async (...args: readonly string[]): Promise<string> =>
  (await run('tmux', ['-L', `cares-bench-${process.pid}`, ...args])).stdout

const peers = Array.from({ length: peersCount }, (_, index) => samplePeer(`peer-${index}`, { running: index % 7 }))
const since = Date.now()
const at = (): string => new Date().toISOString()
await using api = await startFakeApi({
  'GET /version': { version: '0.1.0' },
  'GET /v1/alerts': ALERTS,
  'GET /v1/stats/history': HISTORY,
  'GET /v1/functions': { items: [THUMB, UPPER] },
  'GET /v1/invocations': response => {
    // Half of the events are ends of calls; as many more come through other peers.
    const newest = Math.floor(((Date.now() - since) / 1_000) * (eventsPerSecond / 2))
    const items = Array.from({ length: CALLS_LISTED }, (_, index) => ({ ...INVOCATION, id: `i-${newest - index}`, gateway: peers[1] }))
    response.end(JSON.stringify({ items, missing: [] }))
  },
  'GET /v1/cluster': response => {
    response.end(JSON.stringify({ ...CLUSTER, self: peers[0], orchestrator: peers[0] }))
  },
  'GET /v1/peers': response => {
    // All numbers move, as they do in life.
    const moved = peers.map((peer, index) => {
      const part = (Math.sin(Date.now() / 3_000 + index) + 1) / 2
      const used = { ...peer.used, cpus: part * peer.capacity.cpus, memoryBytes: part * peer.capacity.memoryBytes }
      return { ...peer, used, succeeded: Math.round((Date.now() - since) / 10) + index }
    })
    response.end(JSON.stringify({ items: moved, view: { peer: peers[0]?.id, name: peers[0]?.name } }))
  },
  'GET /v1/stats': response => {
    response.end(JSON.stringify({ ...STATS, at: at() } satisfies Stats))
  },
  'GET /v1/events': response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let id = 0
    const timer = setInterval(() => {
      for (let count = 0; count < eventsPerSecond / 20; count++) {
        id++
        const worker = peers[id % peers.length]?.id
        const invocation = `i-${String(Math.floor(id / 2)).padStart(26, '0')}`
        const event =
          id % 2 === 0
            ? { type: 'invocation:finished', data: { invocation, function: 'thumb', worker, status: 200, totalMs: id % 90, code: null } }
            : {
                type: 'invocation:placed',
                data: { invocation, function: 'thumb', worker, placement: 'orchestrator', costMs: 50, round: 0, try: 0 }
              }
        response.write(`id: 1.${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ id, at: at(), ...event })}\n\n`)
      }
    }, 50)
    response.on('close', () => clearInterval(timer))
  }
})

await tmux(
  '-f',
  '/dev/null',
  'new-session',
  '-d',
  '-x',
  '120',
  '-y',
  '40',
  `env LC_ALL=C.UTF-8 CARES_API=${api.url} '${process.execPath}' '${LAUNCHER}'`
)
try {
  await sleep(WARM_UP_MS)
  const pid = (await tmux('list-panes', '-F', '#{pane_pid}')).trim()
  const ticks = async (): Promise<number> => {
    // proc_pid_stat(5): fields 14 and 15, counted behind the name, which may hold spaces.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const rows: string[] = []
  for (const [view, keys] of [
    ['cluster', []],
    ['monitor', ['m']]
  ] as const) {
    for (const key of keys) await tmux('send-keys', key)
    await sleep(1_000)
    const before = await ticks()
    await sleep(seconds * 1_000)
    rows.push(`${view.padEnd(8)} ${((100 * ((await ticks()) - before)) / TICKS_PER_SECOND / seconds).toFixed(1)} % of a core`)
  }
  const memory = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  process.stdout.write(
    `${await tmux('capture-pane', '-p')}\n${peersCount} peers, ${eventsPerSecond} events/s, ${seconds} s each\n${rows.join('\n')}\nmemory   ${Math.round(Number(memory) / 1024)} MiB\n`
  )
} finally {
  await tmux('kill-server').catch(() => {
    // The terminal has ended by itself.
  })
}

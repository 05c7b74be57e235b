/**
 * What is left of a cluster's work when ten times as much is asked of it as it can do: three peers, each with room for one container of two calls that
 * take 250 ms or as long as is said (it is the containers that are to be short, and not this machine's processors). First as many clients as there are places,
 * then twice as many, each asking again at once: the better of both is the peak. Then calls at ten times that rate, whatever becomes of them. Prints goodput
 * beside its aim, what the refused were told, and the memory of each peer.
 *
 *   npx node scripts/bench/overload.ts [SECONDS] [TIMES] [CALL_MS]
 */
import { Agent, request } from 'node:http'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, upload } from '../../test/e2e/cluster.ts'
import { quantile, residentMiB } from './measure.ts'

const [SECONDS = 20, TIMES = 10, CALL_MS = 250] = process.argv.slice(2).map(Number)
const AIM_RATIO = 0.9

const PEERS = 3
const CONCURRENCY = 2
const CALL_TIMEOUT_MS = 5_000
/** After its own time a call may take a network's and a process' time more; who waits longer hangs. */
const HANGS_AFTER_MS = CALL_TIMEOUT_MS + 5_000
/** Each peer has room for one container of this memory, and no second one. */
const MEMORY = { function: 128 * 2 ** 20, peer: '200Mi' }
const WARM_UP_MS = 4_000

interface Outcome {
  /** 0: no answer came. */
  readonly status: number
  readonly code: string
  readonly hasRetryAfter: boolean
  readonly tookMs: number
  /** When it ended, on the clock of `performance`. */
  readonly endedAtMs: number
}

const agent = new Agent({ keepAlive: true })

function call(api: string): Promise<Outcome> {
  const startedAtMs = performance.now()
  return new Promise(resolve => {
    const settle = (status: number, code: string, hasRetryAfter: boolean): void => {
      const endedAtMs = performance.now()
      resolve({ status, code, hasRetryAfter, tookMs: endedAtMs - startedAtMs, endedAtMs })
    }
    const asked = request(new URL(`/fn/web/sleep?ms=${CALL_MS}`, api), { agent, timeout: HANGS_AFTER_MS }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => settle(response.statusCode ?? 0, codeOf(text), response.headers['retry-after'] !== undefined))
      response.once('error', error => settle(0, error.message, false))
    })
    asked.once('timeout', () => asked.destroy(new Error('hung')))
    asked.once('error', error => settle(0, error.message, false))
    asked.end()
  })
}

function codeOf(text: string): string {
  return text.startsWith('{') ? String((JSON.parse(text) as { code?: string }).code) : ''
}

/** As many clients as there are places, for so long. */
async function closedLoop(apis: readonly string[], clients: number, ms: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const untilMs = performance.now() + ms
  const client = async (_: unknown, i: number): Promise<void> => {
    while (performance.now() < untilMs) outcomes.push(await call(apis[i % apis.length] ?? ''))
  }
  await Promise.all(Array.from({ length: clients }, client))
  return outcomes
}

/** So many calls a second, whether or not the earlier ones have ended. */
async function openLoop(apis: readonly string[], callsPerSecond: number, ms: number): Promise<Outcome[]> {
  const calls: Promise<Outcome>[] = []
  const startedAtMs = performance.now()
  for (let spentMs = 0; spentMs < ms; spentMs = performance.now() - startedAtMs) {
    while (calls.length < (spentMs / 1_000) * callsPerSecond) calls.push(call(apis[calls.length % apis.length] ?? ''))
    await sleep(5)
  }
  return Promise.all(calls)
}

const perSecond = (outcomes: readonly Outcome[], fromMs: number, ms: number): number =>
  outcomes.filter(({ status, endedAtMs }) => status === 200 && endedAtMs >= fromMs && endedAtMs < fromMs + ms).length / (ms / 1_000)

function describe(outcomes: readonly Outcome[]): void {
  const kinds = Map.groupBy(outcomes, ({ status, code, hasRetryAfter }) =>
    status === 200 ? '200' : `${status} ${code}${hasRetryAfter ? ', Retry-After' : ', WITHOUT Retry-After'}`
  )
  for (const [kind, those] of kinds) {
    const took = those.map(({ tookMs }) => tookMs)
    console.log(
      `  ${kind}: ${those.length}, answered after p50 ${quantile(took, 0.5).toFixed(0)} ms, at most ${Math.max(...took).toFixed(0)} ms`
    )
  }
}

const flags = ['--open', '--cpus', '1', '--memory', MEMORY.peer]
const cluster = await Cluster.start({ runtime: 'docker', peers: PEERS, flags })
try {
  const first = await cluster.settled()
  const limits = { memoryBytes: MEMORY.function, cpus: 0.5, concurrency: CONCURRENCY, timeoutMs: CALL_TIMEOUT_MS }
  await upload(cluster, first, { name: 'web', image: 'cares-example/web', contract: 'http', ...limits })
  const apis = cluster.alive.map(({ api }) => api)
  const clients = PEERS * CONCURRENCY
  const memory = (): number[] => cluster.alive.map(({ pid }) => residentMiB(pid))
  // The containers start, and the compilers warm up.
  await closedLoop(apis, clients, WARM_UP_MS)
  const ms = SECONDS * 1_000

  const capacity = (clients * 1_000) / CALL_MS
  console.log(
    `load ${loadavg()[0]?.toFixed(1)}; ${PEERS} peers, ${clients} calls at once at most, each ${CALL_MS} ms: ${capacity} a second at best`
  )
  const peaks: number[] = []
  for (const count of [clients, 2 * clients]) {
    const fromMs = performance.now()
    const outcomes = await closedLoop(apis, count, ms)
    const rate = perSecond(outcomes, fromMs, ms)
    console.log(`${count} clients: ${rate.toFixed(1)} calls a second`)
    describe(outcomes)
    peaks.push(rate)
  }
  const peak = Math.max(...peaks)

  const before = memory()
  const overFromMs = performance.now()
  const outcomes = await openLoop(apis, peak * TIMES, ms)
  // Not the first second, in which the lines fill.
  const goodput = perSecond(outcomes, overFromMs + 1_000, ms - 1_000)
  const after = memory()
  console.log(`asked ${TIMES} times as often (${(outcomes.length / SECONDS).toFixed(0)} a second): ${goodput.toFixed(1)} calls a second`)
  describe(outcomes)
  const hung = outcomes.filter(({ status }) => status === 0).length
  console.log(`without an answer: ${hung} (aim 0)`)
  const againFromMs = performance.now()
  const again = await closedLoop(apis, clients, ms)
  console.log(`right afterwards, ${clients} clients: ${perSecond(again, againFromMs, ms).toFixed(1)} calls a second`)
  describe(again)
  const show = (values: readonly number[]): string => values.map(value => value.toFixed(0)).join(', ')
  console.log(`resident memory of the peers: ${show(before)} MiB before, ${show(after)} after, ${show(memory())} at the end`)
  console.log(`goodput at ${TIMES} times the capacity is ${((goodput / peak) * 100).toFixed(0)} % of the peak (aim ${AIM_RATIO * 100} %)`)
} finally {
  agent.destroy()
  await cluster.stop()
}

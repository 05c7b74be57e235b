/**
 * What clients notice of the end of one peer out of three, with the timings of a real cluster (preset `lan`): twenty of them call through the other two
 * without a break while
 *
 * - the orchestrator is stopped by SIGTERM: how long until a survivor names another, and how many calls fail (aims: 100 ms, 0);
 * - the orchestrator is killed: the same (aims: p50 250 ms, 0);
 * - another worker is killed, or frozen: how long work is still placed on it, and how many calls fail (aims: 250 ms, 3 s).
 *
 * The function may be repeated, except where a peer is stopped: that one is to finish what it has. Slowest: of the calls that were under way.
 *
 *   npx node scripts/bench/outage.ts [RUNS]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, Cluster, json, upload } from '../../test/e2e/cluster.ts'
import { processFunctions } from '../../test/e2e/functions.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { quantile } from './measure.ts'
import { ready, untilReplaced } from './clusters.ts'

const RUNS = Number(process.argv[2] ?? 3)
const CLIENTS = 20
/** Of a client, between an answer and its next call: as much as leaves a small machine to the peers. */
const PAUSE_MS = 100
/** How long clients go on after the end of a peer: longer than anything that is measured. */
const AFTERMATH_MS = 7_000
const WARM_UP_MS = 2_000

interface Ended {
  readonly startedMs: number
  readonly endedMs: number
  readonly failure: string | undefined
}

/** Calls through these peers until it is stopped; tells how each call ended. */
function startClients(gateways: readonly PeerProcess[], fn: string): { stop(): Promise<readonly Ended[]> } {
  const stopping = new AbortController()
  const ended: Ended[] = []
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = client; !stopping.signal.aborted; i++) {
      const gateway = gateways[i % gateways.length]
      if (gateway === undefined) return
      const startedMs = performance.now()
      const { status, problem } = await ask(gateway, `/fn/${fn}/echo`, { method: 'POST', body: 'x' })
      ended.push({ startedMs, endedMs: performance.now(), failure: status === 200 ? undefined : `${status} ${problem?.code}` })
      await sleep(PAUSE_MS)
    }
  })
  return {
    stop: async () => {
      stopping.abort()
      await Promise.all(clients)
      return ended
    }
  }
}

/** Listens to the placements of these peers; tells when the last one was that chose `worker`. */
async function watchPlacements(
  placers: readonly PeerProcess[],
  worker: PeerProcess
): Promise<{ readonly lastMs: number } & AsyncDisposable> {
  const stopping = new AbortController()
  const seen = { lastMs: Number.NEGATIVE_INFINITY }
  const reading = await Promise.all(
    placers.map(async ({ api }) => {
      const { body } = await fetch(`${api}/v1/events?types=invocation:placed`, { signal: stopping.signal })
      if (body === null) throw new Error('no events')
      const read = async (): Promise<void> => {
        for await (const text of body.pipeThrough(new TextDecoderStream())) if (text.includes(worker.id)) seen.lastMs = performance.now()
      }
      return { ended: read().catch(() => {}) } // It ends by the signal.
    })
  )
  return {
    get lastMs() {
      return seen.lastMs
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await Promise.all(reading.map(({ ended }) => ended))
    }
  }
}

interface Outcome {
  readonly ms: number
  readonly calls: number
  readonly failures: readonly string[]
  readonly slowestMs: number
}

async function measure(
  cluster: Cluster,
  lost: PeerProcess,
  { fn, signal }: { fn: string; signal: NodeJS.Signals },
  until: 'replaced' | 'shunned'
): Promise<Outcome> {
  const survivors = cluster.alive.filter(peer => peer !== lost)
  await using placements = await watchPlacements(survivors, lost)
  const clients = startClients(survivors, fn)
  await sleep(WARM_UP_MS)
  const atMs = performance.now()
  lost.signal(signal)
  const replacedMs = until === 'replaced' ? await untilReplaced(survivors, lost) : 0
  await sleep(AFTERMATH_MS)
  const ended = await clients.stop()
  const during = ended.filter(({ endedMs }) => endedMs >= atMs)
  return {
    ms: until === 'replaced' ? replacedMs : Math.max(0, placements.lastMs - atMs),
    calls: during.length,
    failures: during.flatMap(({ failure }) => failure ?? []),
    slowestMs: Math.max(...during.map(({ startedMs, endedMs }) => endedMs - startedMs))
  }
}

function report(what: string, outcomes: readonly Outcome[]): void {
  const times = outcomes.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const calls = outcomes.reduce((sum, outcome) => sum + outcome.calls, 0)
  const failures = outcomes.flatMap(outcome => outcome.failures)
  const codes = [...new Set(failures)].map(code => `${code}: ${failures.filter(failure => failure === code).length}`).join(', ')
  console.log(
    `${what}: p50 ${quantile(times, 0.5).toFixed(0)} ms, max ${times.at(-1)?.toFixed(0)} ms (${times.map(ms => ms.toFixed(0)).join(' ')}); ${calls} calls, ${failures.length} failed${codes === '' ? '' : ` (${codes})`}, slowest ${Math.max(...outcomes.map(({ slowestMs }) => slowestMs)).toFixed(0)} ms`
  )
}

const cluster = await Cluster.start({ flags: ['--open', '--preset', 'lan'] })
try {
  const orchestrator = await ready(cluster)
  const { web } = processFunctions()
  for (const name of ['once', 'again']) await upload(cluster, orchestrator, { name, ...web, idempotent: name === 'again' })
  const outcomes: Record<string, Outcome[]> = {}
  const note = (what: string, outcome: Outcome): void => {
    const all = (outcomes[what] ??= [])
    all.push(outcome)
    console.error(`${what} ${outcome.ms.toFixed(0)} ms, ${outcome.failures.length} of ${outcome.calls} calls failed`)
  }
  const worker = async (): Promise<PeerProcess> => {
    const leader = await ready(cluster)
    const { voters } = await json<ClusterState>(leader, '/v1/cluster')
    const found = cluster.alive.find(peer => peer !== leader && voters.includes(peer.id))
    if (found === undefined) throw new Error('no worker')
    return found
  }
  for (let run = 0; run < RUNS; run++) {
    const stopped = await ready(cluster)
    note(
      'orchestrator stopped: the next one is named after',
      await measure(cluster, stopped, { fn: 'once', signal: 'SIGTERM' }, 'replaced')
    )
    await stopped.ended
    await cluster.add(stopped.name)
    const killed = await ready(cluster)
    note('orchestrator killed: the next one is named after', await measure(cluster, killed, { fn: 'again', signal: 'SIGKILL' }, 'replaced'))
    await killed.ended
    await cluster.add(killed.name)
    const dead = await worker()
    note('worker killed: work was placed there until', await measure(cluster, dead, { fn: 'again', signal: 'SIGKILL' }, 'shunned'))
    await dead.ended
    await cluster.add(dead.name)
    const frozen = await worker()
    note('worker frozen: work was placed there until', await measure(cluster, frozen, { fn: 'again', signal: 'SIGSTOP' }, 'shunned'))
    frozen.signal('SIGCONT')
  }
  for (const [what, measured] of Object.entries(outcomes)) report(what, measured)
} finally {
  for (const peer of cluster.alive) peer.signal('SIGCONT')
  await cluster.stop()
}

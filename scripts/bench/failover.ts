/**
 * How long a cluster of three peers is without an orchestrator after one is killed, and after one is frozen, with the timings of a real
 * cluster (preset `lan`). Measured from the signal until a survivor names another orchestrator.
 *
 *   node scripts/bench/failover.ts [RUNS]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { Cluster, json } from '../../test/e2e/cluster.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'
import { quantile } from './measure.ts'

const RUNS = Number(process.argv[2] ?? 5)
/** How exactly a time can be told. */
const LOOK_EVERY_MS = 5
const FAILOVER_MS_MAX = 30_000

/** Milliseconds until one of `survivors` follows another than `lost`. */
async function untilReplaced(survivors: readonly PeerProcess[], lost: PeerProcess): Promise<number> {
  const startMs = performance.now()
  while (performance.now() - startMs < FAILOVER_MS_MAX) {
    for (const peer of survivors) {
      const { orchestrator } = await json<ClusterState>(peer, '/v1/cluster')
      if (orchestrator !== null && orchestrator.id !== lost.id) return performance.now() - startMs
    }
    await sleep(LOOK_EVERY_MS)
  }
  throw new Error(`nobody took over within ${FAILOVER_MS_MAX} ms`)
}

/** Waits until all agree and three peers vote, so that one may be lost. */
async function ready(cluster: Cluster): Promise<PeerProcess> {
  for (;;) {
    const orchestrator = await cluster.settled()
    const { voters } = await json<ClusterState>(orchestrator, '/v1/cluster')
    if (voters.length === 3) return orchestrator
    await sleep(100)
  }
}

function report(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  console.log(
    `${what}: p50 ${quantile(sorted, 0.5).toFixed(0)} ms, max ${sorted.at(-1)?.toFixed(0)} ms (${sorted.map(ms => ms.toFixed(0)).join(' ')})`
  )
}

const cluster = await Cluster.start({ flags: ['--open', '--preset', 'lan'] })
try {
  const killed: number[] = []
  const frozen: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const first = await ready(cluster)
    const afterKill = cluster.alive.filter(peer => peer !== first)
    first.signal('SIGKILL')
    killed.push(await untilReplaced(afterKill, first))
    await first.ended
    await cluster.add(first.name)

    const second = await ready(cluster)
    const afterFreeze = cluster.alive.filter(peer => peer !== second)
    second.signal('SIGSTOP')
    frozen.push(await untilReplaced(afterFreeze, second))
    second.signal('SIGCONT')
  }
  report('killed', killed)
  report('frozen', frozen)
} finally {
  await cluster.stop()
}

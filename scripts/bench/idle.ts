/**
 * What peers cost while nobody calls: CPU and memory of each, with the timings of a real cluster (preset `lan`), and how often another orchestrator
 * was elected meanwhile (none should be).
 *
 *   node scripts/bench/idle.ts [SECONDS] [PEERS...]          default: 20 3 10
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { Cluster, json } from '../../test/e2e/cluster.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'
import { cpuSeconds, mean, residentMiB } from './measure.ts'

const [seconds = '20', ...sizes] = process.argv.slice(2)
const SECONDS = Number(seconds)
const PEERS = sizes.length === 0 ? [3, 10] : sizes.map(Number)
/** Started at the same time: more of them only wait for one another's processor. */
const BATCH = 4
/** Until the voters are chosen and the compiler has seen the loop. */
const SETTLING_MS = 10_000

for (const peers of PEERS) {
  const startedAt = performance.now()
  const cluster = await Cluster.start({ peers: Math.min(peers, BATCH), flags: ['--open', '--preset', 'lan'] })
  try {
    for (let from = BATCH; from < peers; from += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, peers - from) }, (_, i) => cluster.add(`peer-${from + i}`)))
    }
    await cluster.settled()
    console.log(`${peers} peers have one view ${((performance.now() - startedAt) / 1_000).toFixed(0)} s after the first was started`)
    await sleep(SETTLING_MS)
    const orchestrator = await cluster.settled()
    const term = await termOf(orchestrator)
    const before = cluster.alive.map(({ pid }) => cpuSeconds(pid))
    await sleep(SECONDS * 1_000)
    const rows = cluster.alive.map((peer, i) => ({
      peer,
      cpuPercent: ((cpuSeconds(peer.pid) - (before[i] ?? 0)) / SECONDS) * 100,
      memoryMiB: residentMiB(peer.pid)
    }))
    const others = rows.filter(({ peer }) => peer !== orchestrator)
    const led = rows.find(({ peer }) => peer === orchestrator)
    console.log(
      `${peers} idle peers: orchestrator ${led?.cpuPercent.toFixed(1)} % of a core, ${led?.memoryMiB.toFixed(0)} MiB; ` +
        `others ${mean(others.map(({ cpuPercent }) => cpuPercent)).toFixed(1)} %, ${mean(others.map(({ memoryMiB }) => memoryMiB)).toFixed(0)} MiB each; ` +
        `${(await termOf(await cluster.settled())) - term} elections in ${SECONDS} s`
    )
  } finally {
    await cluster.stop()
  }
}

/** The cluster's term: one more for each election. */
async function termOf(peer: PeerProcess): Promise<number> {
  return (await json<ClusterState>(peer, '/v1/cluster')).term
}

/**
 * What peers cost while nobody calls: CPU and memory of each, as they are once installed, with the timings of a real cluster (preset `lan`), and how often
 * another orchestrator was elected meanwhile (none should be). With `--hogs`, so many busy loops for each processor of this machine take the time from them
 * meanwhile: `600 3 --hogs 8` counts the false elections of a machine that is used eight times over.
 *
 *   npx node scripts/bench/idle.ts [SECONDS] [PEERS...] [--hogs N]          default: 20 3 10, none
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { json } from '../../test/e2e/cluster.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'
import { installed, ONE_VIEW_WITHIN_MS, startCluster } from './clusters.ts'
import { cpuSeconds, mean, proportionalMiB, residentMiB } from './measure.ts'

const { values, positionals } = parseArgs({ options: { hogs: { type: 'string', default: '0' } }, allowPositionals: true })
const [seconds = '20', ...sizes] = positionals
const HOGS = Number(values.hogs) * availableParallelism()
const SECONDS = Number(seconds)
const PEERS = sizes.length === 0 ? [3, 10] : sizes.map(Number)
/** Until the voters are chosen and the compiler has seen the loop. */
const SETTLING_MS = 10_000

await using build = await installed()
for (const peers of PEERS) {
  const startedAt = performance.now()
  const cluster = await startCluster(peers, ['--open', '--preset', 'lan'], build.launcher)
  const hogs: ChildProcess[] = []
  try {
    console.log(`${peers} peers have one view ${((performance.now() - startedAt) / 1_000).toFixed(0)} s after the first was started`)
    await sleep(SETTLING_MS)
    const orchestrator = await cluster.settled({ withinMs: ONE_VIEW_WITHIN_MS })
    const term = await termOf(orchestrator)
    for (let i = 0; i < HOGS; i++) hogs.push(spawn('sh', ['-c', 'while :; do :; done']))
    const before = cluster.alive.map(({ pid }) => cpuSeconds(pid))
    await sleep(SECONDS * 1_000)
    const rows = cluster.alive.map((peer, i) => ({
      peer,
      cpuPercent: ((cpuSeconds(peer.pid) - (before[i] ?? 0)) / SECONDS) * 100,
      memoryMiB: residentMiB(peer.pid),
      ownMiB: proportionalMiB(peer.pid)
    }))
    const [load = 0] = loadavg()
    for (const hog of hogs) hog.kill('SIGKILL')
    const others = rows.filter(({ peer }) => peer !== orchestrator)
    const led = rows.find(({ peer }) => peer === orchestrator)
    console.log(
      `${peers} ${HOGS === 0 ? 'idle ' : ''}peers: orchestrator ${led?.cpuPercent.toFixed(1)} % of a core, ${led?.memoryMiB.toFixed(0)} MiB (${led?.ownMiB.toFixed(0)}); ` +
        `others ${mean(others.map(({ cpuPercent }) => cpuPercent)).toFixed(1)} %, ${mean(others.map(({ memoryMiB }) => memoryMiB)).toFixed(0)} MiB each ` +
        `(${mean(others.map(({ ownMiB }) => ownMiB)).toFixed(0)} where what they share counts once); ` +
        `${(await termOf(await cluster.settled({ withinMs: ONE_VIEW_WITHIN_MS }))) - term} elections in ${SECONDS} s, ` +
        `${HOGS} busy loops beside them, load ${load.toFixed(0)} at the end`
    )
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL')
    await cluster.stop()
  }
}

/** The cluster's term: one more for each election. */
async function termOf(peer: PeerProcess): Promise<number> {
  return (await json<ClusterState>(peer, '/v1/cluster')).term
}

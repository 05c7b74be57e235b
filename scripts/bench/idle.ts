/**
 * What peers cost while nobody calls: CPU and memory of each of 3 and of 10 peers, with the timings of a real cluster (preset `lan`).
 *
 *   node scripts/bench/idle.ts [SECONDS]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../../test/e2e/cluster.ts'
import { cpuSeconds, mean, residentMiB } from './measure.ts'

const SECONDS = Number(process.argv[2] ?? 20)
/** Until the voters are chosen and the compiler has seen the loop. */
const SETTLING_MS = 10_000

for (const peers of [3, 10]) {
  const cluster = await Cluster.start({ peers, flags: ['--open', '--preset', 'lan'] })
  try {
    await sleep(SETTLING_MS)
    const orchestrator = await cluster.settled()
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
        `others ${mean(others.map(({ cpuPercent }) => cpuPercent)).toFixed(1)} %, ${mean(others.map(({ memoryMiB }) => memoryMiB)).toFixed(0)} MiB each`
    )
  } finally {
    await cluster.stop()
  }
}

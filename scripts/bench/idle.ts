/**
 * What peers cost while nobody calls: CPU and memory of each of 3 and of 10 peers, with the timings of a real cluster (preset `lan`).
 *
 *   node scripts/bench/idle.ts [SECONDS]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../../test/e2e/cluster.ts'

const SECONDS = Number(process.argv[2] ?? 20)
/** Until the voters are chosen and the compiler has seen the loop. */
const SETTLING_MS = 10_000

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** CPU seconds that a process has used (proc(5): fields 14 and 15 of stat, counted after the name in brackets). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Memory that a process holds, in MiB. */
function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

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
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    console.log(
      `${peers} idle peers: orchestrator ${led?.cpuPercent.toFixed(1)} % of a core, ${led?.memoryMiB.toFixed(0)} MiB; ` +
        `others ${mean(others.map(({ cpuPercent }) => cpuPercent)).toFixed(1)} %, ${mean(others.map(({ memoryMiB }) => memoryMiB)).toFixed(0)} MiB each`
    )
  } finally {
    await cluster.stop()
  }
}

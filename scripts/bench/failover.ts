/**
 * How long a cluster of three peers is without an orchestrator after one is killed, and after one is frozen, with the timings of a real
 * cluster (preset `lan`). Measured from the signal until a survivor names another orchestrator.
 *
 *   node scripts/bench/failover.ts [RUNS]
 */
import { Cluster } from '../../test/e2e/cluster.ts'
import { ready, untilReplaced } from './failover-times.ts'
import { quantile } from './measure.ts'

const RUNS = Number(process.argv[2] ?? 5)
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

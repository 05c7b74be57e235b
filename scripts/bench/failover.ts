/**
 * How long a cluster is without an orchestrator after one is killed, and after one is frozen, with the timings of a real cluster. Measured from the
 * signal until a surviving voter names another orchestrator.
 *
 *   npx node scripts/bench/failover.ts [RUNS] [--peers 3] [--preset lan|wan]
 */
import { parseArgs } from 'node:util'
import { ready, startCluster, untilReplaced, votersOf } from './clusters.ts'
import { quantile } from './measure.ts'

const { values, positionals } = parseArgs({
  options: { peers: { type: 'string', default: '3' }, preset: { type: 'string', default: 'lan' } },
  allowPositionals: true
})
const RUNS = Number(positionals[0] ?? 5)
const PEERS = Number(values.peers)

function report(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  console.log(
    `${what}: p50 ${quantile(sorted, 0.5).toFixed(0)} ms, max ${sorted.at(-1)?.toFixed(0)} ms (${sorted.map(ms => ms.toFixed(0)).join(' ')})`
  )
}

const cluster = await startCluster(PEERS, ['--open', '--preset', values.preset])
try {
  const killed: number[] = []
  const frozen: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const first = await ready(cluster)
    const afterKill = (await votersOf(cluster, first)).filter(peer => peer !== first)
    first.signal('SIGKILL')
    killed.push(await untilReplaced(afterKill, first))
    await first.ended
    await cluster.add(first.name)

    const second = await ready(cluster)
    const afterFreeze = (await votersOf(cluster, second)).filter(peer => peer !== second)
    second.signal('SIGSTOP')
    frozen.push(await untilReplaced(afterFreeze, second))
    second.signal('SIGCONT')
  }
  console.log(`${PEERS} peers, preset ${values.preset}`)
  report('killed', killed)
  report('frozen', frozen)
} finally {
  await cluster.stop()
}

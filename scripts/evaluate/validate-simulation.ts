/*
 * The simulator against real peers: npx node scripts/evaluate/validate-simulation.ts [CALLS]
 *
 * Three peers on loopback run programs that sleep (so that this machine's own cores do not decide), called at the same moments as in the
 * simulation. What a call costs beside its sleep is measured before and after that, one call at a time; what happens to calls that meet is for the
 * simulator to foresee. Exits with 1 when its mean latency is more than 15 % off.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { STRATEGIES } from '../../src/core/scheduler/strategies/strategies.ts'
import { createRandom } from '../../src/model/random.ts'
import { strategyChooser } from '../../src/simulate/replay/choosers.ts'
import { quantile } from '../../src/simulate/replay/metrics.ts'
import { replay } from '../../src/simulate/replay/replay.ts'
import { drawnFunction, exponential, type Workload, WorkloadBuilder } from '../../src/simulate/workload/workload.ts'
import { ask, Cluster, upload } from '../../test/e2e/cluster.ts'

const SEED = 1
const PEERS = 3
const CPUS = 2
const SLEEPS_MS = [50, 120, 300, 700]
/** Share of the cores that the calls ask for. */
const LOAD = 0.4
const OFF_RATIO_MAX = 0.15
const CALIBRATION_CALLS = 5

const callsCount = Number(process.argv[2] ?? 100)

/** Calls at random moments, of random sleeps; `overheadMs` is what each costs besides. */
function workloadOf(overheadMs: number): Workload {
  const random = createRandom(SEED)
  const builder = new WorkloadBuilder('validation')
  const meanMs = SLEEPS_MS.reduce((sum, ms) => sum + ms, 0) / SLEEPS_MS.length
  let nowMs = 0
  for (let call = 0; call < callsCount; call++) {
    const runMs = SLEEPS_MS[Math.floor(random() * SLEEPS_MS.length)] ?? 50
    const fn = builder.functionIndex(`sleep-${runMs}`, name =>
      drawnFunction(name, random, { contract: 'stdio', imageBytes: 0, coldStartMs: overheadMs, memoryBytes: 2 ** 26 })
    )
    builder.add(fn, nowMs, runMs)
    nowMs += exponential((LOAD * PEERS * CPUS) / meanMs, random)
  }
  return builder.build()
}

async function timed(cluster: Cluster, name: string): Promise<number> {
  const [gateway] = cluster.alive
  if (gateway === undefined) throw new Error('no peer is left')
  const startedMs = performance.now()
  const { status, text } = await ask(gateway, `/fn/${name}`, { method: 'POST', body: 'x' })
  if (status !== 200) throw new Error(`${name} answered ${status}: ${text}`)
  return performance.now() - startedMs
}

/** What calls cost besides their sleep, one after the other. */
async function overheadsMs(cluster: Cluster): Promise<readonly number[]> {
  const overheads: number[] = []
  for (let i = 0; i < CALIBRATION_CALLS; i++) for (const ms of SLEEPS_MS) overheads.push((await timed(cluster, `sleep-${ms}`)) - ms)
  return overheads
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5)
}

const cluster = await Cluster.start({ peers: PEERS, flags: ['--open', '--cpus', String(CPUS)] })
try {
  const orchestrator = await cluster.settled()
  for (const ms of SLEEPS_MS) {
    await upload(cluster, orchestrator, {
      name: `sleep-${ms}`,
      image: `sleep ${ms / 1_000}`,
      contract: 'stdio',
      cpus: 1,
      memoryBytes: 2 ** 26
    })
  }
  // The first calls of a peer's life take several times as long as all others.
  await overheadsMs(cluster)
  const before = await overheadsMs(cluster)
  // Arrivals and sleeps are the same whatever a call costs besides.
  const workload = workloadOf(0)
  const startedMs = performance.now()
  const real = await Promise.all(
    [...workload.arrivalMs].map(async (atMs, call) => {
      await sleep(Math.max(0, atMs - (performance.now() - startedMs)))
      return await timed(cluster, workload.functions[workload.functionOf[call] ?? 0]?.name ?? '')
    })
  )
  const after = await overheadsMs(cluster)
  const overheadMs = median([...before, ...after])
  const { calls } = replay({
    workload: workloadOf(overheadMs),
    fleet: Array.from({ length: PEERS }, (_, i) => ({
      name: `peer-${i}`,
      cpus: CPUS,
      speed: 1,
      memoryBytes: 2 ** 33,
      gpus: 0,
      usdPerHour: 0
    })),
    chooser: strategyChooser('cost', STRATEGIES.cost),
    seed: SEED,
    placers: 1,
    waitingOrder: 'interactive',
    sharesCores: true,
    gossipMs: 500,
    gossipDelayMs: 5,
    lossRatio: 0,
    keepAliveMs: 60_000,
    estimates: 'learned',
    crashesPerHour: 0
  })
  const simulated = Array.from({ length: calls.size }, (_, call) => (calls.endMs[call] ?? 0) - calls.arrivalMs(call))
  const mean = (values: readonly number[]): number => values.reduce((sum, ms) => sum + ms, 0) / values.length
  console.log(
    `${callsCount} calls at load ${LOAD}, seed ${SEED}; a call costs ${overheadMs.toFixed(1)} ms besides its sleep (${median(before).toFixed(1)} before, ${median(after).toFixed(1)} after)`
  )
  for (const [name, values] of Object.entries({ real, simulated })) {
    const ascending = Float64Array.from(values).sort()
    const shares = [0.5, 0.9, 0.99].map(share => `p${share * 100} ${quantile(ascending, share).toFixed(0)} ms`)
    console.log(`${name.padEnd(10)} mean ${mean(values).toFixed(0)} ms   ${shares.join('   ')}`)
  }
  const off = mean(simulated) / mean(real) - 1
  console.log(`the simulated mean is ${(100 * off).toFixed(1)} % off, aim at most ${100 * OFF_RATIO_MAX} %`)
  process.exitCode = Math.abs(off) <= OFF_RATIO_MAX ? 0 : 1
} finally {
  await cluster.stop()
}

import { createRandom } from '../../model/random.ts'
import type { Outcome, Plan, Run } from '../subject.ts'
import { Violation } from '../violation.ts'
import { World } from '../world.ts'
import { WholeCluster } from './cluster.ts'
import type { WholeCoverage } from './coverage.ts'
import { drawLaterFaults, drawWholeFaults, type WholeFault } from './faults.ts'
import { FUNCTIONS } from './functions.ts'
import { contradictions } from './judge.ts'
import { taskContradictions } from './judge-tasks.ts'
import { drawLaterKnobs, drawLatestKnobs, drawWholeKnobs, type WholeKnobs } from './knobs.ts'
import { RETRANSMISSION_MS_MAX } from './wires.ts'

/** Longest that a healed cluster may take to be whole: many elections, and voters that prove themselves one after the other. */
const HEAL_MS_MAX = 40_000
const HEAL_STEP_MS = 250
/** Then every peer answers a call within this. */
const PROBE_MS = 1_500
/** Chance within a run draws from a seed of its own, so that a plan that is cut down meets as much of the same chance as it can. */
const CHANCE_SEED_OFFSET = 2 ** 40
/** … and so do knobs and faults that came later, so that seeds which have found something still draw the faults that found it. */
const LATER_SEED_OFFSET = 2 ** 41
const LATEST_SEED_OFFSET = 2 ** 42

/** The plan that a seed draws, or what is given in place of it. */
export function planWholeRun({
  seed,
  knobs: someKnobs,
  faults
}: Pick<Run<WholeKnobs, WholeFault>, 'seed' | 'knobs' | 'faults'>): Plan<WholeKnobs, WholeFault> {
  const random = createRandom(seed)
  const drawn = drawWholeKnobs(random)
  const later = createRandom(seed + LATER_SEED_OFFSET)
  const knobs = { ...drawn, ...drawLaterKnobs(later, drawn), ...drawLatestKnobs(createRandom(seed + LATEST_SEED_OFFSET)), ...someKnobs }
  return { knobs, faults: faults ?? [...drawWholeFaults(random, knobs), ...drawLaterFaults(later, knobs)] }
}

/**
 * Runs one cluster of whole peers through its faults, with clients that call, upload and submit tasks all the while; then ends the faults, waits until it is
 * whole again, calls every function through every peer, and judges the history. Only one run at a time: unhandled rejections are the run's.
 */
export async function simulateWhole({
  seed,
  knobs: someKnobs,
  faults: givenFaults,
  trace
}: Run<WholeKnobs, WholeFault>): Promise<Outcome & { readonly coverage: WholeCoverage }> {
  const { knobs, faults } = planWholeRun({ seed, knobs: someKnobs, faults: givenFaults })
  const world = new World({ random: createRandom(seed + CHANCE_SEED_OFFSET), trace })
  world.trace(() => `seed ${seed}: ${JSON.stringify(knobs)}`)
  const cluster = new WholeCluster(world, knobs)
  let violation: string | undefined
  // In production it would end the process.
  const onRejection = (reason: unknown): void =>
    world.fail(
      new Violation(
        `a promise was rejected and nobody looked: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`
      )
    )
  process.on('unhandledRejection', onRejection)
  try {
    await run(world, cluster, knobs, faults)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    violation = `${error instanceof Violation ? '' : `${error.name}: `}${error.message} (at ${world.nowMs.toFixed(0)} ms)`
    world.trace(() => error.stack ?? error.message)
  }
  cluster.count()
  const outcome = {
    seed,
    violation,
    coverage: { ...cluster.coverage },
    virtualMs: world.nowMs,
    eventsCount: world.eventsCount,
    digest: `${world.fingerprint.toString(16)}/${world.eventsCount}`
  }
  await world.end()
  process.off('unhandledRejection', onRejection)
  return outcome
}

async function run(world: World, cluster: WholeCluster, knobs: WholeKnobs, faults: readonly WholeFault[]): Promise<void> {
  for (const fault of faults) world.at(fault.atMs, () => cluster.strike(fault))
  await cluster.start()
  await world.settleUntil(knobs.chaosMs)
  cluster.heal()
  cluster.clients.close()
  cluster.taskClients.close()
  // What is still on its way over links as they were.
  await world.settleUntil(world.nowMs + RETRANSMISSION_MS_MAX)
  await untilWhole(world, cluster)
  await probe(world, cluster)
  const found = [
    ...contradictions(cluster.history, cluster.finals(), world.nowMs),
    ...taskContradictions(cluster.taskHistory, cluster.finalTasks())
  ]
  if (found.length > 0) throw new Violation(found.slice(0, 3).join('; '))
}

async function untilWhole(world: World, cluster: WholeCluster): Promise<void> {
  const limitMs = world.nowMs + HEAL_MS_MAX
  let unfinished: string | undefined = 'not yet looked'
  while (unfinished !== undefined) {
    if (world.nowMs >= limitMs) throw new Violation(`not whole again ${HEAL_MS_MAX} ms after the last fault: ${unfinished}`)
    await world.settleUntil(world.nowMs + HEAL_STEP_MS)
    unfinished = cluster.findUnfinished()
  }
}

/** Where nothing is wrong, every call is placed by the orchestrator and answered. */
async function probe(world: World, cluster: WholeCluster): Promise<void> {
  const work = { latencyMs: 1, pieces: 1, pieceEveryMs: 0, pieceBytes: 0, fails: false, isLong: false }
  const probes = cluster.peers.flatMap(peer =>
    FUNCTIONS.map(fn => cluster.clients.call(peer, { ...work, key: `probe-${peer.id}-${fn.name}` }, fn))
  )
  await world.settleUntil(world.nowMs + PROBE_MS)
  for (const call of probes) {
    if (call?.cancelledMs !== undefined) continue
    if (call?.end?.type !== 'ok')
      throw new Violation(`in a cluster that is whole, a call through ${call?.gateway} ended so: ${JSON.stringify(call?.end)}`)
    if (call.placement !== 'orchestrator') throw new Violation(`in a cluster that is whole, ${call.gateway} placed a call itself`)
  }
}

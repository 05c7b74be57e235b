import { createRandom } from '../../model/random.ts'
import type { Outcome, Plan, Run } from '../subject.ts'
import { Violation } from '../violation.ts'
import { World } from '../world.ts'
import { SimulatedCluster } from './cluster.ts'
import { type Coverage, emptyCoverage } from './coverage.ts'
import { drawFaults, type Fault } from './faults.ts'
import { drawKnobs, type Knobs } from './knobs.ts'

/** Longest that a healed cluster may take: many elections, and many changes of voters. */
const HEAL_MS_MAX = 60_000
const HEAL_STEP_MS = 500

/** Chance within a run draws from a seed of its own, so that a plan that is cut down meets as much of the same chance as it can. */
const CHANCE_SEED_OFFSET = 2 ** 40

/** In one of so many seeds there are reads. By its number, not by chance: it would make of every other seed another one. */
const READS_EVERY_SEEDS = 5

/** The plan that a seed draws, or what is given in place of it. */
export function planRun({ seed, knobs: someKnobs, faults }: Pick<Run<Knobs, Fault>, 'seed' | 'knobs' | 'faults'>): Plan<Knobs, Fault> {
  const random = createRandom(seed)
  const knobs = { ...drawKnobs(random), asksReads: seed % READS_EVERY_SEEDS === 1, ...someKnobs }
  return { knobs, faults: faults ?? drawFaults(random, knobs) }
}

/**
 * Runs one cluster through its faults, checking safety at every event, then heals it and checks liveness: one leader that all follow, the
 * right voters, the same state everywhere, and in it every acknowledged command.
 */
export function simulateConsensus({
  seed,
  knobs: someKnobs,
  faults: givenFaults,
  trace
}: Run<Knobs, Fault>): Outcome & { readonly coverage: Coverage } {
  const { knobs, faults } = planRun({ seed, knobs: someKnobs, faults: givenFaults })
  const world = new World({ random: createRandom(seed + CHANCE_SEED_OFFSET), trace })
  world.trace(() => `seed ${seed}: ${JSON.stringify(knobs)}`)
  let cluster: SimulatedCluster | undefined
  let violation: string | undefined
  try {
    cluster = new SimulatedCluster(world, knobs)
    run(world, cluster, knobs, faults)
  } catch (error) {
    // A broken assertion of the core is a violation as well; its stack belongs into the trace.
    if (!(error instanceof Error)) throw error
    violation = `${error instanceof Violation ? '' : `${error.name}: `}${error.message} (at ${world.nowMs.toFixed(0)} ms)`
    world.trace(() => error.stack ?? error.message)
  }
  return {
    seed,
    violation,
    coverage: cluster?.coverage ?? emptyCoverage(),
    virtualMs: world.nowMs,
    eventsCount: world.eventsCount,
    digest: `${cluster?.safety.finalMachine()?.hash ?? 0}/${world.eventsCount}`
  }
}

function run(world: World, cluster: SimulatedCluster, knobs: Knobs, faults: readonly Fault[]): void {
  for (const fault of faults) world.at(fault.atMs, () => cluster.strike(fault))
  cluster.start()
  world.runUntil(knobs.chaosMs)
  cluster.heal()
  const limitMs = world.nowMs + HEAL_MS_MAX
  let unfinished: string | undefined = 'not yet looked'
  while (unfinished !== undefined && world.nowMs < limitMs) {
    world.runUntil(world.nowMs + HEAL_STEP_MS)
    unfinished = cluster.findUnfinished()
  }
  if (unfinished !== undefined) throw new Violation(`not whole again ${HEAL_MS_MAX} ms after the last fault: ${unfinished}`)
  cluster.safety.checkAcknowledged()
}

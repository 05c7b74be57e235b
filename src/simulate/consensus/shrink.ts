import { type ConsensusOutcome, type Plan, planRun, simulateConsensus } from './simulate.ts'
import { FAIR_QUALITY, type Knobs } from './knobs.ts'

/** A failing run, cut down. */
export interface ShrunkRun {
  readonly plan: Plan
  readonly outcome: ConsensusOutcome
  /** Simulated runs that it took. */
  readonly runsCount: number
}

/** A run takes some 15 ms: a few seconds for a failure that somebody will look at for an hour. */
const RUNS_MAX = 400

/** One calm thing each, in place of what the seed drew. */
const CALMER: readonly Partial<Knobs>[] = [
  { restlessRatio: 0 },
  { quality: FAIR_QUALITY },
  { dieAfterPersistRatio: 0 },
  { clockDriftRatio: 0 },
  { isGuarded: false },
  { preVote: true },
  { areTablesDurable: true },
  { compactAfterEntries: 1_000 },
  { jitterRatio: 1 },
  { fsyncMsMax: 1 },
  { isGrown: false }
]

/**
 * Cuts the plan of a failing seed down: faults by delta debugging (Zeller and Hildebrandt, 2002), and each knob that can be calm without the
 * failure going away. Any broken rule counts, not only the first one. Undefined when the seed does not fail.
 */
export function shrink(seed: number): ShrunkRun | undefined {
  let plan = planRun({ seed })
  let runsCount = 0
  const tryPlan = (candidate: Plan): ConsensusOutcome | undefined => {
    if (runsCount >= RUNS_MAX) return undefined
    runsCount += 1
    const outcome = simulateConsensus({ seed, ...candidate })
    return outcome.violation === undefined ? undefined : outcome
  }
  let outcome = tryPlan(plan)
  if (outcome === undefined) return undefined
  const keepIfFailing = (candidate: Plan): boolean => {
    const failed = tryPlan(candidate)
    if (failed === undefined) return false
    outcome = failed
    plan = candidate
    return true
  }
  for (let parts = 2; plan.faults.length > 0; ) {
    const size = Math.ceil(plan.faults.length / parts)
    const starts = Array.from({ length: Math.ceil(plan.faults.length / size) }, (_, part) => part * size)
    const isCut = starts.some(start => keepIfFailing({ ...plan, faults: plan.faults.toSpliced(start, size) }))
    if (isCut) parts = Math.max(2, parts - 1)
    else if (size === 1) break
    else parts = Math.min(plan.faults.length, parts * 2)
  }
  for (const calmer of CALMER) keepIfFailing({ ...plan, knobs: { ...plan.knobs, ...calmer } })
  return { plan, outcome, runsCount }
}

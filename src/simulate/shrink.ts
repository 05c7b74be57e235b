import type { Outcome, Plan, Subject } from './subject.ts'

/** A failing run, cut down. */
export interface ShrunkRun<Knobs, Fault> {
  readonly plan: Plan<Knobs, Fault>
  readonly outcome: Outcome
  /** Simulated runs that it took. */
  readonly runsCount: number
}

/**
 * Cuts the plan of a failing seed down: faults by delta debugging (Zeller and Hildebrandt, 2002), and each knob that can be calm without the
 * failure going away. Any broken rule counts, not only the first one. Undefined when the seed does not fail.
 */
export async function shrink<Knobs, Fault>(subject: Subject<Knobs, Fault>, seed: number): Promise<ShrunkRun<Knobs, Fault> | undefined> {
  let plan = subject.plan({ seed })
  let runsCount = 0
  const tryPlan = async (candidate: Plan<Knobs, Fault>): Promise<Outcome | undefined> => {
    if (runsCount >= subject.shrinkRunsMax) return undefined
    runsCount += 1
    const outcome = await subject.simulate({ seed, knobs: candidate.knobs, faults: candidate.faults })
    return outcome.violation === undefined ? undefined : outcome
  }
  let outcome = await tryPlan(plan)
  if (outcome === undefined) return undefined
  const keepIfFailing = async (candidate: Plan<Knobs, Fault>): Promise<boolean> => {
    const failed = await tryPlan(candidate)
    if (failed === undefined) return false
    outcome = failed
    plan = candidate
    return true
  }
  for (let parts = 2; plan.faults.length > 0; ) {
    const size = Math.ceil(plan.faults.length / parts)
    let isCut = false
    for (let start = 0; start < plan.faults.length && !isCut; start += size) {
      isCut = await keepIfFailing({ ...plan, faults: plan.faults.toSpliced(start, size) })
    }
    if (isCut) parts = Math.max(2, parts - 1)
    else if (size === 1) break
    else parts = Math.min(plan.faults.length, parts * 2)
  }
  for (const calmer of subject.calmer) await keepIfFailing({ ...plan, knobs: { ...plan.knobs, ...calmer } })
  return { plan, outcome, runsCount }
}

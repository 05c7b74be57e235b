import { shrink } from './shrink.ts'
import type { AnySubject, Counters, Outcome, Subject } from './subject.ts'

/** The seeds from `from` to `from + count - 1`. */
export interface SeedRange {
  readonly from: number
  readonly count: number
}

/** What many runs amount to. */
export interface RunSummary {
  readonly seedsCount: number
  /** The first {@link FAILURES_MAX} runs that broke a rule. */
  readonly failures: readonly Outcome[]
  readonly coverage: Counters
  readonly virtualMs: number
  readonly eventsCount: number
}

/** After so many failures more of them tell nothing new. */
const FAILURES_MAX = 10

/** A summary of nothing yet. */
export const NO_RUNS: RunSummary = { seedsCount: 0, failures: [], coverage: {}, virtualMs: 0, eventsCount: 0 }

/** Simulates the seeds `from` to `from + count - 1`. Stops early after {@link FAILURES_MAX} failures. */
export async function runSeeds(subject: AnySubject, { from, count }: SeedRange): Promise<RunSummary> {
  let summary = NO_RUNS
  for (let seed = from; seed < from + count && summary.failures.length < FAILURES_MAX; seed += 1) {
    const outcome = await subject.simulate({ seed })
    const { coverage, virtualMs, eventsCount, violation } = outcome
    summary = addRuns(summary, { seedsCount: 1, failures: violation === undefined ? [] : [outcome], coverage, virtualMs, eventsCount })
  }
  return summary
}

/** Both summaries in one. */
export function addRuns(a: RunSummary, b: RunSummary): RunSummary {
  const coverage: Record<string, number> = { ...a.coverage }
  for (const [corner, count] of Object.entries(b.coverage)) coverage[corner] = (coverage[corner] ?? 0) + count
  return {
    seedsCount: a.seedsCount + b.seedsCount,
    failures: [...a.failures, ...b.failures].slice(0, FAILURES_MAX),
    coverage,
    virtualMs: a.virtualMs + b.virtualMs,
    eventsCount: a.eventsCount + b.eventsCount
  }
}

/** The end of a trace that a reader needs to see what broke, in lines. */
const TRACE_LINES_MAX = 80

/** What a reader needs to understand a failure: the plan it takes, cut down, and the end of what then happens. */
export async function explainFailure<Knobs, Fault>(subject: Subject<Knobs, Fault>, { seed }: Outcome): Promise<string> {
  const shrunk = await shrink(subject, seed)
  if (shrunk === undefined) return `SEED=${seed} does not fail again`
  const { plan, outcome, runsCount } = shrunk
  const lines: string[] = []
  await subject.simulate({ seed, knobs: plan.knobs, faults: plan.faults, trace: line => lines.push(line) })
  return [
    `${describeFailure(outcome)}, with ${plan.faults.length} faults, after ${runsCount} runs:`,
    ...plan.faults.map(fault => `  ${JSON.stringify(fault)}`),
    ...lines.slice(0, 1),
    ...(lines.length > TRACE_LINES_MAX ? ['      ...'] : []),
    ...lines.slice(1).slice(-TRACE_LINES_MAX)
  ].join('\n')
}

/** One line for one failure: how to see it again, and what it was. */
export function describeFailure({ seed, violation }: Outcome): string {
  return `SEED=${seed} ${violation ?? 'no violation'}`
}

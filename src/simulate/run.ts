import { addCoverage, type Coverage, emptyCoverage } from './consensus/coverage.ts'
import { shrink } from './consensus/shrink.ts'
import { type ConsensusOutcome, simulateConsensus } from './consensus/simulate.ts'

export interface SeedRange {
  readonly from: number
  readonly count: number
}

/** What many runs amount to. */
export interface RunSummary {
  readonly seedsCount: number
  /** The first {@link FAILURES_MAX} runs that broke a rule. */
  readonly failures: readonly ConsensusOutcome[]
  readonly coverage: Coverage
  readonly virtualMs: number
  readonly eventsCount: number
}

/** After so many failures more of them tell nothing new. */
const FAILURES_MAX = 10

/** Simulates the seeds `from` to `from + count - 1`. Stops early after {@link FAILURES_MAX} failures. */
export function runSeeds({ from, count }: SeedRange): RunSummary {
  const failures: ConsensusOutcome[] = []
  const coverage = emptyCoverage()
  let [seedsCount, virtualMs, eventsCount] = [0, 0, 0]
  for (let seed = from; seed < from + count && failures.length < FAILURES_MAX; seed += 1) {
    const outcome = simulateConsensus({ seed })
    seedsCount += 1
    virtualMs += outcome.virtualMs
    eventsCount += outcome.eventsCount
    addCoverage(coverage, outcome.coverage)
    if (outcome.violation !== undefined) failures.push(outcome)
  }
  return { seedsCount, failures, coverage, virtualMs, eventsCount }
}

/** The end of a trace that a reader needs to see what broke, in lines. */
const TRACE_LINES_MAX = 80

/** What a reader needs to understand a failure: the plan it takes, cut down, and the end of what then happens. */
export function explainFailure({ seed }: ConsensusOutcome): string {
  const shrunk = shrink(seed)
  if (shrunk === undefined) return `SEED=${seed} does not fail again`
  const { plan, outcome, runsCount } = shrunk
  const lines: string[] = []
  simulateConsensus({ seed, ...plan, trace: line => lines.push(line) })
  return [
    `${describeFailure(outcome)}, with ${plan.faults.length} faults, after ${runsCount} runs:`,
    ...plan.faults.map(fault => `  ${JSON.stringify(fault)}`),
    ...lines.slice(0, 1),
    ...(lines.length > TRACE_LINES_MAX ? ['      ...'] : []),
    ...lines.slice(1).slice(-TRACE_LINES_MAX)
  ].join('\n')
}

/** One line for one failure: how to see it again, and what it was. */
export function describeFailure({ seed, violation }: ConsensusOutcome): string {
  return `SEED=${seed} ${violation ?? 'no violation'}`
}

/*
 * Simulates consensus: npx node scripts/simulate.ts [--seeds N] [--from S] [--trace]
 * Prints one line for each failure, the first one cut down to the faults that it takes, and one line in all; exits with 1 when a rule was
 * broken. `--trace` prints the run of seed S, event by event.
 */
import { parseArgs } from 'node:util'
import { simulateConsensus } from '../src/simulate/consensus/simulate.ts'
import { describeFailure, explainFailure, runSeeds } from '../src/simulate/run.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false }
  }
})
const [from, count] = [Number(values.from), Number(values.seeds)]
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1) {
  console.error('--from and --seeds must be whole numbers, --seeds at least 1')
  process.exit(2)
}
if (values.trace) {
  const outcome = simulateConsensus({ seed: from, trace: line => console.log(line) })
  console.log(describeFailure(outcome))
  process.exit(outcome.violation === undefined ? 0 : 1)
}
const startMs = performance.now()
const { seedsCount, failures, coverage, virtualMs, eventsCount } = runSeeds({ from, count })
const seconds = (performance.now() - startMs) / 1_000
for (const failure of failures) console.error(describeFailure(failure))
if (failures[0] !== undefined) console.error(explainFailure(failures[0]))
console.log(
  `${seedsCount} seeds, ${failures.length} failures, ${(virtualMs / 3_600_000).toFixed(1)} virtual hours, ${eventsCount} events, ` +
    `${Math.round((seedsCount / seconds) * 60)} seeds/min, ${JSON.stringify(coverage)}`
)
process.exitCode = failures.length === 0 ? 0 : 1

/* Simulates clusters under faults: `USAGE` says how. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { CONSENSUS } from '../src/simulate/consensus/subject.ts'
import { addRuns, describeFailure, explainFailure, NO_RUNS, type RunSummary, runSeeds, type SeedRange } from '../src/simulate/run.ts'
import { type AnySubject, type Outcome, type Subject, withPeers } from '../src/simulate/subject.ts'
import { WHOLE } from '../src/simulate/whole/subject.ts'

const USAGE = `Simulates clusters under faults.

  npx node scripts/simulate.ts [--seeds N] [--from S] [--whole] [--peers P] [--jobs J] [--trace]

  --seeds N   how many runs, one of each seed              1000; with --whole 50
  --from S    the first seed                               1
  --whole     whole peers of production code; without it, the consensus core alone
  --peers P   in clusters of P peers                       as many as each seed draws
  --jobs J    threads                                      one for each processor
  --trace     prints the run of seed S, event by event

Tells on a terminal how far it is. Prints a line for each failure, the first one cut down to the faults that it takes, and one
line in all. Exits with 1 when a rule was broken, or when many runs have left a corner untried; with 2 when it does not understand.

  npx node scripts/simulate.ts --seeds 20000
  npx node scripts/simulate.ts --whole --from 42 --trace`

/** A thread asks for the next seeds so often that no other one waits long for it at the end. */
const BATCHES_PER_JOB = 20
const BATCH_SEEDS_MAX = 200

/**
 * A corner into which chance leads one run in a hundred: it is counted, and not demanded. A worker ends its work when its lease is over, before the
 * orchestrator gives its session up; to be told that it was given up it must have slept through just that. `test/simulate/whole-scenarios.spec.ts` leads there.
 */
const RARE = new Set(['taskSessionsBurned'])

/** From so many seeds on, a corner that was never tried is a failure of the suite. */
const CONSENSUS_SEEDS_MIN = 1_000
const WHOLE_SEEDS_MIN = 150

/** What is simulated; a thread is told of it in this way. */
interface Choice {
  readonly whole: boolean
  /** Undefined: as many as each seed draws. */
  readonly peers: number | undefined
}

if (isMainThread) await main()
else work()

/** In a thread: runs the ranges that come. */
function work(): void {
  const { subject } = choose(workerData as Choice)
  // A failure is run again to be explained, and then every error may say where it was made.
  Error.stackTraceLimit = 0
  parentPort?.on('message', (range: SeedRange) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    void runSeeds(subject, range).then(summary => parentPort?.postMessage(summary))
  })
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      peers: { type: 'string' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      whole: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const [from, count, jobs] = [Number(values.from), Number(values.seeds ?? (values.whole ? 50 : 1_000)), Number(values.jobs)]
  const choice: Choice = { whole: values.whole, peers: values.peers === undefined ? undefined : Number(values.peers) }
  if (!Number.isSafeInteger(from) || !isCount(count) || !isCount(jobs) || !isCount(choice.peers ?? 1)) {
    console.error('--from, --seeds, --peers and --jobs must be whole numbers, the last three at least 1')
    process.exit(2)
  }
  const { subject, explain } = choose(choice)
  if (values.trace) {
    const outcome = await subject.simulate({ seed: from, trace: line => console.log(line) })
    console.log(describeFailure(outcome))
    process.exit(outcome.violation === undefined ? 0 : 1)
  }
  const startMs = performance.now()
  const { seedsCount, failures, coverage, virtualMs, eventsCount } = await runInThreads(choice, { from, count }, jobs)
  const seconds = (performance.now() - startMs) / 1_000
  for (const failure of failures) console.error(describeFailure(failure))
  if (failures[0] !== undefined) console.error(await explain(failures[0]))
  console.log(
    `${subject.name}: ${seedsCount} seeds, ${failures.length} failures, ${(virtualMs / 3_600_000).toFixed(1)} virtual hours, ` +
      `${eventsCount} events, ${Math.round((seedsCount / seconds) * 60)} seeds/min in ${jobs} threads, ${JSON.stringify(coverage)}`
  )
  const untried = Object.keys(coverage).filter(corner => coverage[corner] === 0 && !RARE.has(corner))
  const isProof = choice.peers === undefined && count >= (values.whole ? WHOLE_SEEDS_MIN : CONSENSUS_SEEDS_MIN)
  if (isProof && untried.length > 0) console.error(`never tried, so that nothing is said about it: ${untried.join(', ')}`)
  process.exitCode = failures.length === 0 && !(isProof && untried.length > 0) ? 0 : 1
}

function choose({ whole, peers }: Choice): ReturnType<typeof sized> {
  return whole ? sized(WHOLE, peers) : sized(CONSENSUS, peers)
}

function sized<Knobs extends { readonly peersCount: number }, Fault>(
  drawn: Subject<Knobs, Fault>,
  peers: number | undefined
): { subject: AnySubject; explain: (failure: Outcome) => Promise<string> } {
  const subject = peers === undefined ? drawn : withPeers(drawn, peers)
  return { subject, explain: failure => explainFailure(subject, failure) }
}

/** Deals the seeds out in batches, until they are all done or enough have failed. */
async function runInThreads(choice: Choice, { from, count }: SeedRange, jobs: number): Promise<RunSummary> {
  const size = Math.max(1, Math.min(BATCH_SEEDS_MAX, Math.ceil(count / jobs / BATCHES_PER_JOB)))
  let next = from
  let summary = NO_RUNS
  const thread = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url), { workerData: choice, argv: [] })
    try {
      while (next < from + count && summary.failures.length === 0) {
        const range = { from: next, count: Math.min(size, from + count - next) }
        next += size
        const more = await ask(worker, range)
        summary = addRuns(summary, more)
        tellProgress(`${summary.seedsCount} of ${count} seeds, ${summary.failures.length} failures`)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: jobs }, thread))
  tellProgress('')
  return { ...summary, failures: summary.failures.toSorted((a, b) => a.seed - b.seed) }
}

/** On the last line of a person's terminal; nothing in pipes. */
function tellProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`)
}

function ask(worker: Worker, range: SeedRange): Promise<RunSummary> {
  return new Promise((resolve, reject) => {
    const done = (summary: RunSummary): void => {
      worker.off('error', reject)
      resolve(summary)
    }
    worker.once('error', reject)
    worker.once('message', done)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    worker.postMessage(range)
  })
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1
}

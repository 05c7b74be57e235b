/*
 * Writes the table of faults and promises into the README, from two runs: simulated clusters of whole peers, and the faults that
 * `test/faults` makes happen to real processes: npm run fault-table [-- --seeds N] [--from S] [--results DIR]
 * With `--results` what was run is kept there, twenty seeds and one spec at a time, and what has passed is not run again: so a run that was
 * interrupted goes on. Both parts tell how far they are on stderr.
 * Exits with 1, and leaves the README as it is, when a promise was broken, or when a test of the table does not exist.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FAULT_NAMES } from '../src/simulate/whole/faults.ts'
import { addRuns, describeFailure, NO_RUNS, type RunSummary, runSeeds } from '../src/simulate/run.ts'
import { WHOLE } from '../src/simulate/whole/subject.ts'
import { PROOFS } from '../test/faults/proofs.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const README = join(ROOT, 'README.md')
const MARKERS = { begin: '<!-- written by scripts/fault-table.ts -->', end: '<!-- end -->' }

/** The promises that the two runs check, by their numbers in the README. */
const PROMISES: readonly (readonly [number, string])[] = [
  [1, 'one orchestrator a term'],
  [2, 'calls are answered'],
  [3, 'at most once'],
  [4, 'acknowledged is kept'],
  [5, 'all agree again']
]
/** A simulated run checks all of these. */
const SIMULATED: ReadonlySet<number> = new Set(PROMISES.map(([number]) => number))

interface RealResult {
  readonly title: string
  readonly state: 'passed' | 'failed' | 'skipped'
}

/** Seeds that are kept together. */
const SEEDS_KEPT = 20

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '1' }, results: { type: 'string' } }
})
const [from, count] = [Number(values.from), Number(values.seeds)]

const results = values.results ?? (await mkdtemp(join(tmpdir(), 'cares-faults-')))
await mkdir(results, { recursive: true })
const simulated = await simulate()
const real = await runRealFaults()
if (values.results === undefined) await rm(results, { recursive: true, force: true })
const unknown = PROOFS.filter(({ test }) => !real.some(({ title }) => title.startsWith(test)))
const failed = real.filter(({ state }) => state === 'failed')
for (const failure of simulated.failures) console.error(describeFailure(failure))
for (const { title } of failed) console.error(`failed: ${title}`)
for (const { test } of unknown) console.error(`no such test: ${test}`)
if (simulated.failures.length + failed.length + unknown.length > 0) process.exit(1)
const text = await readFile(README, 'utf8')
const [before, rest] = text.split(MARKERS.begin)
const after = rest?.split(MARKERS.end)[1]
if (before === undefined || after === undefined) throw new Error(`README.md has no ${MARKERS.begin} … ${MARKERS.end}`)
await writeFile(README, `${before}${MARKERS.begin}\n\n${table()}\n${MARKERS.end}${after}`)
console.log(table())

async function simulate(): Promise<RunSummary> {
  let summary = NO_RUNS
  for (let done = 0; done < count; done += SEEDS_KEPT) {
    summary = addRuns(summary, await simulateSome({ from: from + done, count: Math.min(SEEDS_KEPT, count - done) }))
    tell(`${Math.min(done + SEEDS_KEPT, count)} of ${count} seeds, ${summary.failures.length} failures`)
  }
  return summary
}

async function simulateSome(range: { from: number; count: number }): Promise<RunSummary> {
  const kept = join(results, `simulated-${range.from}-${range.count}.json`)
  const known = await readFile(kept, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known) as RunSummary
  const summary = await runSeeds(WHOLE, range)
  if (summary.failures.length === 0) await writeFile(kept, JSON.stringify(summary))
  return summary
}

function tell(text: string): void {
  console.error(`${(performance.now() / 60_000).toFixed(1)} min: ${text}`)
}

async function runRealFaults(): Promise<readonly RealResult[]> {
  const specs = (await readdir(join(ROOT, 'test/faults'))).filter(name => name.endsWith('.spec.ts')).sort()
  const all: RealResult[] = []
  for (const spec of specs) {
    const output = join(results, `${spec}.json`)
    const known = await readResults(output)
    if (known === undefined || known.some(({ state }) => state === 'failed')) {
      tell(`${specs.indexOf(spec) + 1} of ${specs.length} specs: ${spec}`)
      await runSpec(spec, output)
    }
    const found = (await readResults(output)) ?? [{ title: `${spec} did not end`, state: 'failed' as const }]
    for (const { title, state } of found) console.error(`${state}: ${title}`)
    all.push(...found)
  }
  return all
}

/** That tests failed is told by the results. */
async function runSpec(spec: string, output: string): Promise<void> {
  await rm(output, { force: true })
  const mocha = [join(ROOT, 'node_modules/mocha/bin/mocha.js'), '--config', 'test/faults/mocharc.json']
  const args = [...mocha, '--reporter', 'json', '--reporter-option', `output=${output}`, '--spec', `test/faults/${spec}`]
  await new Promise(resolve => execFile(process.execPath, args, { cwd: ROOT, maxBuffer: 2 ** 28 }, resolve))
}

/** Undefined where there are none. */
async function readResults(path: string): Promise<readonly RealResult[] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const { passes, failures, pending } = JSON.parse(text) as Record<string, readonly { fullTitle: string }[]>
  const all = (tests: readonly { fullTitle: string }[] | undefined, state: RealResult['state']): RealResult[] =>
    (tests ?? []).map(({ fullTitle }) => ({ title: fullTitle, state }))
  return [...all(passes, 'passed'), ...all(failures, 'failed'), ...all(pending, 'skipped')]
}

function table(): string {
  const { seedsCount, coverage, virtualMs } = simulated
  const drawn: Record<string, number> = { 'clock that drifts': coverage['clockDrifts'] ?? 0 }
  for (const name of FAULT_NAMES) drawn[name] = coverage[`fault: ${name}`] ?? 0
  drawn['killed between a write and its echo'] = coverage['diedAfterWrite'] ?? 0
  const faults = [...new Set([...Object.keys(drawn), ...PROOFS.map(({ fault }) => fault)])].sort()
  const rows = faults.map(fault => `| ${fault} | ${PROMISES.map(([promise]) => cell(fault, promise, drawn[fault] ?? 0)).join(' | ')} |`)
  const calls = (coverage['callsOk'] ?? 0) + (coverage['callsFailed'] ?? 0)
  return [
    `| fault | ${PROMISES.map(([number, name]) => `${number}: ${name}`).join(' | ')} |`,
    `| --- |${PROMISES.map(() => ' --- |').join('')}`,
    ...rows,
    '',
    `A number: how often the fault struck in ${grouped(seedsCount)} simulated clusters of whole peers (${grouped(virtualMs / 60_000)} virtual minutes, ` +
      `${grouped(calls)} calls, ${grouped(coverage['uploadsOk'])} acknowledged uploads, ${grouped(coverage['tasksAccepted'])} accepted tasks, ` +
      `${grouped(coverage['elections'])} elections), ` +
      'of which none broke a promise. ' +
      '**real**: it happened to real processes; a checker read the whole history of their clients, or, where there was nobody left to call (a deleted data ' +
      'directory, a majority or an engine lost), the test asked for what was promised.',
    ''
  ].join('\n')
}

/** 22077 as `22,077`. */
function grouped(count = 0): string {
  return Math.round(count).toLocaleString('en-US')
}

function cell(fault: string, promise: number, times: number): string {
  const proofs = PROOFS.filter(proof => proof.fault === fault && proof.promises.includes(promise))
  const isReal = proofs.some(({ test }) => real.some(({ title, state }) => state === 'passed' && title.startsWith(test)))
  const isSimulated = times > 0 && SIMULATED.has(promise)
  return [...(isSimulated ? [grouped(times)] : []), ...(isReal ? ['**real**'] : [])].join(', ') || '–'
}

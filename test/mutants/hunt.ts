import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { PlantedCopy } from './planted.ts'

const MOCHA = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url))
/** A hundredfold of what a batch takes on an idle machine. */
const BATCH_MS_MAX = 180_000
const TESTS_MS_MAX = 120_000
/** Seeds that cost about as much as the directed tests. */
const SOON_BATCHES = 5

/** Where bugs are planted, and what is to find them. */
export interface Ground {
  /** The module of the subject, its name there, and seeds of one message of the worker: one that loops for ever is noticed when no answer comes. */
  readonly subject: { readonly module: string; readonly name: string; readonly seedsPerBatch: number }
  /** Tables and directed scenarios. Golden stories do not count: any change changes them. */
  readonly specs: readonly string[]
}

/** The consensus core, simulated alone. */
export const CONSENSUS_GROUND: Ground = {
  subject: { module: 'src/simulate/consensus/subject.ts', name: 'CONSENSUS', seedsPerBatch: 10 },
  specs: ['election', 'quorum', 'read-index', 'replication', 'scenarios'].map(name => `test/core/consensus/${name}.spec.ts`)
}

/** The way of a call, simulated in whole clusters. */
export const CALL_GROUND: Ground = {
  subject: { module: 'src/simulate/whole/subject.ts', name: 'WHOLE', seedsPerBatch: 2 },
  specs: [
    'agreement/proposals',
    'calls/execution-ids',
    'calls/invoke',
    'calls/orchestrate',
    'calls/silent-worker',
    'calls/work',
    'calls/worker-watch',
    'life-cycle'
  ].map(name => `test/daemon/${name}.spec.ts`)
}

/** Durable tasks, simulated in whole clusters whose clients do little else. */
export const TASK_GROUND: Ground = {
  subject: { module: 'src/simulate/whole/subject.ts', name: 'WHOLE_TASKS', seedsPerBatch: 2 },
  specs: [
    'core/tasks/apply-changes',
    'core/tasks/leases',
    'daemon/tasks/task-orchestrator',
    'daemon/tasks/task-worker',
    'daemon/tasks/tasks'
  ].map(name => `test/${name}.spec.ts`)
}

/** Services, in whole clusters whose clients want some. */
export const SERVICE_GROUND: Ground = {
  subject: { module: 'src/simulate/whole/subject.ts', name: 'WHOLE_SERVICES', seedsPerBatch: 2 },
  specs: ['core/tasks/apply-changes', 'core/tasks/services', 'daemon/services/services'].map(name => `test/${name}.spec.ts`)
}

/** What found a bug. */
export interface Catch {
  readonly by: string
  readonly seed?: number
}

/** The cheapest way first: the seeds that find what shows itself often, then the directed tests, then all the seeds that are allowed. */
export async function hunt(copy: PlantedCopy, ground: Ground, seedsMax: number): Promise<Catch | undefined> {
  const soonMax = Math.min(seedsMax, SOON_BATCHES * ground.subject.seedsPerBatch)
  return (
    (await huntBySeeds(copy, ground, { from: 1, to: soonMax })) ??
    (await huntByTests(copy, ground)) ??
    (await huntBySeeds(copy, ground, { from: soonMax + 1, to: seedsMax }))
  )
}

/** Runs seeds in the copy until one fails; undefined when none of `first` to `to` does. */
export async function huntBySeeds(
  { root }: PlantedCopy,
  { subject }: Ground,
  { from: first, to: seedsMax }: { readonly from: number; readonly to: number }
): Promise<Catch | undefined> {
  const urlOf = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href)
  const program = `
    const { parentPort } = require('node:worker_threads')
    const ready = Promise.all([import(${urlOf('src/simulate/run.ts')}), import(${urlOf(subject.module)})])
    parentPort.on('message', async range => {
      const [{ runSeeds }, { ${subject.name}: subject }] = await ready
      const { failures } = await runSeeds(subject, range)
      parentPort.postMessage(failures.map(({ seed, violation }) => ({ seed, violation })))
    })`
  const worker = new Worker(program, { eval: true })
  try {
    for (let from = first; from <= seedsMax; from += subject.seedsPerBatch) {
      const failures = await runBatch(worker, { from, count: Math.min(subject.seedsPerBatch, seedsMax - from + 1) })
      const [first] = failures
      if (first !== undefined) return { by: `seed ${first.seed}: ${first.violation}`, seed: first.seed }
    }
    return undefined
  } finally {
    await worker.terminate()
  }
}

interface Failure {
  readonly seed: number
  readonly violation: string
}

function runBatch(worker: Worker, range: { from: number; count: number }): Promise<readonly Failure[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done([{ seed: range.from, violation: `seeds ${range.from} and up never end` }]), BATCH_MS_MAX)
    const done = (failures: readonly Failure[]): void => {
      clearTimeout(timer)
      worker.off('error', fail)
      resolve(failures)
    }
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      reject(new Error('the copy cannot be run', { cause: error }))
    }
    worker.once('message', done)
    worker.once('error', fail)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    worker.postMessage(range)
  })
}

/** Runs the directed tests in the copy; undefined when all pass. */
export async function huntByTests({ root }: PlantedCopy, { specs }: Ground): Promise<Catch | undefined> {
  const args = [MOCHA, '--no-config', '--no-package', '--bail', '--reporter', 'json', '--timeout', '20000', ...specs]
  const options = { cwd: root, timeout: TESTS_MS_MAX, killSignal: 'SIGKILL', maxBuffer: 50_000_000 } as const
  const { stdout, stderr, hangs } = await new Promise<{ stdout: string; stderr: string; hangs: boolean }>(resolve =>
    execFile(process.execPath, args, options, (error, out, err) => resolve({ stdout: out, stderr: err, hangs: error?.killed === true }))
  )
  // A bug that loops for ever on a clock that stands still: nobody needs to say which test it was.
  if (hangs) return { by: `test: they do not end within ${TESTS_MS_MAX / 1_000} s` }
  const start = stdout.indexOf('{\n  "stats"')
  if (start === -1) throw new Error(`the tests of the copy cannot be run: ${(stderr || stdout).trim().slice(0, 500)}`)
  const { failures } = JSON.parse(stdout.slice(start)) as { failures: readonly { fullTitle: string }[] }
  const [first] = failures
  return first === undefined ? undefined : { by: `test: ${first.fullTitle}` }
}

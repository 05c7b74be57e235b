import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { PlantedCopy } from './planted.ts'

const MOCHA = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url))
/** Seeds of one message of the worker: a bug that loops for ever is noticed when the next message does not come. */
const SEEDS_PER_BATCH = 10
/** A hundredfold of what a batch takes on an idle machine. */
const BATCH_MS_MAX = 30_000
const TESTS_MS_MAX = 60_000

/** What found a bug. */
export interface Catch {
  readonly by: string
  readonly seed?: number
}

/** Runs seeds in the copy until one fails; undefined when none of 1 to `seedsMax` does. */
export async function huntBySeeds({ root }: PlantedCopy, seedsMax: number): Promise<Catch | undefined> {
  const url = pathToFileURL(join(root, 'src/simulate/run.ts')).href
  const program = `
    const { parentPort } = require('node:worker_threads')
    const ready = import(${JSON.stringify(url)})
    parentPort.on('message', async range => {
      const { failures } = (await ready).runSeeds(range)
      parentPort.postMessage(failures.map(({ seed, violation }) => ({ seed, violation })))
    })`
  const worker = new Worker(program, { eval: true })
  try {
    for (let from = 1; from <= seedsMax; from += SEEDS_PER_BATCH) {
      const failures = await runBatch(worker, { from, count: Math.min(SEEDS_PER_BATCH, seedsMax - from + 1) })
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

/** Runs the tables and directed scenarios of `test/core/consensus` in the copy; undefined when all pass. Golden stories do not count: any change changes them. */
export async function huntByTests({ root }: PlantedCopy): Promise<Catch | undefined> {
  const specs = ['election', 'quorum', 'replication', 'scenarios'].map(name => `test/core/consensus/${name}.spec.ts`)
  const args = [MOCHA, '--no-config', '--no-package', '--reporter', 'json', '--timeout', '20000', ...specs]
  const stdout = await new Promise<string>(resolve =>
    execFile(process.execPath, args, { cwd: root, timeout: TESTS_MS_MAX, maxBuffer: 50_000_000 }, (_error, out) => resolve(out))
  )
  const start = stdout.indexOf('{\n  "stats"')
  if (start === -1) throw new Error(`the tests of the copy cannot be run: ${stdout.slice(0, 500)}`)
  const { failures } = JSON.parse(stdout.slice(start)) as { failures: readonly { fullTitle: string }[] }
  const [first] = failures
  return first === undefined ? undefined : { by: `test: ${first.fullTitle}` }
}

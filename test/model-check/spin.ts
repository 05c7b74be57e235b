import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ModelRun } from './runs.ts'

const run = promisify(execFile)
const MODELS = fileURLToPath(new URL('.', import.meta.url))

/** Longest for one run, compiling included: about 10 s by itself, and a good deal more where it only gets what other tests leave. */
const RUN_MS_MAX = 500_000
/** Deeper than any path of these models: a search that was cut short would prove nothing, and is an error. */
const DEPTH_MAX = 1_000_000
const MEMORY_MIB_MAX = 4_000

/** What the checker found. */
export interface ModelOutcome {
  readonly result: 'holds' | 'breaks'
  /** States visited: all there are, when the model holds. */
  readonly states: number
  readonly seconds: number
  /** The assertion that failed. */
  readonly failed: string | undefined
}

/** Whether Spin (http://spinroot.com) and a C compiler are there. */
export async function hasSpin(): Promise<boolean> {
  try {
    await run('spin', ['-V'])
    await run('cc', ['--version'])
    return true
  } catch {
    return false
  }
}

/** Searches every state of a model. Throws when the search was cut short, by time, depth or memory: then nothing is known. */
export async function check({ model, defines, expected }: Omit<ModelRun, 'name'>): Promise<ModelOutcome> {
  const startMs = performance.now()
  const cwd = await mkdtemp(join(tmpdir(), 'cares-model-'))
  const options = { cwd, timeout: RUN_MS_MAX, maxBuffer: 10_000_000 }
  try {
    await run('spin', [...defines.map(define => `-D${define}`), '-a', join(MODELS, model)], options)
    // A counterexample comes soon, so compiling would take longer than searching.
    const effort = expected === 'holds' ? '-O1' : '-O0'
    await run('cc', ['-w', effort, '-DSAFETY', `-DMEMLIM=${MEMORY_MIB_MAX}`, '-o', 'pan', 'pan.c'], options)
    const { stdout } = await run(join(cwd, 'pan'), [`-m${DEPTH_MAX}`, '-w22'], options)
    const errors = /errors: (\d+)/.exec(stdout)?.[1]
    const isCut = /max search depth too small|out of memory|Search not completed/.test(stdout) && errors === '0'
    if (errors === undefined || isCut) throw new Error(`the search of ${model} was cut short:\n${stdout}`)
    const failed = /assertion violated (.*) \(at depth/.exec(stdout)?.[1]
    const states = Number(/^\s*([\d.e+]+) states, stored/m.exec(stdout)?.[1])
    return { result: errors === '0' ? 'holds' : 'breaks', states, seconds: (performance.now() - startMs) / 1_000, failed }
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

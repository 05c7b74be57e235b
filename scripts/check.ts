/**
 * `npm run check`: what is worth knowing before each commit, in under a minute on two cores. Steps that need a core each run side by side; the tests
 * are those of the pure rooms, the faces, the stores and the simulator; peers that run, in memory or not, are left to `npm test`, which runs everything.
 *
 *   npx node scripts/check.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const BIN = join(ROOT, 'node_modules/.bin')

/** Each list runs one after the other, the lists beside one another. */
const LISTS: readonly (readonly (readonly [name: string, command: string, ...args: string[]])[])[] = [
  [['tests', 'mocha', '--config', 'test/quick.mocharc.json', '--reporter', 'dot', '--spec', 'test/**/*.spec.ts']],
  [
    ['types', 'tsc', '--noEmit', '-p', '.'],
    ['types of the dashboard', 'tsc', '--noEmit', '-p', 'src/faces/web'],
    ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
    ['format', 'biome', 'format'],
    ['generated code', 'node', 'scripts/generate.ts', '--check']
  ]
]

async function run([name, command, ...args]: readonly [string, string, ...string[]]): Promise<boolean> {
  const startedMs = performance.now()
  const child = spawn(join(BIN, command), args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`)
  if (code !== 0) console.log(Buffer.concat(output).toString())
  return code === 0
}

async function runAll(list: (typeof LISTS)[number]): Promise<boolean> {
  let passed = true
  for (const step of list) passed = (await run(step)) && passed
  return passed
}

const startedMs = performance.now()
const passed = (await Promise.all(LISTS.map(runAll))).every(Boolean)
console.log(`${passed ? 'all of it passed' : 'something failed'}, in ${((performance.now() - startedMs) / 1_000).toFixed(0)} s`)
process.exitCode = passed ? 0 : 1

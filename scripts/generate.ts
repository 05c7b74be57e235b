/**
 * Writes `src/wire/generated` from `protocols/*.proto`. With `--check` it writes elsewhere, compares, and exits 1 when they differ, so that CI
 * can prove that the generated code is the contract's.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '..')
const PROTOCOLS = join(ROOT, 'protocols')
const GENERATED = join(ROOT, 'src/wire/generated')
const TOOLS = join(ROOT, 'node_modules/.bin')

async function generate(out: string): Promise<void> {
  const env = { ...process.env, PATH: `${TOOLS}${delimiter}${process.env['PATH'] ?? ''}` }
  const args = ['generate', PROTOCOLS, '--template', join(PROTOCOLS, 'buf.gen.yaml'), '--output', out]
  await promisify(execFile)(join(TOOLS, 'buf'), args, { cwd: ROOT, env })
}

async function contents(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder).catch(() => [])
  return new Map(await Promise.all(names.map(async name => [name, await readFile(join(folder, name), 'utf8')] as const)))
}

/** Names of the files that are missing, superfluous or different in `src/wire/generated`. */
export async function outdated(): Promise<readonly string[]> {
  const fresh = await mkdtemp(join(tmpdir(), 'cares-generate-'))
  try {
    await generate(fresh)
    const [expected, actual] = [await contents(fresh), await contents(GENERATED)]
    return [...new Set([...expected.keys(), ...actual.keys()])].filter(name => expected.get(name) !== actual.get(name))
  } finally {
    await rm(fresh, { recursive: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
  if (values.check) {
    const files = await outdated()
    if (files.length > 0) {
      process.stderr.write(`src/wire/generated is not up to date: ${files.join(', ')}\nrun: npx node scripts/generate.ts\n`)
      process.exitCode = 1
    }
  } else {
    await rm(GENERATED, { recursive: true, force: true })
    await generate(GENERATED)
  }
}

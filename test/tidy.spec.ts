import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { deadFiles, FILE_RULES, type Finding, packagesUsed } from './tidy/rules.ts'
import { parseSource, readSource, type SourceFile } from './tidy/source.ts'

const ROOT = new URL('../', import.meta.url)

/** Packages that are needed without an import: tools that scripts run, type declarations, the bundled Node. */
const UNIMPORTED = /^(@biomejs\/|@bufbuild\/(buf|protoc-gen-es)$|@types\/|c8$|mocha$|oxlint|typescript$|node-linux-)/

/** What begins without an import: the process, and the page, which Vite builds and a browser starts. */
const ENTRIES = ['src/cares.js', 'src/faces/web/main.tsx', 'src/faces/web/vite.config.ts']

const paths = globSync(['src/**/*.{ts,tsx,js}', 'test/**/*.{ts,mjs}', 'scripts/**/*.ts'], { cwd: ROOT })
  .filter(path => !path.startsWith('src/wire/generated/'))
  .sort()

describe('the tree is tidy', () => {
  let files: readonly SourceFile[] = []
  before(() => {
    files = paths.map(path => readSource(ROOT, path))
  })

  for (const { claim, check } of FILE_RULES) it(claim, () => report(files.flatMap(check)))

  it('every file is used', () => {
    // What runs tests or scripts is started by name: a script must be named by package.json, CI, a README or another script, not by its own header.
    const starters = ['package.json', '.ci/run', '.mocharc.json', 'README.md', ...globSync('scripts/**/*.{sh,ts,md}', { cwd: ROOT })]
    const texts = starters.map(path => [path, readFileSync(new URL(path, ROOT), 'utf8')] as const)
    const isNamed = (path: string): boolean =>
      texts.some(([starter, text]) => starter !== path && text.includes(path.split('/').at(-1) ?? path))
    const isStarted = (path: string): boolean => path.endsWith('.spec.ts') || (!path.startsWith('src/') && isNamed(path))
    const production = files.filter(({ path }) => path.startsWith('src/') && !path.startsWith('src/simulate/'))
    report([...deadFiles(production, ENTRIES), ...deadFiles(files, [...ENTRIES, ...paths.filter(isStarted)])])
  })

  it('every dependency is imported, and every import is a dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as Record<
      string,
      Record<string, string>
    >
    const names = Object.keys({ ...dependencies, ...devDependencies })
    report(packagesUsed(files, { dependencies: names, unimported: names.filter(name => UNIMPORTED.test(name)) }))
    // What the page is made of is in its bundle: whoever installs CARES does not need it.
    const production = files.filter(({ path }) => path.startsWith('src/') && !path.startsWith('src/faces/web/'))
    report(packagesUsed(production, { dependencies: Object.keys(dependencies ?? {}), unimported: [] }))
  })
})

describe('each rule of tidiness can fail', () => {
  const doc = '/** A thing. */\n'
  const planted: readonly (readonly [claim: string, path: string, text: string])[] = [
    ['imports go one way, between rooms and to packages', 'src/core/scheduler/x.ts', "import '../predictor/y.ts'"],
    ['imports go one way, between rooms and to packages', 'src/core/scheduler/x.ts', "export { y } from '../../daemon/y.ts'"],
    ['imports go one way, between rooms and to packages', 'src/api/x.ts', "const y = await import('../daemon/y.ts')"],
    ['imports go one way, between rooms and to packages', 'src/api/x.ts', "type Y = import('../daemon/y.ts').Y"],
    ['imports go one way, between rooms and to packages', 'src/daemon/x.ts', "import 'libp2p'"],
    ['imports go one way, between rooms and to packages', 'src/model/x.ts', "import 'node:fs'"],
    ['imports go one way, between rooms and to packages', 'src/elsewhere/x.ts', ''],
    ['clock, timers, random, environment and console are used only where they may be', 'src/daemon/x.ts', 'Date.now()'],
    ['clock, timers, random, environment and console are used only where they may be', 'src/daemon/x.ts', 'new Date()'],
    ['clock, timers, random, environment and console are used only where they may be', 'src/daemon/x.ts', 'setTimeout(f, 1)'],
    [
      'clock, timers, random, environment and console are used only where they may be',
      'src/daemon/x.ts',
      "import { setTimeout as s } from 'node:timers/promises'"
    ],
    ['clock, timers, random, environment and console are used only where they may be', 'src/network/x.ts', 'xs.sort(Math.random)'],
    ['clock, timers, random, environment and console are used only where they may be', 'src/api/x.ts', 'const { env } = process'],
    ['clock, timers, random, environment and console are used only where they may be', 'src/api/x.ts', 'console.log(1)'],
    ['pure rooms do not wait and do not touch the outside', 'src/core/registry/x.ts', 'async function f() {}'],
    ['pure rooms do not wait and do not touch the outside', 'src/wire/x.ts', 'for await (const x of y) f(x)'],
    ['pure rooms do not wait and do not touch the outside', 'src/wire/x.ts', 'crypto.randomUUID()'],
    ['no module has state or does work at import', 'src/daemon/x.ts', 'let n = 0'],
    ['no module has state or does work at import', 'src/daemon/x.ts', 'export const cache = new Map()'],
    ['no module has state or does work at import', 'src/daemon/x.ts', 'start()'],
    ['every exported name says what it is', 'src/daemon/x.ts', 'export const a = 1'],
    ['every exported name says what it is', 'src/daemon/x.ts', `${doc}export const a = 1\nexport interface B {}`],
    // A docstring behind the name says nothing of it.
    ['every exported name says what it is', 'src/daemon/x.ts', `export const a = 1\n${doc}export const b = 2`],
    // Neither X, nor what the type lists, is documented; or X is only a type.
    ['every exported name says what it is', 'src/daemon/x.ts', `export interface XComponents {}\nclass X {}\n${doc}export class Y {}`],
    ['every exported name says what it is', 'src/daemon/x.ts', `${doc}interface X {}\nexport interface XInit {}`],
    ['every exported name says what it is', 'src/daemon/x.ts', 'const XS = [1, 2] as const\nexport type X = (typeof XS)[number]'],
    ['every exported name says what it is', 'src/daemon/x.ts', `${doc}const XS = { a: 1 }\nexport type X = keyof typeof XS`],
    ['no error is swallowed without a word', 'src/daemon/x.ts', 'try { f() } catch {}'],
    ['no error is swallowed without a word', 'src/daemon/x.ts', 'f().catch(() => {})'],
    ['nothing is left unfinished', 'src/daemon/x.ts', `// ${'fixme'.toUpperCase()}: later`],
    ['nothing is left unfinished', 'test/x.spec.ts', "it.only('runs alone', () => {})"],
    ['files are named in kebab-case, and none is a barrel', 'src/daemon/myFile.ts', ''],
    ['files are named in kebab-case, and none is a barrel', 'src/daemon/index.ts', ''],
    ['files are named in kebab-case, and none is a barrel', 'src/daemon/x.ts', "export * from './y.ts'"],
    ['files are short', 'src/daemon/x.ts', '\n'.repeat(400)],
    ['comments fit on a screen', 'src/daemon/x.ts', `/* short\n * ${'long '.repeat(32)} */`],
    ['comments fit on a screen', 'scripts/x.ts', `f() // ${'long '.repeat(32)}`],
    ['every test asserts something, and skips nothing without a reason', 'test/x.spec.ts', "it('is', () => {})"],
    [
      'every test asserts something, and skips nothing without a reason',
      'test/x.spec.ts',
      "it('is', () => { assert(x) })\nit('has', () => f())"
    ],
    ['every test asserts something, and skips nothing without a reason', 'test/x.spec.ts', ''],
    ['every test asserts something, and skips nothing without a reason', 'test/x.spec.ts', "it.skip('is', () => { assert(x) })"],
    [
      'every test asserts something, and skips nothing without a reason',
      'test/x.spec.ts',
      "it('is', function () { if (!x) this.skip(); assert(x) })"
    ]
  ]
  for (const [claim, path, text] of planted) {
    it(`${claim}: ${path}: ${text.trim().split('\n').at(-1)?.slice(0, 60)}`, () => {
      const rule = FILE_RULES.find(rule => rule.claim === claim)
      assert.equal(rule?.check(parseSource(path, text)).length, 1)
    })
  }

  it('has a plant for every rule', () => {
    assert.deepEqual(new Set(planted.map(([claim]) => claim)), new Set(FILE_RULES.map(({ claim }) => claim)))
  })

  const clean: readonly (readonly [path: string, text: string])[] = [
    ['src/core/scheduler/place.ts', `import type { PeerId } from '../../model/ids.ts'\n${doc}export function place (): void {}`],
    ['src/daemon/system-clock.ts', `${doc}export const now = (): number => Date.now()`],
    ['src/daemon/x.ts', 'function f () { try { g() } catch { /* It is gone already. */ } }'],
    [
      'src/daemon/x.ts',
      `export interface XComponents {}\nexport interface YInit {}\n${doc}export class X {}\n${doc}export function createY () {}`
    ],
    ['src/faces/web/x.tsx', `export interface XProps {}\n${doc}export function X () {}`],
    ['src/daemon/x.ts', `${doc}const XS = ['a', 'b'] as const\nexport type X = (typeof XS)[number]`],
    ['src/daemon/x.ts', `// ${'x'.repeat(157)}\nconst text = '${'x'.repeat(200)}'`],
    ['src/api/x.ts', `// Date.now() in a comment\nconst text = 'setTimeout(f) in a string'\n${doc}export default text`],
    ['src/faces/cli/x.ts', "import { a } from '../client.ts'"],
    ['test/x.spec.ts', "it('is', () => { assert.equal(1, 1) })"],
    ['test/x.spec.ts', "const told = () => assert.ok(x)\nfunction both () { told() }\nit('is', () => both())"],
    ['test/x.spec.ts', 'storeCompliance(() => store)']
  ]
  for (const [path, text] of clean) {
    it(`finds nothing in a clean ${path}`, () => {
      const file = parseSource(path, text)
      report(FILE_RULES.flatMap(({ check }) => check(file)))
    })
  }

  it('finds a file that nothing imports, and not one that is imported indirectly', () => {
    const files = [
      parseSource('src/cares.js', "await import(new URL('./main.ts', import.meta.url).href)"),
      parseSource('src/main.ts', "import { b } from './daemon/b.ts'"),
      parseSource('src/daemon/b.ts', ''),
      parseSource('src/daemon/dead.ts', "import '../main.ts'")
    ]
    assert.deepEqual(
      deadFiles(files, ['src/cares.js']).map(({ path }) => path),
      ['src/daemon/dead.ts']
    )
  })

  it('finds a package that is not declared, and one that is not imported', () => {
    const files = [parseSource('src/x.ts', "import '@a/b/c'\nimport 'd'\nimport 'node:fs'\nimport './e.ts'")]
    const found = packagesUsed(files, { dependencies: ['d', 'unused', 'tool'], unimported: ['tool'] })
    assert.deepEqual(
      found.map(({ message }) => message.split(/ is not| imports /)[0]),
      ['@a/b', 'no file']
    )
  })
})

/** Fails with every finding on a line of its own: where it is and what to do. */
function report(findings: readonly Finding[]): void {
  assert.equal(findings.length, 0, ['', ...findings.map(({ path, line, message }) => `${path}:${line}: ${message}`)].join('\n  '))
}

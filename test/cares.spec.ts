import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../src/version.ts'

const LAUNCHER = fileURLToPath(new URL('../src/cares.js', import.meta.url))

/** What a launched program tells of itself, and how it ends. */
const PROBE = `export const main = async argv => {
  if (argv[0] === 'wait') {
    const ended = new Promise(resolve => process.on('SIGTERM', () => resolve(143)))
    console.log('waiting')
    setInterval(() => {}, 1000).ref()
    process.exit(await ended)
  }
  console.log(import.meta.url.split('/').slice(-2).join('/'), ...argv)
  return 7
}`

describe('the launcher', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cares-launch-'))
  })
  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  const launch = (script: string, args: readonly string[]) => {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: directory }
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null, output }))
    return { child, ended }
  }

  /** A package with the launcher and programs of its own. */
  const install = async (place: string, files: readonly string[]): Promise<string> => {
    const root = join(directory, place)
    for (const file of ['src/cares.js', ...files]) await mkdir(join(root, file, '..'), { recursive: true })
    await copyFile(LAUNCHER, join(root, 'src/cares.js'))
    await writeFile(join(root, 'package.json'), '{ "type": "module" }')
    for (const file of files) await writeFile(join(root, file), PROBE)
    return join(root, 'src/cares.js')
  }

  it('runs this program, from any directory', async () => {
    assert.deepEqual(await launch(LAUNCHER, ['--version']).ended, { code: 0, signal: null, output: `${VERSION}\n` })
  })

  it('runs the sources of a checkout, and passes on arguments and exit code', async () => {
    const script = await install('checkout', ['src/main.ts', 'dist/main.js'])
    assert.deepEqual(await launch(script, ['a', '--b']).ended, { code: 7, signal: null, output: 'src/main.ts a --b\n' })
  })

  it('runs the build of a package, which has no sources', async () => {
    const script = await install('package', ['dist/main.js'])
    assert.equal((await launch(script, []).ended).output, 'dist/main.js\n')
  })

  it('runs the build below node_modules, where Node does not strip types, also through a link', async () => {
    const script = await install('node_modules/cares', ['src/main.ts', 'dist/main.js'])
    assert.equal((await launch(script, []).ended).output, 'dist/main.js\n')
    const link = join(directory, 'cares')
    await symlink(script, link)
    assert.equal((await launch(link, []).ended).output, 'dist/main.js\n')
  })

  it('gives a peer, and only a peer, a small young generation, in the process that was started', async () => {
    const script = await install('checkout', ['src/main.ts'])
    const tell = "export const main = async () => console.log(process.pid, process.execArgv.join(' '))"
    await writeFile(join(directory, 'checkout/src/main.ts'), tell)
    const peer = launch(script, ['peer'])
    assert.equal((await peer.ended).output, `${peer.child.pid} --max-semi-space-size=8\n`)
    const other = launch(script, ['peers'])
    assert.equal((await other.ended).output, `${other.child.pid} \n`)
  })

  it('hands a signal on and ends as the program ends', async () => {
    const script = await install('checkout', ['src/main.ts'])
    const { child, ended } = launch(script, ['wait'])
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    assert.equal((await ended).code, 143)
  })
})

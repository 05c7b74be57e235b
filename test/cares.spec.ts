import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../src/version.ts'

const LAUNCHER = fileURLToPath(new URL('../src/cares.js', import.meta.url))

const PACKAGE = new URL('../package.json', import.meta.url)

/** What a launched program tells of itself, and how it ends. */
const PROBE = `export const main = async argv => {
  if (argv[0] === 'wait') {
    const ended = new Promise(resolve => process.on('SIGTERM', () => resolve(143)))
    console.log(process.pid)
    setInterval(() => {}, 1000).ref()
    await ended
    console.log('asked to end')
    process.exit(143)
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

  const launch = (script: string, args: readonly string[], nodeOptions: readonly string[] = []) => {
    const child = spawn(process.execPath, [...nodeOptions, script, ...args], {
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

  it('is offered to each Node that it can start on, with one to run on beside it', async () => {
    const { engines, optionalDependencies } = JSON.parse(await readFile(PACKAGE, 'utf8')) as Record<string, Record<string, string>>
    // npm warns at each `npx cares` of a Node that is older than this.
    assert.equal(engines?.['node'], '>=20')
    const brought = Object.entries(optionalDependencies ?? {}).filter(([name]) => name.startsWith('node-'))
    assert.ok(brought.length > 0)
    for (const [name, version] of brought) assert.ok(Number.parseInt(version, 10) >= 24, name)
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

  it('gives a peer, and only a peer, a small young generation that it may sweep, in the process that was started', async () => {
    const script = await install('checkout', ['src/main.ts'])
    const tell = "export const main = async () => console.log(process.pid, process.execArgv.join(' '))"
    await writeFile(join(directory, 'checkout/src/main.ts'), tell)
    for (const args of [['peer'], ['-q', 'peer', '--open'], ['--config', 'cares.yaml', 'peer']]) {
      const peer = launch(script, args)
      assert.equal((await peer.ended).output, `${peer.child.pid} --max-semi-space-size=8 --expose-gc\n`, args.join(' '))
    }
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
  describe('on a Node that is too old', () => {
    // This Node, which says that it is another one; the one that npm brings along is this one again.
    const pretence = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })"
    const launchOld = (script: string, args: readonly string[]) =>
      launch(script, args, ['--import', `data:text/javascript,${encodeURIComponent(pretence)}`])

    let program: number | undefined
    afterEach(() => {
      if (program !== undefined) process.kill(program, 'SIGKILL')
    })

    const installWithNode = async (): Promise<string> => {
      const script = await install('checkout', ['src/main.ts'])
      const brought = join(directory, 'checkout/node_modules', `node-${process.platform}-${process.arch}`)
      await mkdir(join(brought, 'bin'), { recursive: true })
      await writeFile(join(brought, 'package.json'), '{}')
      await symlink(await realpath(process.execPath), join(brought, 'bin/node'))
      return script
    }

    it('runs the program by the Node that npm has brought, which ends when it has nothing left to do', async () => {
      const script = await installWithNode()
      assert.deepEqual(await launchOld(script, ['a']).ended, { code: 7, signal: null, output: 'src/main.ts a\n' })
    })

    it('says what is missing where npm has brought none', async () => {
      const script = await install('checkout', ['src/main.ts'])
      const { code, output } = await launchOld(script, []).ended
      assert.equal(code, 69)
      assert.match(output, /needs Node\.js 24 or newer/)
    })

    it('leaves nothing behind when it is killed: the program ends as if it had been asked to', async () => {
      const script = await installWithNode()
      const { child, ended } = launchOld(script, ['wait'])
      const [pid] = (await once(child.stdout, 'data')) as [string]
      program = Number(pid)
      child.kill('SIGKILL')
      // Its output closes when the last process that holds it has ended.
      assert.match((await ended).output, /asked to end/)
      program = undefined
    })

    it('does not tell what the program starts of a launcher that it does not have', async () => {
      const script = await installWithNode()
      await writeFile(join(directory, 'checkout/src/main.ts'), 'export const main = async () => console.log(process.env.CARES_NODE_FOUND)')
      assert.equal((await launchOld(script, []).ended).output, 'undefined\n')
    })
  })
})

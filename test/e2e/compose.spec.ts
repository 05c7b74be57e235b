import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { PeerList } from '../../src/model/rest.ts'
import { eventually } from '../support/eventually.ts'
import { engine } from './engine.ts'
import { TestTerminal } from './terminal.ts'
import { skip } from '../support/skip.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BASE_IMAGE = 'cares-base:local'

describe('docker compose', function () {
  // Building the image installs the packages from the registry.
  this.timeout(600_000)
  const project = `cares-e2e-${process.pid}`
  let compose: readonly string[] | undefined
  let api = ''

  /** Runs one compose command and gives its stdout. */
  async function dc(...args: readonly string[]): Promise<string> {
    const [command = '', ...words] = compose ?? []
    const { stdout } = await run(command, [...words, '--project-name', project, ...args], {
      cwd: ROOT,
      env: {
        ...process.env,
        DOCKER_BUILDKIT: '0',
        COMPOSE_DOCKER_CLI_BUILD: '0',
        CARES_NODE_IMAGE: BASE_IMAGE,
        // Any free port.
        CARES_PORT: '0',
        DOCKER_GID: String(statSync('/var/run/docker.sock').gid)
      },
      maxBuffer: 64 * 2 ** 20
    })
    return stdout
  }

  async function peers(): Promise<PeerList['items']> {
    const answer = await fetch(`${api}/v1/peers`)
    return ((await answer.json()) as PeerList).items
  }

  before('needs a Docker engine and docker compose', async function () {
    compose = (await engine.answers()) ? await findCompose() : undefined
    if (compose === undefined) skip(this, 'no Docker engine answers, or there is no docker compose')
    // The stand-in makes the test independent of registries and their limits.
    await run(fileURLToPath(new URL('../../scripts/setup/base-image.sh', import.meta.url)), [BASE_IMAGE])
    await dc('up', '--detach', '--build', '--scale', 'peer=3')
    api = `http://${(await dc('port', 'first', '7070')).trim()}`
  })
  after(async () => {
    if (compose !== undefined) await dc('down', '--volumes', '--remove-orphans')
  })

  it('makes one cluster of all its peers', async () => {
    const alive = await eventually(
      'four peers',
      async () => {
        const now = await peers()
        return now.length === 4 && now.every(({ state }) => state === 'alive') ? now : undefined
      },
      { withinMs: 30_000 }
    )
    assert.equal(alive.filter(({ role }) => role === 'orchestrator').length, 1)
    assert.deepEqual(new Set(alive.map(({ runtime, runtimeReady }) => `${runtime} ${runtimeReady}`)), new Set(['docker true']))
  })

  it('serves the dashboard, which the image holds', async () => {
    const page = await fetch(api)
    const [, script = ''] = /src="([^"]+\.js)"/.exec(await page.text()) ?? []
    assert.deepEqual([page.status, (await fetch(`${api}${script.replace(/^\.?/, '')}`)).status], [200, 200], script)
  })

  it('opens the screens of an image that is run bare on a terminal, and no peer', async function () {
    if (!(await TestTerminal.isPossible())) skip(this, 'there is no tmux: apt-get install tmux')
    const terminal = await TestTerminal.open({ name: 'image', env: {}, command: 'docker run --rm --interactive --tty cares:local' })
    try {
      await terminal.shows(/╭─ CARES [^]*▸ Create a new cluster/)
      await terminal.type('q')
      await terminal.shows(/^ended with 0$/m)
    } finally {
      await terminal.close()
    }
  })

  it('runs functions of both contracts on the engine of the machine, on every peer', async () => {
    await dc('exec', '-T', 'first', 'cares', 'upload', 'cares-example/upper', 'upper')
    await dc('exec', '-T', 'first', 'cares', 'upload', 'cares-example/web', 'web')
    for (const { name } of await peers()) {
      const headers = { 'x-cares-on': name }
      const shout = await fetch(`${api}/fn/upper`, { method: 'POST', body: 'hello', headers })
      assert.deepEqual([shout.status, await shout.text()], [200, 'HELLO'], name)
      const web = await fetch(`${api}/fn/web/a`, { method: 'POST', body: 'five!', headers })
      const told = await web.text()
      assert.deepEqual([web.status, (JSON.parse(told) as { bodyBytes: number }).bodyBytes], [200, 5], `${name}: ${told}`)
    }
  })

  it('goes on when the first peer is killed', async () => {
    await dc('kill', '--signal', 'KILL', 'first')
    const answer = await dc('exec', '-T', 'peer', 'cares', 'invoke', 'upper', '-d', 'still here')
    assert.equal(answer, 'STILL HERE')
  })

  it('leaves no function container behind when its peers are stopped', async () => {
    await dc('start', 'first')
    const ids = await eventually('the first peer is back', async () => {
      api = `http://${(await dc('port', 'first', '7070')).trim()}`
      const now = (await peers()).filter(({ state }) => state === 'alive')
      return now.length === 4 ? now : undefined
    })
    await dc('stop')
    assert.deepEqual(await engine.containersOf(ids), [])
    assert.deepEqual(await engine.networksOf(ids), [])
  })
})

/** The words that start compose: the plugin, or the program of old. */
async function findCompose(): Promise<readonly string[] | undefined> {
  for (const words of [['docker', 'compose'], ['docker-compose']]) {
    try {
      await run(words[0] ?? '', [...words.slice(1), 'version'])
      return words
    } catch {
      // Not this one.
    }
  }
  return undefined
}

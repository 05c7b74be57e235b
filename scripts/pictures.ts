/**
 * Makes the pictures of the README: the cockpit as SVG, from tmux, and the dashboard as PNG, from Chromium, of a small cluster with some load.
 *
 *   node scripts/pictures.ts          into .github/pictures; two minutes
 *
 * Needs tmux and Chromium: apt-get install tmux chromium. Runs containers where the images of scripts/images.ts are, else plain processes. What the
 * machine does besides shows: better when it is quiet.
 */
import { execFile } from 'node:child_process'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { Cluster } from '../test/e2e/cluster.ts'
import { TestTerminal } from '../test/e2e/terminal.ts'
import { terminalSvg } from './pictures/terminal-svg.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, '.github/pictures')

/** Long enough for charts that show something. */
const LOAD_MS = 75_000

/** Between two calls; the rest of the machine should stay out of the picture. */
const CALL_EVERY_MS = 350

/** What the cluster does, by containers and by plain processes. */
const FUNCTIONS = [
  { name: 'upper', image: 'cares-example/upper', command: 'tr a-z A-Z' },
  { name: 'echo', image: 'cares-example/echo', command: 'cat' },
  { name: 'web', image: 'cares-example/web', command: "sh -c 'sleep 0.1; wc -w'" }
] as const

const run = promisify(execFile)
await mkdir(FOLDER, { recursive: true })
await build({ configFile: join(ROOT, 'src/faces/web/vite.config.ts'), logLevel: 'error' })
const hasImages = await run('docker', ['image', 'inspect', ...FUNCTIONS.map(({ image }) => image)]).then(
  () => true,
  () => false
)
const flags = ['--preset', 'lan', '--price', '0.05', '--memory', '8Gi']
const cluster = await Cluster.start({ names: ['atlas', 'birch', 'elm'], flags, runtime: hasImages ? 'docker' : 'process' })
const loading = new AbortController()
try {
  let orchestrator = await cluster.settled()
  for (const { name, image, command } of FUNCTIONS) await cares('upload', hasImages ? image : command, name)
  for (const words of [['hello'], ['a', 'longer', 'text']]) await cares('run', '-d', '--function', 'upper', '--input', words.join(' '))
  void load(cluster.alive.map(({ api }) => api))
  await sleep(LOAD_MS)
  // A busy machine may have had another elected; and a cluster that is not whole is no picture for a README.
  orchestrator = await cluster.settled()
  await pictureTerminal('cockpit', [])
  await pictureTerminal('monitor', ['m'])
  await pictureDashboard()

  async function cares(...argv: string[]): Promise<void> {
    await run(process.execPath, [join(ROOT, 'src/cares.js'), '--api', orchestrator.api, ...argv])
  }

  async function pictureTerminal(name: string, keys: readonly string[]): Promise<void> {
    const terminal = await TestTerminal.open({ name, env: { CARES_API: orchestrator.api }, columns: 110, rows: 30 })
    try {
      await terminal.shows(/elm/)
      for (const key of keys) await terminal.type(key)
      await sleep(6_000)
      await save(`${name}.svg`, terminalSvg(await terminal.screen({ escapes: true }), `The ${name} of CARES in a terminal`))
    } finally {
      await terminal.close()
    }
  }

  async function pictureDashboard(): Promise<void> {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
    try {
      const answer = await fetch(`${orchestrator.api}/v1/invocations?limit=1&function=upper&state=succeeded`)
      const { items } = (await answer.json()) as { items: { id: string }[] }
      const pages = { overview: '', why: `calls/${items[0]?.id ?? ''}` }
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await browser.newPage({ viewport: { width: 1180, height: 780 }, colorScheme })
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(`${orchestrator.api}/#/${path}`)
          await page.getByRole('heading', { level: 1 }).waitFor()
          // Until the tables and charts of the page have been filled.
          await page.waitForTimeout(3_000)
          await save(`${name}-${colorScheme}.png`, await page.screenshot())
        }
        await page.close()
      }
    } finally {
      await browser.close()
    }
  }
} finally {
  loading.abort()
  await cluster.stop()
}

/** Calls every peer in turn. */
async function load(apis: readonly string[]): Promise<void> {
  for (let turn = 0; !loading.signal.aborted; turn++) {
    const { name } = FUNCTIONS[turn % FUNCTIONS.length] ?? FUNCTIONS[0]
    const call = fetch(`${apis[(turn + Math.floor(turn / FUNCTIONS.length)) % apis.length]}/fn/${name}`, {
      method: 'POST',
      body: 'some words to work on\n',
      signal: loading.signal
    })
    await call
      .then(answer => answer.arrayBuffer())
      .catch(() => {
        // The cluster is being stopped, or busy: a picture of that is a true one, too.
      })
    await sleep(CALL_EVERY_MS)
  }
}

async function save(name: string, content: string | Uint8Array): Promise<void> {
  const path = join(FOLDER, name)
  await writeFile(path, content)
  process.stdout.write(`.github/pictures/${name}  ${Math.round((await stat(path)).size / 1_024)} kB\n`)
}

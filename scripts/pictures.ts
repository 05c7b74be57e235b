/**
 * Makes the pictures of the README: the cockpit as SVG, from tmux, and the dashboard as PNG, from Chromium. What they show are real peers that talk
 * over a network in memory, and machines that are made up, so that a busy one does not spoil a picture.
 *
 *   npx node scripts/pictures.ts          into .github/pictures; six minutes
 *
 * Needs tmux and Chromium: apt-get install tmux chromium
 */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { TestTerminal } from '../test/e2e/terminal.ts'
import { startMachines } from './pictures/machines.ts'
import { terminalSvg } from './pictures/terminal-svg.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, '.github/pictures')

/** Until the charts of five minutes are full. */
const LOAD_MS = 280_000

/** Of each client, between two calls. */
const CALL_EVERY_MS = 300
const CLIENTS = 9

await mkdir(FOLDER, { recursive: true })
await build({ configFile: join(ROOT, 'src/faces/web/vite.config.ts'), logLevel: 'error' })
const machines = await startMachines()
const loading = new AbortController()
try {
  for (let client = 0; client < CLIENTS; client++) void load(client)
  await sleep(LOAD_MS)
  await pictureCockpit()
  await pictureDashboard()

  async function pictureCockpit(): Promise<void> {
    const terminal = await TestTerminal.open({ name: 'cockpit', env: { CARES_API: machines.api }, columns: 110, rows: 30 })
    try {
      await terminal.shows(/elm/)
      await sleep(6_000)
      await save('cockpit.svg', terminalSvg(await terminal.screen({ escapes: true }), 'The cockpit of CARES in a terminal'))
    } finally {
      await terminal.close()
    }
  }

  async function pictureDashboard(): Promise<void> {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
    try {
      const answer = await fetch(`${machines.api}/v1/invocations?limit=1&function=ocr&state=succeeded`)
      const { items } = (await answer.json()) as { items: { id: string }[] }
      const pages = { overview: '', why: `calls/${items[0]?.id ?? ''}` }
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await browser.newPage({ viewport: { width: 1180, height: 780 }, colorScheme })
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(`${machines.api}/#/${path}`)
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
  await machines.stop()
}

/** Calls one function after the other. */
async function load(client: number): Promise<void> {
  for (let turn = client; !loading.signal.aborted; turn++) {
    const name = machines.functions[turn % machines.functions.length] ?? ''
    await fetch(`${machines.api}/fn/${name}`, { method: 'POST', body: 'a page\n', signal: loading.signal })
      .then(answer => answer.arrayBuffer())
      .catch(() => {
        // It is being stopped.
      })
    await sleep(CALL_EVERY_MS * (0.5 + Math.random()))
  }
}

async function save(name: string, content: string | Uint8Array): Promise<void> {
  const path = join(FOLDER, name)
  await writeFile(path, content)
  process.stdout.write(`.github/pictures/${name}  ${Math.round((await stat(path)).size / 1_024)} kB\n`)
}

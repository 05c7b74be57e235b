import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { PeerProcess } from './peer-process.ts'
import { skip } from '../support/skip.ts'

const CHROMIUM = '/usr/bin/chromium'

/** It is a test's own browser: it keeps nothing, and speaks to nobody but the peer. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** Longest that the page may take to show what its peer knows; long enough for a machine that is busy with other tests. */
const SHOWN_WITHIN_MS = 20_000

/** Browsers report these as errors of the page, though they are what the page is told of and deals with. */
const EXPECTED =
  /Failed to load resource: net::ERR_(?:CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)|status of 401/

/** Roles that say nothing without a name. */
const NAMED = new Set(['button', 'link', 'textbox', 'searchbox', 'combobox', 'checkbox', 'meter', 'img', 'image', 'table'])

/** In the page: boxes of tables that are too narrow for their table. */
const WIDE_TABLES = `[...document.querySelectorAll('.table-box')].filter(box => box.scrollWidth > box.clientWidth).map(box => box.innerText)`

/** Every page that can be opened without doing anything first. */
const PAGES = [
  '#/',
  '#/peers',
  '#/peers/atlas',
  '#/functions',
  '#/functions/echo',
  '#/upload',
  '#/calls',
  '#/tasks',
  '#/run',
  '#/costs',
  '#/map',
  '#/events'
] as const

describe('the dashboard', () => {
  let folder = ''
  let peer: PeerProcess
  let browser: BrowserContext
  let page: Page
  const errors: string[] = []

  const start = (http: string, flags: readonly string[] = ['--open']): Promise<PeerProcess> => {
    const own = ['--name', 'atlas', '--data', join(folder, 'peer'), '--preset', 'loopback', '--runtime', 'process']
    return PeerProcess.start([...own, '--http', http, '--listen', '/ip4/127.0.0.1/tcp/0', ...flags])
  }
  const open = async (hash: string, { url = peer.api } = {}): Promise<void> => {
    await page.goto(`${url}/${hash}`)
  }
  /** Kept where CARES_SCREENSHOTS says, for people to look at. */
  const picture = async (name: string): Promise<void> => {
    const kept = process.env['CARES_SCREENSHOTS']
    if (kept === undefined) return
    await mkdir(kept, { recursive: true })
    await page.screenshot({ path: join(kept, `${name}.png`), fullPage: true })
  }

  before(async function () {
    if (!existsSync(CHROMIUM)) skip(this, `no ${CHROMIUM}; apt-get install chromium`)
    await build({ configFile: fileURLToPath(new URL('../../src/faces/web/vite.config.ts', import.meta.url)), logLevel: 'error' })
    folder = await mkdtemp(join(tmpdir(), 'cares-dashboard-'))
    peer = await start('127.0.0.1:0')
    browser = await chromium.launchPersistentContext(join(folder, 'browser'), {
      executablePath: CHROMIUM,
      headless: true,
      args: FLAGS,
      viewport: { width: 1360, height: 900 }
    })
    page = await browser.newPage()
    page.setDefaultTimeout(SHOWN_WITHIN_MS)
    page.on('pageerror', error => errors.push(error.message))
    page.on('console', message => {
      if (message.type() === 'error' && !EXPECTED.test(message.text())) errors.push(message.text())
    })
    page.on('request', request => {
      // What the page has made itself is a `blob:` with its own origin before it.
      if (new URL(request.url().replace(/^blob:/, '')).hostname !== '127.0.0.1') errors.push(`asked elsewhere: ${request.url()}`)
    })
  })
  after(async () => {
    await browser?.close()
    await peer?.stop()
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => assert.deepEqual(errors.splice(0), [], 'the console has no error'))

  it('shows the peer, that it is live, and that it gives no isolation', async () => {
    await open('')
    await page.getByRole('table', { name: 'Peers' }).getByRole('link', { name: 'atlas' }).waitFor()
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor()
    await page.getByRole('meter', { name: 'CPU of atlas' }).waitFor()
    await page.getByText('No isolation: atlas').waitFor()
    await picture('overview')
  })

  it('uploads a function, after it has said what would happen', async () => {
    await open('#/functions')
    await page.getByText('No function yet.').waitFor()
    await page.getByRole('link', { name: 'Upload function' }).click()
    await page.getByLabel(/^Name/).fill('echo')
    await page.getByLabel(/^Image/).fill('cat')
    await page.getByLabel(/^Memory/).fill('much')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByRole('alert').filter({ hasText: 'not a size: "much"' }).waitFor()
    await page.getByLabel(/^Memory/).fill('64Mi')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByText('It would be created.').waitFor()
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByRole('heading', { name: 'echo' }).waitFor()
    await page.getByText('64Mi', { exact: true }).waitFor()
  })

  it('calls it from the box, lists the call, and explains it with the terms of its cost', async () => {
    await open('#/functions/echo')
    await page.getByLabel(/^Body/).fill('<b>hello</b> from the box')
    await page.getByRole('button', { name: 'Invoke' }).click()
    const answer = page.getByRole('status', { name: 'Answer' })
    assert.equal(await answer.locator('pre').textContent(), '<b>hello</b> from the box')
    await picture('function')
    await page.getByRole('table', { name: 'Calls of echo' }).getByText('succeeded').waitFor()
    await answer.getByRole('link', { name: /^Call i-/ }).click()
    await page.getByRole('heading', { name: /^Call i-/ }).waitFor()
    await page.getByRole('img', { name: /^Predicted: .*run / }).waitFor()
    await page.getByRole('img', { name: /^Actual: / }).waitFor()
    await page.getByRole('img', { name: /^Expected on atlas: .*start / }).waitFor()
    await page.getByRole('row', { name: /atlas chosen .*chosen, cold start/ }).waitFor()
    await picture('call')
    await open('#/calls')
    const done = page.getByRole('table', { name: 'Calls that have ended' })
    await done.getByText('succeeded').waitFor()
    assert.equal(await done.getByRole('row').count(), 2)
    await picture('calls')
  })

  it('sends a file, and draws the picture that comes back', async () => {
    await open('#/functions/echo')
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Body from a file' }).click()])
    await chooser.setFiles({ name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') })
    await page.getByText('curl --data-binary @dot.png').waitFor()
    await page.getByText('Headers, placement and more').click()
    await page.getByRole('button', { name: 'Invoke' }).click()
    const answer = page.getByRole('status', { name: 'Answer' })
    await answer.getByRole('img', { name: 'What came back' }).waitFor()
    await answer.getByRole('link', { name: 'Save it' }).waitFor()
  })

  it('runs a task of the form, shows what it wrote, and runs it again', async () => {
    await open('#/tasks')
    await page.getByRole('link', { name: 'Run task' }).click()
    await page.getByLabel(/^Image/).fill('wc -w')
    await page.getByLabel(/^Arguments/).fill("'no end")
    await page
      .getByLabel(/^Input/, { exact: true })
      .first()
      .fill('three small words')
    await page.getByRole('button', { name: 'Run task' }).click()
    await page.getByRole('alert').filter({ hasText: "a ' has no end" }).waitFor()
    await page.getByLabel(/^Arguments/).fill('')
    await picture('run')
    await page.getByRole('button', { name: 'Run task' }).click()
    await page.getByRole('heading', { name: /^wc t-/ }).waitFor()
    await page.getByRole('heading', { name: 'Output' }).waitFor()
    await page
      .locator('.answer pre')
      .filter({ hasText: /^3\s*$/ })
      .waitFor()
    await picture('task')
    await page.getByRole('link', { name: 'Run again' }).click()
    await page.getByRole('heading', { name: 'Run task' }).waitFor()
    assert.equal(await page.getByLabel(/^Image/).inputValue(), 'wc -w')
    await open('#/tasks')
    await page.getByRole('table', { name: 'Tasks that have ended' }).getByText('succeeded').waitFor()
  })

  it('makes another revision, showing what it changes, and remembers both', async () => {
    await open('#/functions/echo')
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await page.getByLabel(/^Memory/).fill('128Mi')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByText('memory 64Mi -> 128Mi').waitFor()
    await page.getByRole('button', { name: 'Upload revision 2' }).click()
    await page.getByText('revision 2', { exact: true }).waitFor()
    await page.locator('.revisions').getByText('r1', { exact: true }).waitFor()
  })

  it('goes where keys say', async () => {
    await open('')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('e')
    await page.getByRole('heading', { name: 'Events' }).waitFor()
    await page.getByRole('list', { name: 'Events, newest first' }).getByText('echo revision 2 from cat').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('orchestrator')
    await page.getByText('echo revision 2 from cat').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
  })

  it('draws the map, with the orchestrator on it', async () => {
    await open('#/map')
    await page.getByText('atlas orchestrates since term').waitFor()
    await page.getByRole('link', { name: /^atlas, orchestrator, alive/ }).waitFor()
    await picture('map')
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`needs no scrolling sideways on 360 pixels, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width: 360, height: 780 })
      for (const hash of PAGES) {
        await open(hash)
        await page.getByRole('heading', { level: 1 }).waitFor()
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, hash)
        assert.deepEqual(await page.evaluate(WIDE_TABLES), [], hash)
        await picture(`360-${colorScheme}-${hash.slice(2).replace(/\W/g, '-')}`)
      }
      await page.setViewportSize({ width: 1360, height: 900 })
      await open('#/')
      await page.getByRole('heading', { level: 1 }).waitFor()
      await picture(`overview-${colorScheme}`)
      await page.emulateMedia({ colorScheme: 'light' })
    })
  }

  it('gives a screen reader a name for everything that can be used or looked at', async () => {
    const reader = await page.context().newCDPSession(page)
    for (const hash of PAGES) {
      await open(hash)
      await page.getByRole('heading', { level: 1 }).waitFor()
      const { nodes } = await reader.send('Accessibility.getFullAXTree')
      const nameless = nodes.filter(({ ignored, role, name }) => !ignored && NAMED.has(String(role?.value)) && !name?.value)
      assert.deepEqual(
        nameless.map(({ role }) => String(role?.value)),
        [],
        hash
      )
    }
    await reader.detach()
  })

  it('says when its peer is dead and how old its data is, and goes on when the peer is back', async () => {
    await open('')
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor()
    await page.evaluate('window.isTheSamePage = true')
    const { host } = new URL(peer.api)
    await peer.crash()
    await page.getByRole('alert').filter({ hasText: 'atlas does not answer.' }).waitFor()
    await page
      .getByRole('status')
      .filter({ hasText: /^reconnecting, data \d+ s old$/ })
      .waitFor()
    await page.getByRole('table', { name: 'Peers' }).getByRole('link', { name: 'atlas' }).waitFor()
    await picture('peer-dead')
    peer = await start(host)
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor()
    await page.getByText('does not answer').waitFor({ state: 'detached' })
    assert.equal(await page.evaluate('window.isTheSamePage'), true, 'without having been loaded anew')
  })

  it('asks for the token of a peer that wants one, and opens with it', async () => {
    await peer.stop()
    const tokens = join(folder, 'tokens')
    await writeFile(tokens, 'right-token\n', { mode: 0o600 })
    // On an address that others reach, even this machine needs a token.
    peer = await start('0.0.0.0:0', ['--open', '--token-file', tokens])
    await open('')
    await page.getByRole('heading', { name: 'This peer wants a token' }).waitFor()
    await picture('locked')
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Open the dashboard' }).click()
    await page.getByText('The peer does not know that token.').waitFor()
    await page.getByLabel('Token').fill('right-token')
    await page.getByRole('button', { name: 'Open the dashboard' }).click()
    await page.getByRole('table', { name: 'Peers' }).getByRole('link', { name: 'atlas' }).waitFor()
    await page.reload()
    await page
      .getByRole('status')
      .filter({ hasText: /^live$/ })
      .waitFor()
  })
})

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createHarness, type Harness } from './harness.ts'
import { sampleProfile } from '../support/samples.ts'

const SCRIPT = 'export const long = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\n'

describe('the dashboard, built', () => {
  let folder = ''
  before(async () => {
    folder = `${await mkdtemp(join(tmpdir(), 'cares-dashboard-'))}/`
    await mkdir(`${folder}assets`)
    await writeFile(`${folder}index.html`, '<!doctype html><title>dashboard</title>')
    await writeFile(`${folder}assets/index-abc123.js`, SCRIPT)
    await writeFile(`${folder}assets/index-abc123.css`, 'body {}')
    await writeFile(`${folder}assets/notes.txt`, 'not a part of it')
  })
  after(() => rm(folder, { recursive: true }))
  const harness = (): Harness => createHarness({}, { dashboardFolder: folder })

  it('is the page at /, which is asked for again each time and costs nothing when it is the same', async () => {
    await using api = harness()
    const first = await api.app.inject('/')
    assert.equal(first.statusCode, 200)
    assert.match(first.body, /<title>dashboard/)
    assert.equal(first.headers['cache-control'], 'no-cache')
    const again = await api.app.inject({ url: '/', headers: { 'if-none-match': String(first.headers.etag) } })
    assert.deepEqual([again.statusCode, again.body], [304, ''])
    const other = await api.app.inject({ url: '/', headers: { 'if-none-match': '"other"' } })
    assert.equal(other.statusCode, 200)
  })

  for (const url of ['/', '/assets/index-abc123.js']) {
    it(`may load from its own peer only, and is framed, sniffed and referred to by nobody: ${url}`, async () => {
      await using api = harness()
      const { headers } = await api.app.inject(url)
      const policy = String(headers['content-security-policy'])
      assert.match(policy, /default-src 'self'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe|https?:|\*/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['referrer-policy'], 'no-referrer')
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    })
  }

  it('has files that never change under their names, with their types', async () => {
    await using api = harness()
    for (const [file, type] of [
      ['index-abc123.js', /^text\/javascript/],
      ['index-abc123.css', /^text\/css/]
    ] as const) {
      const { headers } = await api.app.inject(`/assets/${file}`)
      assert.match(String(headers['content-type']), type)
      assert.match(String(headers['cache-control']), /immutable/)
    }
  })

  const encodings: readonly (readonly [accept: string, encoding: string | undefined])[] = [
    ['gzip, br', 'gzip'],
    ['br;q=1, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
    ['', undefined]
  ]
  for (const [accept, encoding] of encodings) {
    it(`is sent ${encoding ?? 'as it is'} to a browser that accepts "${accept}"`, async () => {
      await using api = harness()
      const { headers, rawPayload } = await api.app.inject({ url: '/assets/index-abc123.js', headers: { 'accept-encoding': accept } })
      assert.equal(headers['content-encoding'], encoding)
      assert.equal(headers.vary, 'accept-encoding')
      assert.equal((encoding === undefined ? rawPayload : gunzipSync(rawPayload)).toString(), SCRIPT)
    })
  }

  it('answers HEAD like GET, without the body', async () => {
    await using api = harness()
    const { statusCode, headers, body } = await api.app.inject({ method: 'HEAD', url: '/assets/index-abc123.js' })
    assert.deepEqual([statusCode, body], [200, ''])
    assert.equal(Number(headers['content-length']), SCRIPT.length)
  })

  for (const url of ['/assets/gone.js', '/assets/notes.txt', '/assets/..%2findex.html', '/assets/a/b.js', '/index.html']) {
    it(`has no ${url}`, async () => {
      await using api = harness()
      const { statusCode, headers } = await api.app.inject(url)
      assert.equal(statusCode, 404)
      assert.match(String(headers['content-type']), /^application\/problem\+json/)
    })
  }

  it('needs no token, while what it shows does', async () => {
    await using api = createHarness({}, { dashboardFolder: folder, tokens: ['secret'], host: '0.0.0.0' })
    assert.equal((await api.app.inject('/')).statusCode, 200)
    assert.equal((await api.app.inject('/assets/index-abc123.js')).statusCode, 200)
    assert.equal((await api.app.inject('/v1/peers')).statusCode, 401)
  })
})

describe('the dashboard, not built', () => {
  const unbuilt = { dashboardFolder: '/nowhere/' }

  it('says so, with the command, and tells nobody what is in the cluster', async () => {
    await using harness = createHarness({}, unbuilt)
    const { statusCode, headers, body } = await harness.app.inject('/')
    assert.equal(statusCode, 200)
    assert.match(String(headers['content-type']), /^text\/html/)
    assert.match(String(headers['content-security-policy']), /default-src 'none'/)
    assert.equal(headers['cache-control'], 'no-cache')
    assert.match(body, /npm run build:web/)
    assert.match(body, /atlas is running/)
    assert.doesNotMatch(body, /birch|thumb/)
  })

  it('shows what a peer is called as text', async () => {
    const evil = `<img src=x onerror="alert('1')">&`
    await using harness = createHarness({ profile: sampleProfile({ name: evil, version: evil }) }, unbuilt)
    const { body } = await harness.app.inject('/')
    assert.doesNotMatch(body, /<img|onerror="/)
    assert.match(body, /&#60;img src=x/)
  })
})

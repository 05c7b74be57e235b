import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTokens } from '../../../src/config/secrets.ts'
import { problem } from '../fake-api.ts'
import { startHealthyApi } from '../healthy-api.ts'
import { CLUSTER } from '../samples.ts'
import { run } from './run.ts'

describe('cares token', () => {
  let folder = ''
  let file = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cares-token-'))
    file = join(folder, 'new', 'tokens')
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })
  const sources = { env: {}, cwd: '/', home: () => '/', readFile: () => '' }

  it('prints a token that cannot be guessed, another each time', async () => {
    const [one, other] = [await run(['token', 'new']), await run(['token', 'new'])]
    assert.match(one.stdout, /^[\w-]{43}\n$/)
    assert.notEqual(one.stdout, other.stdout)
    assert.equal(one.stderr, '')
  })

  it('writes one into a file that a peer can read, and nobody else', async () => {
    const made = await run(['token', 'new', 'ann', '--file', file])
    const second = await run(['token', 'new', '--file', file])
    const text = await readFile(file, 'utf8')
    assert.equal(text, `# ann\n${made.stdout}${second.stdout}`)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.deepEqual(readTokens(file, { ...sources, readFile: () => text }), [made.stdout.trim(), second.stdout.trim()])
    assert.match(made.stderr, /cares peer --token-file/)
  })

  it('lists whose they are without telling them', async () => {
    const made = (await run(['token', 'new', 'ann', '--file', file])).stdout.trim()
    const { stdout } = await run(['token', 'list', '--file', file])
    assert.match(stdout, /^NAME {2}FINGERPRINT\nann {3}[0-9a-f]{12}\n$/)
    assert.ok(!stdout.includes(made))
    assert.ok(!(await run(['token', 'list', '--file', file, '--json'])).stdout.includes(made))
  })

  it('removes one by name or fingerprint, and leaves the others', async () => {
    const ann = (await run(['token', 'new', 'ann', '--file', file])).stdout
    await run(['token', 'new', 'bob', '--file', file])
    assert.equal((await run(['token', 'remove', 'bob', '--file', file])).code, 0)
    assert.equal(await readFile(file, 'utf8'), `# ann\n${ann}`)
    const print = /[0-9a-f]{12}/.exec((await run(['token', 'list', '--file', file])).stdout)?.[0] ?? ''
    assert.equal((await run(['token', 'remove', print, '--file', file])).code, 0)
    assert.equal((await run(['token', 'remove', 'ann', '--file', file])).code, 4)
  })

  it('does not make two for one name, nor more than a peer takes', async () => {
    await run(['token', 'new', 'ann', '--file', file])
    assert.equal((await run(['token', 'new', 'ann', '--file', file])).code, 5)
    await writeFile(file, Array.from({ length: 64 }, (_, i) => `token-number-${i}\n`).join(''))
    assert.equal((await run(['token', 'new', 'bob', '--file', file])).code, 5)
  })

  it('says what is missing', async () => {
    assert.equal((await run(['token', 'list'])).stderr, 'cares: no file is named\n  try: add --file FILE\n')
    assert.equal((await run(['token', 'remove', '--file', file])).code, 2)
    assert.match((await run(['token', 'make'])).stderr, /Allowed choices are new, list, remove, check/)
    assert.equal((await run(['token', 'list', '--file', folder])).code, 2)
  })

  it('tries the token that is in use', async () => {
    await using api = await startHealthyApi()
    assert.equal((await run(['token', 'check'], { api: api.url })).code, 0)
    api.answer('GET /v1/cluster', { ...CLUSTER, secretHidden: true })
    assert.deepEqual((await run(['token', 'check'], { api: api.url })).code, 5)
    api.answer('GET /v1/cluster', problem('unauthorized', 'this peer wants a token', 401))
    assert.equal((await run(['token', 'check'], { api: api.url })).code, 5)
  })
})

import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CliEnvironment, PeerSettings } from '../../../src/faces/cli/environment.ts'
import { clockCheck, localChecks } from '../../../src/faces/cli/local-checks.ts'
import type { HealthCheck } from '../../../src/model/service.ts'
import { startFakeApi } from '../fake-api.ts'
import { CHECKS, startHealthyApi } from '../healthy-api.ts'
import { FIXED_CLOCK, run } from './run.ts'

describe('cares doctor', () => {
  let directory: string
  let settings: PeerSettings
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cares-doctor-'))
    settings = {
      data: join(directory, 'data'),
      runtime: 'process',
      http: { host: '127.0.0.1', port: 0 },
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: [],
      dockerHost: null,
      origins: [
        { name: 'data', value: join(directory, 'data'), from: 'env CARES_DATA' },
        { name: 'cpus', value: 'all', from: 'default' }
      ],
      inspect: async () => [{ name: 'machine', ok: true, message: '4 cores' }],
      warnings: ['CARES_DTA is not a setting; did you mean CARES_DATA?']
    }
  })
  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  const environment = (): Partial<CliEnvironment> => ({ readPeerSettings: async () => settings })
  const check = async (name: string, options: Partial<PeerSettings> = {}, peerRuns = false): Promise<HealthCheck | undefined> => {
    const timeout = (ms: number): AbortSignal => FIXED_CLOCK.timeout(ms)
    const { signal } = new AbortController()
    const checks = await localChecks({ ...settings, ...options }, { nodeVersion: 'v24.21.0', peerRuns, timeout, signal })
    return checks.find(each => each.name === name)
  }

  it('finds a machine without a peer in order, and says which settings are not at their default', async () => {
    const nobody = await startFakeApi()
    await nobody[Symbol.asyncDispose]()
    const { code, stdout, stderr } = await run(['doctor'], { api: nobody.url, environment: environment() })
    assert.equal(code, 0)
    assert.match(stdout, /^ok {4}node /m)
    assert.match(stdout, /^ok {4}peer +none answers at http/m)
    assert.match(stdout, /^data {5}.* {2}env CARES_DATA$/m)
    assert.doesNotMatch(stdout, /^cpus/m)
    assert.equal(stderr, 'cares: CARES_DTA is not a setting; did you mean CARES_DATA?\n')
    assert.match((await run(['doctor', '-v'], { api: nobody.url, environment: environment() })).stdout, /^cpus {5}all .* default$/m)
  })

  it('says once what is wrong with the settings of every command', async () => {
    await using api = await startHealthyApi()
    const readClientSettings: CliEnvironment['readClientSettings'] = async () => ({
      api: api.url,
      token: null,
      output: 'table',
      color: 'never',
      verbose: false,
      quiet: false,
      readOnly: false,
      warnings: settings.warnings
    })
    const { stderr } = await run(['doctor'], { api: api.url, environment: { ...environment(), readClientSettings } })
    assert.equal(stderr.split('CARES_DTA').length - 1, 1)
  })

  it('exits with 1 when the peer says that something is to be fixed, and how', async () => {
    await using api = await startHealthyApi()
    const { code, stdout } = await run(['doctor'], { api: api.url, environment: environment() })
    assert.equal(code, 1)
    assert.match(stdout, /^FAIL {2}quorum +1 of 3 voters answers\n {13,}try: start the other peers$/m)
    const { stdout: json } = await run(['doctor', '--json'], { api: api.url, environment: environment() })
    const { ok, items } = JSON.parse(json) as { ok: boolean; items: HealthCheck[] }
    assert.equal(ok, false)
    assert.deepEqual(items.slice(-2), CHECKS.items)
  })

  it('does not take the ports of a running peer for a fault', async () => {
    assert.equal(await check('api port', {}, true), undefined)
    assert.equal((await check('api port'))?.ok, true)
  })

  it('finds a port that another program has', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const taken = { ok: false, message: `127.0.0.1:${port} is in use by another program` }
      assert.deepEqual(await check('api port', { http: { host: '127.0.0.1', port } }), {
        name: 'api port',
        ...taken,
        hint: 'cares peer --http HOST:PORT'
      })
      const listen = [`/ip4/127.0.0.1/tcp/${port}`]
      assert.deepEqual(await check('peer port', { listen }), { name: 'peer port', ...taken, hint: 'cares peer --listen MADDR' })
    } finally {
      server.close()
    }
  })

  it('finds an old Node', async () => {
    const checks = await localChecks(settings, {
      nodeVersion: 'v20.1.0',
      peerRuns: true,
      timeout: ms => FIXED_CLOCK.timeout(ms),
      signal: new AbortController().signal
    })
    assert.equal(checks[0]?.ok, false)
  })

  it('finds a data directory that cannot be written', async () => {
    assert.equal((await check('data'))?.ok, true)
    const file = join(directory, 'file')
    await writeFile(file, '')
    assert.match((await check('data', { data: join(file, 'data') }))?.message ?? '', /file is not a directory$/)
  })

  it('finds a Docker socket that is not there, that nobody answers at, and that may not be used', async () => {
    const socket = join(directory, 'docker.sock')
    const docker = { runtime: 'docker', dockerHost: `unix://${socket}` } as const
    assert.match((await check('docker', docker))?.hint ?? '', /--runtime process/)
    const server = createServer()
    await new Promise<void>(resolve => server.listen(socket, resolve))
    try {
      assert.equal((await check('docker', docker))?.ok, true)
      if (process.getuid?.() !== 0) {
        await chmod(socket, 0)
        assert.match((await check('docker', docker))?.message ?? '', /permission denied \(socket gid \d+, this process \d+\)/)
      }
    } finally {
      server.close()
    }
    assert.equal(await check('docker', { runtime: 'docker', dockerHost: 'ssh://builder' }), undefined)
    const remote = { runtime: 'docker', dockerHost: 'tcp://127.0.0.1:1' } as const
    assert.match((await check('docker', remote))?.message ?? '', /cannot use 127\.0\.0\.1:1: nobody answers/)
  })

  it('tells how much room and how many open files there are', async () => {
    assert.match((await check('space'))?.message ?? '', /^[\d.]+[KMGT]i free for data$/)
    const files = await check('open files')
    if (process.platform === 'linux') assert.match(files?.message ?? '', /^(\d+|unlimited) allowed$/)
  })

  it('tries the peers that the cluster would be joined by', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const bootstrap = [`/ip4/127.0.0.1/tcp/${port}/p2p/12D3KooW#secret`]
    assert.deepEqual(await check('bootstrap', { bootstrap }), {
      name: 'bootstrap',
      ok: true,
      message: `somebody answers at 127.0.0.1:${port}`
    })
    await new Promise(resolve => server.close(resolve))
    const gone = await check('bootstrap', { bootstrap })
    assert.deepEqual([gone?.ok, gone?.message], [false, `127.0.0.1:${port} cannot be reached: nothing listens there`])
    assert.equal(await check('bootstrap', { bootstrap: ['/memory/1'] }), undefined)
    assert.equal(await check('bootstrap', { bootstrap }, true), undefined)
  })

  it('compares the clocks of this machine and the peer', () => {
    assert.equal(clockCheck(10_000, 12_000).ok, true)
    assert.deepEqual(clockCheck(10_000, 40_000), {
      name: 'clock',
      ok: false,
      message: "30s apart from the peer's",
      hint: 'set both clocks by NTP: timedatectl set-ntp true'
    })
  })
})

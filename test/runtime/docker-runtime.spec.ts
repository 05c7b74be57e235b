import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import Docker from 'dockerode'
import { EXAMPLE_IMAGES, makeImages, TEST_IMAGES } from '../../scripts/images.ts'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { Runtime } from '../../src/model/ports/runtime.ts'
import { createRuntime } from '../../src/runtime/runtime.ts'
import {
  call,
  execute,
  functionOf,
  never,
  type Programs,
  rejectsWith,
  type RuntimeUnderTest,
  runtimeCompliance
} from '../compliance/runtime.ts'
import { eventually } from '../support/eventually.ts'
import { createTestLog } from '../support/test-log.ts'
import { skip } from '../support/skip.ts'

const SOCKET = '/var/run/docker.sock'
const engine = new Docker({ socketPath: SOCKET })

const PROGRAMS: Programs = {
  echo: 'cares-example/echo',
  upper: 'cares-example/upper',
  fail: 'cares-example/fail',
  deaf: 'cares-test/deaf',
  flood: 'cares-test/flood',
  hang: 'cares-test/hang',
  stubborn: 'cares-test/stubborn',
  env: 'cares-test/env',
  cut: 'cares-test/cut',
  web: 'cares-example/web',
  missing: 'cares-test/there-is-no-such-image'
}

/** All runtimes of one test belong to one peer, so that each finds what the one before left behind. */
function dockerRuntime(): RuntimeUnderTest & { peer: string } {
  const peer = `12D3KooWtest${randomBytes(8).toString('hex')}`
  const runtimes: Runtime[] = []
  return {
    peer,
    programs: PROGRAMS,
    setup: async ({ memoryBytes = 2 ** 31, ...options } = {}) => {
      const owner = { peer: peer as PeerId, cluster: null, session: runtimes.length + 1 }
      const init = { kind: 'docker' as const, capacity: { cpus: 4, memoryBytes, diskBytes: 1 }, dockerHost: `unix://${SOCKET}` }
      const runtime = createRuntime({ ...init, ...owner, ...options }, { clock: createSystemClock(), log: createTestLog() })
      runtimes.push(runtime)
      await runtime.start()
      return runtime
    },
    countLeft: async () => (await engine.listContainers({ all: true, filters: { label: [`io.cares.peer=${peer}`] } })).length,
    teardown: async () => {
      await Promise.all(runtimes.map(async runtime => runtime.stop()))
      const networks = await engine.listNetworks({ filters: { label: [`io.cares.peer=${peer}`] } })
      assert.deepEqual(networks, [], 'a network was left behind')
    }
  }
}

describe('runtime: docker', function () {
  this.timeout(60_000)

  before(async function () {
    try {
      await engine.ping()
    } catch (error) {
      skip(this, `no container engine answers at ${SOCKET} (${(error as Error).message})`)
    }
    await makeImages([...EXAMPLE_IMAGES, ...TEST_IMAGES])
  })

  runtimeCompliance(dockerRuntime)

  describe('as an engine', () => {
    let tried: ReturnType<typeof dockerRuntime>
    let runtime: Runtime

    beforeEach(async () => {
      tried = dockerRuntime()
      runtime = await tried.setup()
    })

    afterEach(async () => {
      await tried.teardown()
      assert.equal(await tried.countLeft(), 0, 'something was left behind')
    })

    it('finds contract and port in the image, and says from what', async () => {
      const info = await runtime.resolve('cares-example/web', { pull: 'never', signal: never() })
      assert.deepEqual([info.contract, info.port, info.readyPath, info.because], ['http', 8080, '/healthz', 'port 8080 from EXPOSE'])
      assert.match(info.digest, /^sha256:[0-9a-f]{64}$/)
      assert.equal(info.arch, runtime.arch)
      const error = await rejectsWith('image_unsupported', runtime.resolve('cares-test/ports', { pull: 'never', signal: never() }))
      assert.equal(error.hint, 'choose --port from 80, 443')
    })

    it('asks the engine nothing for a name that would be another path there', async () => {
      for (const image of ['../x/y', 'two words']) {
        await rejectsWith('invalid', runtime.resolve(image, { pull: 'missing', signal: never() }))
      }
    })

    it('measures cpu time and memory of a one-shot program', async () => {
      const { end } = await call(runtime, await functionOf(runtime, 'cares-test/spin'))
      assert.ok((end.usage.cpuMs ?? 0) > 100, `cpuMs ${end.usage.cpuMs}`)
      assert.ok((end.usage.memoryPeakBytes ?? 0) > 100_000, `memoryPeakBytes ${end.usage.memoryPeakBytes}`)
    })

    it('tells when the memory limit ended a program, and a server', async () => {
      const eaten = await rejectsWith('out_of_memory', call(runtime, await functionOf(runtime, 'cares-test/eat')))
      assert.match(eaten.message, /memory limit of 64Mi /)
      const web = await functionOf(runtime, 'cares-example/web', { memoryBytes: 128 * 2 ** 20 })
      await rejectsWith('out_of_memory', call(runtime, web, { path: '/eat' }))
    })

    it('tells when the image cannot be started', async () => {
      await rejectsWith('image_unsupported', call(runtime, await functionOf(runtime, 'cares-test/nothing')))
    })

    it('suspects a silent program that listens on a port', async () => {
      const fn = await functionOf(runtime, 'cares-test/misfit')
      assert.match((await rejectsWith('timeout', call(runtime, fn, { timeoutMs: 1_500 }))).hint ?? '', /HTTP server on 8080/)
    })

    it('gives a one-shot program no network, and drops what it could do with one', async () => {
      const { text } = await call(runtime, await functionOf(runtime, 'cares-test/nettest'))
      assert.doesNotMatch(text, /eth0|default/)
      assert.match(text, /blocked/)
    })

    it('lets a server without network reach neither the outside nor its neighbours', async () => {
      const fn = await functionOf(runtime, 'cares-example/web', { memoryBytes: 256 * 2 ** 20 })
      const reach = async (host: string, port: number): Promise<string> =>
        (await call(runtime, fn, { path: '/reach', query: `host=${host}&port=${port}` })).text.trim()
      await call(runtime, fn)
      const neighbour = await functionOf(runtime, 'cares-example/web', { name: 'neighbour', memoryBytes: 256 * 2 ** 20 })
      await call(runtime, neighbour)
      const containers = await engine.listContainers({
        filters: { label: [`io.cares.peer=${tried.peer}`, 'io.cares.function=neighbour@1'] }
      })
      const [network] = Object.values(containers[0]?.NetworkSettings.Networks ?? {})
      assert.notEqual(await reach(network?.IPAddress ?? '', 8080), 'reached', 'a neighbour')
      assert.notEqual(await reach('192.0.2.1', 80), 'reached', 'the outside')
    })

    it('lets a server without network reach no port of this machine, where the peer may close them', async function () {
      if (process.getuid?.() !== 0 || spawnSync('iptables', ['-L', '-n']).status !== 0) skip(this, 'it takes iptables, as root')
      const fn = await functionOf(runtime, 'cares-example/web', { memoryBytes: 256 * 2 ** 20 })
      await call(runtime, fn)
      const [network] = await engine.listNetworks({ filters: { label: [`io.cares.peer=${tried.peer}`] } })
      const machine = network?.IPAM?.Config?.[0]?.Gateway ?? ''
      const server = createServer(socket => socket.end()).listen(0, '0.0.0.0')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      try {
        const { text } = await call(runtime, fn, { path: '/reach', query: `host=${machine}&port=${port}` })
        assert.notEqual(text.trim(), 'reached')
        await runtime.stop()
        assert.doesNotMatch(spawnSync('iptables', ['-S', 'INPUT']).stdout.toString(), new RegExp(`br-${network?.Id.slice(0, 12)}`))
      } finally {
        server.close()
      }
    })

    it('limits memory, processes and capabilities, and labels what it makes', async () => {
      const caller = new AbortController()
      const { promise: running, resolve } = Promise.withResolvers<void>()
      runtime.onLog(() => resolve())
      const fn = await functionOf(runtime, 'cares-test/stubborn', { cpus: 0.5 })
      const calling = rejectsWith('cancelled', execute(runtime, fn, { signal: caller.signal }))
      await running
      const [listed] = await engine.listContainers({ all: true, filters: { label: [`io.cares.peer=${tried.peer}`] } })
      const { HostConfig, Config } = await engine.getContainer(listed?.Id ?? '').inspect()
      caller.abort()
      await calling
      assert.equal(HostConfig.Memory, fn.memoryBytes)
      assert.equal(HostConfig.MemorySwap, fn.memoryBytes)
      assert.equal(HostConfig.NanoCpus, 5e8)
      assert.ok((HostConfig.PidsLimit ?? 0) > 0)
      assert.deepEqual(HostConfig.CapDrop, ['ALL'])
      assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges:true'])
      assert.equal(HostConfig.NetworkMode, 'none')
      assert.deepEqual(
        { ...Config.Labels, 'io.cares.recipe': '' },
        {
          'io.cares.peer': tried.peer,
          'io.cares.cluster': '',
          'io.cares.session': '1',
          'io.cares.kind': 'stdio',
          'io.cares.function': 'tried@1',
          'io.cares.recipe': ''
        }
      )
    })

    it('clears away what an earlier life left behind, and nothing else', async () => {
      const labels = { 'io.cares.peer': tried.peer, 'io.cares.session': '0', 'io.cares.function': 'old@3' }
      const left = await engine.createContainer({ Image: 'cares-test/hang', Labels: labels })
      await left.start()
      const foreign = await engine.createContainer({ Image: 'cares-test/hang', Labels: { ...labels, 'io.cares.peer': `${tried.peer}x` } })
      try {
        const found = [{ container: left.id, function: 'old@3', reason: 'running, left behind by session 0' }]
        assert.deepEqual(await runtime.prune({ dryRun: true, signal: never() }), found)
        assert.equal(await tried.countLeft(), 1)
        await tried.setup()
        assert.equal(await tried.countLeft(), 0)
        assert.equal((await foreign.inspect()).State.Status, 'created')
      } finally {
        await foreign.remove({ force: true })
      }
    })

    it('waits for the check of the image itself, and replaces a server that fails it later', async () => {
      const fn = await functionOf(runtime, 'cares-test/checked')
      assert.equal(fn.readyPath, undefined)
      const asked = { path: '/health', method: 'GET' }
      const first = await call(runtime, fn, asked)
      assert.deepEqual([first.head.status, first.head.start, first.text], [200, 'cold', 'ok\n'], 'it was called before it was ready')
      const filters = { label: [`io.cares.peer=${tried.peer}`] }
      const [container] = await engine.listContainers({ filters })
      const exec = await engine.getContainer(container?.Id ?? '').exec({ Cmd: ['/bin/sh', '-c', 'echo ill >/tmp/health'] })
      await exec.start({ Detach: true })
      const others = async (): Promise<boolean> => (await engine.listContainers({ filters })).some(({ Id }) => Id !== container?.Id)
      await eventually('another one in its place', others, { withinMs: 30_000 })
      const second = await call(runtime, fn, asked)
      assert.deepEqual([second.head.status, second.text], [200, 'ok\n'])
      const [last] = await engine.listContainers({ filters })
      assert.notEqual(last?.Id, container?.Id, 'the ill one is still there')
    })

    it('refuses work for GPUs that the engine does not give to containers', async function () {
      await runtime.stop()
      runtime = await tried.setup({ gpus: ['GPU-8f6e7a10-aaaa-bbbb-cccc-000000000001'] })
      if (runtime.gpuRefusal === undefined) skip(this, 'the engine gives GPUs to containers')
      assert.match(runtime.gpuRefusal, /none of 1: could not select device driver/)
      assert.equal((await runtime.check({ signal: never() })).ready, true)
      const error = await rejectsWith('busy', call(runtime, await functionOf(runtime, 'cares-example/echo', { gpus: 1 })))
      assert.deepEqual(error.details, { resource: 'gpus', needed: 1, available: 0 })
      assert.equal((await call(runtime, await functionOf(runtime, 'cares-example/echo'), { body: 'x' })).text, 'x')
    })

    it('does not take its own work for orphans', async () => {
      const fn = await functionOf(runtime, 'cares-example/web', { memoryBytes: 256 * 2 ** 20 })
      await call(runtime, fn)
      assert.deepEqual(await runtime.prune({ dryRun: false, signal: never() }), [])
      assert.equal((await call(runtime, fn)).head.start, 'warm')
    })
  })

  it('says what to do when no engine answers', async () => {
    const init = { peer: 'p' as PeerId, cluster: null, session: 1, capacity: { cpus: 1, memoryBytes: 1, diskBytes: 1 } }
    const runtime = createRuntime(
      { kind: 'docker', dockerHost: 'unix:///no/such.sock', ...init },
      { clock: createSystemClock(), log: createTestLog() }
    )
    await runtime.start()
    const { ready, reason, hint } = await runtime.check({ signal: never() })
    assert.equal(ready, false)
    assert.match(reason, /no Docker engine at \/no\/such\.sock/)
    assert.match(hint ?? '', /DOCKER_HOST/)
    await rejectsWith('runtime_unavailable', runtime.resolve('x', { pull: 'never', signal: never() }))
    await runtime.stop()
  })
})

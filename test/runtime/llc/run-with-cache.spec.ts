import assert from 'node:assert/strict'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import type { Runtime } from '../../../src/model/ports/runtime.ts'
import { FunctionRuntime } from '../../../src/runtime/function-runtime.ts'
import { LlcControl } from '../../../src/runtime/llc/llc-control.ts'
import { createProcessDriver } from '../../../src/runtime/process-driver.ts'
import { call, execute, functionOf, rejectsWith } from '../../compliance/runtime.ts'
import { FakeResctrl, machineOf } from '../../support/fake-resctrl.ts'
import { createTestLog } from '../../support/test-log.ts'

const MIB = 2 ** 20

describe('a call of which the cache is to be known', () => {
  let runtime: Runtime | undefined
  afterEach(async () => {
    await runtime?.stop()
    runtime = undefined
  })

  /** Processes in place of containers: how a call is confined does not depend on that. */
  async function start(fake: FakeResctrl, use: 'auto' | 'off' = 'auto'): Promise<Runtime> {
    const components = { clock: createSystemClock(), log: createTestLog() }
    const driver = createProcessDriver({}, components)
    const llc = new LlcControl({ use, prefix: 'cares_me_' }, { files: fake, read: machineOf(), ...components })
    const init = {
      capacity: { cpus: 2, memoryBytes: 2 ** 30, diskBytes: 1 },
      keepAliveMs: undefined,
      readyTimeoutMs: 10_000,
      slotsMax: 8,
      gpus: []
    }
    runtime = new FunctionRuntime(init, { driver, llc, ...components })
    await runtime.start()
    return runtime
  }

  const withWays = (ways: string): { headers: [string, string][] } => ({ headers: [['x-cares-ways', ways]] })

  it('says in its usage to how much it was confined, and the class is free for the next one', async () => {
    const fake = new FakeResctrl()
    const tried = await start(fake)
    const fn = await functionOf(tried, 'cat', { contract: 'stdio' })
    for (const ways of [3, 1]) {
      const { text, end } = await call(tried, fn, { body: 'hello', ...withWays(String(ways)) })
      assert.equal(text, 'hello')
      assert.equal(end.usage.llcBytes, ways * MIB)
    }
    assert.ok(fake.commands.includes('cares_me_bench/schemata L3:0=1'), fake.commands.join('\n'))
  })

  it('gives the class back when it fails', async () => {
    const tried = await start(new FakeResctrl())
    const fails = await functionOf(tried, 'false', { contract: 'stdio' })
    await rejectsWith('function_failed', execute(tried, fails, withWays('2')))
    const fn = await functionOf(tried, 'cat', { contract: 'stdio' })
    const { end } = await call(tried, fn, withWays('2'))
    assert.equal(end.usage.llcBytes, 2 * MIB)
  })

  it('says nothing of it in ordinary calls, which touch no class', async () => {
    const fake = new FakeResctrl()
    const tried = await start(fake)
    const { end } = await call(tried, await functionOf(tried, 'cat', { contract: 'stdio' }), { body: 'hello' })
    assert.equal('llcBytes' in end.usage || 'llcUsedBytes' in end.usage, false)
    assert.ok(!fake.commands.some(command => command.includes('cares_')), fake.commands.join('\n'))
  })

  it('says what it held at its end where that is counted', async () => {
    const fake = new FakeResctrl({ ways: 0 })
    const occupy = fake.mkdir.bind(fake)
    fake.mkdir = async path => {
      await occupy(path)
      fake.occupy(path, 5 * MIB)
    }
    const tried = await start(fake)
    const { end } = await call(tried, await functionOf(tried, 'cat', { contract: 'stdio' }), { body: 'hello' })
    assert.equal(end.usage.llcUsedBytes, 5 * MIB)
  })

  it('is refused where it cannot be confined, for what is no number, and for more than there is', async () => {
    const tried = await start(new FakeResctrl())
    const fn = await functionOf(tried, 'cat', { contract: 'stdio' })
    await rejectsWith('invalid', execute(tried, fn, withWays('many')))
    await rejectsWith('invalid', execute(tried, fn, withWays('21')))
    await tried.stop()
    const without = await start(new FakeResctrl(), 'off')
    await rejectsWith('invalid', execute(without, fn, withWays('2')))
    assert.deepEqual(without.use().llc, { mode: 'none', reason: 'off', bytes: 0, ways: 0, expectedBytes: 0 })
  })

  it('counts for what its function is expected to need while it runs', async () => {
    const tried = await start(new FakeResctrl())
    tried.onCacheNeed?.(() => ({ bytes: 3 * MIB, slowdown: 0.1, basis: 'occupancy' }))
    const fn = await functionOf(tried, 'cat', { contract: 'stdio' })
    const held = Promise.withResolvers<void>()
    async function* body(): AsyncGenerator<Uint8Array> {
      await held.promise
      yield Buffer.from('hello')
    }
    const answer = call(tried, fn, { body: body() })
    assert.equal(tried.use().llc?.expectedBytes, 3 * MIB)
    held.resolve()
    await answer
    assert.equal(tried.use().llc?.expectedBytes, 0)
  })
})

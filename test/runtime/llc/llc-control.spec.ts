import assert from 'node:assert/strict'
import { type CacheNeed, llcText, reasonText } from '../../../src/model/llc.ts'
import { LlcControl, type LlcControlInit } from '../../../src/runtime/llc/llc-control.ts'
import { FakeResctrl, machineOf } from '../../support/fake-resctrl.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { createTestLog } from '../../support/test-log.ts'

const MIB = 2 ** 20
const PREFIX = 'cares_me_'
const NEEDS: Readonly<Record<string, CacheNeed>> = {
  'matrix@1': { bytes: 8 * MIB, slowdown: 0.8, basis: 'ways' },
  'stream@1': { bytes: MIB, slowdown: 0, basis: 'ways' },
  'guess@1': { bytes: 5 * MIB, slowdown: 0.05, basis: 'assumed' }
}

/** A container with threads of these ids, which the fake knows. */
function container(
  fake: FakeResctrl,
  id: string,
  threads: number[]
): { id: string; exited: Promise<never>; end(): void; threads(): number[] } {
  for (const thread of threads) fake.start(thread)
  const { promise, resolve } = Promise.withResolvers<never>()
  const end = (): void => {
    for (const thread of threads.splice(0)) fake.end(thread)
    resolve({ exitCode: 0, outOfMemory: false } as never)
  }
  return { id, exited: promise, end, threads: () => [...threads] }
}

describe('control of the last-level cache of a peer', () => {
  let stop: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const each of stop) await each()
    stop = []
  })

  async function start(
    fake: FakeResctrl,
    { files, ...init }: Partial<LlcControlInit> & { files?: Record<string, string> } = {}
  ): Promise<{ llc: LlcControl; settle: () => Promise<void>; reconcile: () => Promise<void> }> {
    const clock = new ManualClock()
    const llc = new LlcControl(
      { use: 'auto', prefix: PREFIX, ...init },
      { files: fake, read: machineOf(files), clock, log: createTestLog() }
    )
    llc.onNeed(fn => NEEDS[fn])
    stop.push(async () => llc.stop())
    await llc.start()
    // What is asked for waits its turn behind all that was begun.
    const settle = async (): Promise<void> => void (await llc.usedBytes('nobody'))
    const reconcile = async (): Promise<void> => {
      clock.advance(5_000)
      await settle()
    }
    return { llc, settle, reconcile }
  }

  const hosts: readonly (readonly [reason: string, mode: string, fake: FakeResctrl, options: Parameters<typeof start>[1]])[] = [
    ['allocates', 'enforced', new FakeResctrl(), {}],
    ['off', 'none', new FakeResctrl(), { use: 'off' }],
    ['no_cache', 'none', new FakeResctrl(), { files: { '/sys/devices/system/cpu/cpu0/cache/index3/size': '' } }],
    ['engine_elsewhere', 'none', new FakeResctrl(), { blind: 'engine_elsewhere' }],
    ['processes', 'advisory', new FakeResctrl(), { blind: 'processes' }],
    ['no_processor', 'advisory', new FakeResctrl(), { files: { '/proc/cpuinfo': 'flags\t: fpu sse\n' } }],
    ['no_kernel', 'advisory', new FakeResctrl(), { files: { '/proc/filesystems': 'nodev\tsysfs\n' } }],
    ['no_allocation', 'monitor', new FakeResctrl({ ways: 0 }), {}],
    ['no_allocation', 'advisory', new FakeResctrl({ ways: 0, memoryClosids: 8, rmids: 0 }), {}],
    ['no_class', 'monitor', new FakeResctrl({ closids: 1 }), {}],
    ['no_class', 'advisory', new FakeResctrl({ closids: 1, rmids: 0 }), {}]
  ]
  for (const [reason, mode, fake, options] of hosts) {
    it(`says ${mode} for the reason ${reason}, and how large the cache is where that is known`, async () => {
      const { llc } = await start(fake, options)
      const state = llc.state([{ function: 'matrix@1', busy: 2 }])
      assert.deepEqual({ mode: state.mode, reason: state.reason }, { mode, reason })
      assert.equal(state.expectedBytes, mode === 'none' ? 0 : 16 * MIB)
      if (mode !== 'none') assert.equal(state.bytes, 20 * MIB)
      assert.ok(llcText(state).startsWith(`${mode}: `) && llcText(state).endsWith(`: ${reasonText(reason)}`), llcText(state))
      assert.notEqual(reasonText(reason), reason)
    })
  }

  it('says that resctrl is not mounted, and that one may not write to it', async () => {
    const unmounted = new FakeResctrl()
    unmounted.folders = async () => Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }))
    assert.equal((await start(unmounted)).llc.state([]).reason, 'not_mounted')
    const readOnly = new FakeResctrl()
    readOnly.write = async () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
    assert.equal((await start(readOnly)).llc.state([]).reason, 'not_permitted')
  })

  it('touches nothing as long as nobody has measured anything', async () => {
    const fake = new FakeResctrl()
    const { llc, reconcile } = await start(fake)
    llc.admit(container(fake, 'a', [10]), 'guess@1')
    llc.admit(container(fake, 'b', [20]), 'new@1')
    await reconcile()
    assert.deepEqual(fake.commands, ['tasks '], 'the try whether it may')
    assert.equal(llc.state([]).classes, undefined)
  })

  it('gives measured functions their ways, and all threads of their containers with them', async () => {
    const fake = new FakeResctrl()
    const { llc, reconcile } = await start(fake)
    llc.admit(container(fake, 'a', [10, 11, 12]), 'matrix@1')
    llc.admit(container(fake, 'b', [20]), 'stream@1')
    llc.admit(container(fake, 'c', [30]), 'new@1')
    await reconcile()
    assert.deepEqual(
      [10, 11, 12].map(thread => fake.groupOf(thread)),
      Array(3).fill(`${PREFIX}large`)
    )
    assert.equal(fake.groupOf(20), `${PREFIX}small`)
    assert.equal(fake.groupOf(30), `${PREFIX}rest`)
    assert.equal(fake.groupOf(1), '', 'what is not of CARES stays where it was')
    assert.match(await fake.read(`${PREFIX}large/schemata`), /L3:0=000ff/)
    assert.equal(llc.state([]).classes, 3)
  })

  it('puts a container that starts later where its function is at once, with the threads that start meanwhile', async () => {
    const fake = new FakeResctrl()
    const { llc, settle, reconcile } = await start(fake)
    llc.admit(container(fake, 'a', [10]), 'matrix@1')
    llc.admit(container(fake, 'b', [20]), 'new@1')
    await reconcile()
    const later = [40, 41]
    fake.onWrite = (_, text) => {
      // One thread starts two while the first is moved, and another ends.
      if (text.trim() !== '40' || later.includes(42)) return
      fake.start(42)
      fake.end(41)
      later.splice(1, 1, 42)
    }
    const started = container(fake, 'c', later)
    llc.admit(started, 'matrix@1')
    await settle()
    assert.deepEqual(
      [40, 42].map(thread => fake.groupOf(thread)),
      [`${PREFIX}large`, `${PREFIX}large`]
    )
  })

  it('finds threads that went astray, and lets everybody go when nobody is left to protect', async () => {
    const fake = new FakeResctrl()
    const { llc, reconcile } = await start(fake)
    const [a, threads] = [[10], [20]]
    const matrix = container(fake, 'a', a)
    llc.admit(matrix, 'matrix@1')
    llc.admit(container(fake, 'b', threads), 'new@1')
    await reconcile()
    fake.start(21)
    threads.push(21)
    await reconcile()
    assert.equal(fake.groupOf(21), `${PREFIX}rest`)
    matrix.end()
    await matrix.exited
    await reconcile()
    assert.deepEqual(
      (await fake.folders('')).filter(name => name.startsWith('cares_')),
      []
    )
    assert.equal(fake.groupOf(20), '')
  })

  it('gives every class back when the peer stops, and takes those away that an earlier life left, and no others', async () => {
    const fake = new FakeResctrl()
    for (const left of [`${PREFIX}large`, 'cares_another_large', 'pqos']) await fake.mkdir(left)
    fake.start(10)
    await fake.write(`${PREFIX}large/tasks`, '10')
    const { llc, reconcile } = await start(fake)
    assert.equal(fake.groupOf(10), '')
    llc.admit(container(fake, 'a', [20]), 'matrix@1')
    llc.admit(container(fake, 'b', [30]), 'new@1')
    await reconcile()
    assert.equal(fake.groupOf(20), `${PREFIX}large`)
    await llc.stop()
    assert.deepEqual((await fake.folders('')).filter(name => name.includes('_') || name === 'pqos').sort(), [
      'cares_another_large',
      'mon_data',
      'mon_groups',
      'pqos'
    ])
  })

  it('makes do with the classes that others leave, and with none', async () => {
    const fake = new FakeResctrl({ closids: 4 })
    const { llc, reconcile } = await start(fake)
    for (const [i, fn] of ['matrix@1', 'stream@1', 'new@1'].entries()) llc.admit(container(fake, fn, [10 * i + 10]), fn)
    await fake.mkdir('pqos')
    await reconcile()
    assert.equal(fake.groupOf(20), `${PREFIX}small`, 'one class for the divided, one to measure in')
    await llc.stop()
    await fake.mkdir('other')
    await fake.mkdir('third')
    assert.equal((await start(fake)).llc.state([]).reason, 'no_class')
  })

  it('says that it broke, and leaves resctrl alone, when that does not do what it is told', async () => {
    const fake = new FakeResctrl()
    await fake.mkdir('pqos')
    fake.setExclusive('pqos')
    const { llc, reconcile } = await start(fake)
    llc.admit(container(fake, 'a', [10]), 'matrix@1')
    llc.admit(container(fake, 'b', [20]), 'new@1')
    await reconcile()
    assert.deepEqual([llc.state([]).mode, llc.state([]).reason], ['advisory', 'broke'])
    assert.deepEqual(
      (await fake.folders('')).filter(name => name.startsWith('cares_')),
      []
    )
    const before = fake.commands.length
    await reconcile()
    assert.equal(fake.commands.length, before)
  })

  describe('measuring with some ways', () => {
    it('confines one container, says how much it can have, and lets it go', async () => {
      const fake = new FakeResctrl()
      const { llc, reconcile } = await start(fake)
      llc.admit(container(fake, 'a', [10, 11]), 'new@1')
      const confined = await llc.confine('a', 3)
      assert.equal(confined.bytes, 3 * MIB)
      assert.deepEqual(
        [10, 11].map(thread => fake.groupOf(thread)),
        Array(2).fill(`${PREFIX}bench`)
      )
      assert.match(await fake.read(`${PREFIX}bench/schemata`), /L3:0=00007/)
      await reconcile()
      assert.equal(fake.groupOf(10), `${PREFIX}bench`, 'though the cache is looked over meanwhile')
      await confined.end()
      assert.equal(fake.groupOf(10), '')
      await reconcile()
      assert.ok(!(await fake.folders('')).includes(`${PREFIX}bench`), 'the class is free for others')
    })

    it('refuses what cannot be, one at a time, each with its reason', async () => {
      const fake = new FakeResctrl({ waysMin: 2 })
      const { llc } = await start(fake)
      llc.admit(container(fake, 'a', [10]), 'new@1')
      llc.admit(container(fake, 'b', [20]), 'new@1')
      for (const ways of [1, 21]) await assert.rejects(llc.confine('a', ways), { code: 'invalid', hint: 'ask for 2 to 20' })
      await assert.rejects(llc.confine('gone', 2), { code: 'busy', retryable: true })
      const confined = await llc.confine('a', 2)
      await assert.rejects(llc.confine('b', 2), { code: 'busy', retryable: true })
      await confined.end()
      await (await llc.confine('b', 2)).end()
    })

    it('is possible for the next one when the container ends while it is measured', async () => {
      const fake = new FakeResctrl()
      const { llc } = await start(fake)
      const first = container(fake, 'a', [10])
      llc.admit(first, 'new@1')
      llc.admit(container(fake, 'b', [20]), 'new@1')
      const confined = await llc.confine('a', 2)
      first.end()
      await first.exited
      const next = await llc.confine('b', 2)
      assert.equal(fake.groupOf(20), `${PREFIX}bench`)
      await next.end()
      await confined.end()
      assert.equal(fake.groupOf(20), '')
    })

    it('is refused with the reason where nothing is enforced', async () => {
      const { llc } = await start(new FakeResctrl(), { files: { '/proc/filesystems': '' } })
      await assert.rejects(llc.confine('a', 2), (error: Error) => /advisory: this kernel has no resctrl/.test(error.message))
    })
  })

  describe('where it can only be counted', () => {
    it('counts what each container holds, also a moment after its end, and gives the counter up', async () => {
      const fake = new FakeResctrl({ ways: 0 })
      const { llc, settle, reconcile } = await start(fake)
      assert.equal(llc.counts, true)
      const counted = container(fake, 'abc', [10])
      llc.admit(counted, 'new@1')
      fake.occupy(`mon_groups/${PREFIX}abc`, 3 * MIB)
      fake.occupy('', 7 * MIB)
      assert.equal(await llc.usedBytes('abc'), 3 * MIB)
      counted.end()
      await counted.exited
      await settle()
      assert.deepEqual(await fake.folders('mon_groups'), [])
      assert.equal(await llc.usedBytes('abc'), 3 * MIB)
      await reconcile()
      assert.equal(llc.state([]).usedBytes, 7 * MIB)
      assert.match(llcText(llc.state([])), /7Mi measured in use, nothing is enforced/)
    })

    it('counts as many as it has counters for, and runs the others uncounted', async () => {
      const fake = new FakeResctrl({ ways: 0, rmids: 2 })
      const { llc } = await start(fake)
      llc.admit(container(fake, 'a', [10]), 'new@1')
      llc.admit(container(fake, 'b', [20]), 'new@1')
      fake.occupy(`mon_groups/${PREFIX}a`, MIB)
      assert.equal(await llc.usedBytes('a'), MIB)
      assert.equal(await llc.usedBytes('b'), undefined)
      assert.equal(llc.state([]).mode, 'monitor')
    })
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import assert from 'node:assert/strict'
import { RESCTRL_ROOT, resctrlFiles } from '../../../src/runtime/llc/resctrl-files.ts'
import { Resctrl } from '../../../src/runtime/llc/resctrl.ts'
import { resctrlCompliance } from '../../compliance/resctrl.ts'
import { FakeResctrl } from '../../support/fake-resctrl.ts'

describe('control of the cache', () => {
  let fake = new FakeResctrl()
  let lastThread = 0

  resctrlCompliance('in memory', {
    setup: async () => {
      fake = new FakeResctrl({ closids: 5, ways: 12, waysMin: 2, domains: [0, 3] })
      return { files: fake }
    },
    thread: async () => {
      fake.start(++lastThread)
      return lastThread
    },
    deadThread: async () => ++lastThread,
    teardown: async () => {}
  })

  const children: ChildProcess[] = []
  const child = async (): Promise<ChildProcess> => {
    const started = spawn('sleep', ['60'], { stdio: 'ignore' })
    children.push(started)
    await once(started, 'spawn')
    return started
  }

  resctrlCompliance(`of this machine at ${RESCTRL_ROOT}`, {
    setup: async () => {
      const files = resctrlFiles()
      try {
        await new Resctrl(files).info()
        await files.write('tasks', '\n')
        return { files }
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EINVAL') return { files }
        return { missing: `there is no resctrl that may be used at ${RESCTRL_ROOT} (${code}): only the fake was tried` }
      }
    },
    thread: async () => (await child()).pid ?? 0,
    deadThread: async () => {
      const ended = await child()
      ended.kill('SIGKILL')
      await once(ended, 'exit')
      return ended.pid ?? 0
    },
    teardown: async () => {
      for (const each of children.splice(0)) each.kill('SIGKILL')
    }
  })

  const processors: readonly (readonly [what: string, fake: FakeResctrl, expected: unknown])[] = [
    ['both', new FakeResctrl({ closids: 16, memoryClosids: 8 }), { groupsMax: 8, ways: 20, monitors: true }],
    ['a small cache, and counts nothing', new FakeResctrl({ closids: 4, ways: 12, rmids: 0 }), { groupsMax: 4, ways: 12, monitors: false }],
    [
      'memory bandwidth only',
      new FakeResctrl({ ways: 0, memoryClosids: 8, rmids: 0 }),
      { groupsMax: undefined, ways: undefined, monitors: false }
    ],
    ['counters only', new FakeResctrl({ ways: 0 }), { groupsMax: undefined, ways: undefined, monitors: true }],
    ['masks without a least number of ways', new FakeResctrl({ waysMin: 0, sparse: true }), { groupsMax: 16, ways: 20, monitors: true }]
  ]
  for (const [what, files, expected] of processors) {
    it(`reads a processor that has ${what}`, async () => {
      const { allocation, monitors } = await new Resctrl(files).info()
      assert.deepEqual({ groupsMax: allocation?.groupsMax, ways: allocation?.ways, monitors }, expected)
    })
  }

  it('sums what a group holds of all caches, as far as that is known', async () => {
    const files = new FakeResctrl({ domains: [0, 1] })
    const resctrl = new Resctrl(files)
    await resctrl.create('a')
    files.occupy('a', 1_000)
    assert.equal(await resctrl.usedBytes('a'), 2_000)
    files.occupy('a', 'Unavailable')
    assert.equal(await resctrl.usedBytes('a'), undefined)
  })

  it('says what the kernel said when it refuses', async () => {
    const files = new FakeResctrl({ closids: 1 })
    await assert.rejects(new Resctrl(files).create('a'), {
      code: 'limit_reached',
      message: 'resctrl did not make the group a: Out of CLOSIDs (ENOSPC)'
    })
  })
})

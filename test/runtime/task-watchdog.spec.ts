import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { TaskWatchdog } from '../../src/runtime/task-watchdog.ts'
import { createTestLog } from '../support/test-log.ts'

describe('the watchdog of tasks', function () {
  this.timeout(20_000)
  let watchdog: TaskWatchdog
  let programs: ChildProcess[]

  beforeEach(() => {
    watchdog = new TaskWatchdog(null, { log: createTestLog() })
    programs = []
  })

  afterEach(() => {
    watchdog.stop()
    for (const { exitCode, signalCode, pid } of programs)
      if (exitCode === null && signalCode === null && pid !== undefined) process.kill(-pid, 'SIGKILL')
  })

  const program = async (): Promise<ChildProcess & { readonly id: string }> => {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    programs.push(child)
    await once(child, 'spawn')
    return Object.assign(child, { id: String(child.pid) })
  }

  it('kills what is guarded when the lease ends, whatever this process does meanwhile, and nothing else', async () => {
    const [guarded, released] = [await program(), await program()]
    watchdog.setLease(60_000)
    watchdog.guard(guarded.id)
    watchdog.guard(released.id)
    watchdog.release(released.id)
    // It reads in order, however long it takes to start: what was released is so before the lease ends.
    watchdog.setLease(100)
    assert.deepEqual(await once(guarded, 'exit'), [null, 'SIGKILL'])
    assert.deepEqual([released.exitCode, released.signalCode], [null, null])
  })

  it('lets it go on while the lease is renewed', async () => {
    const [first, second] = [await program(), await program()]
    watchdog.setLease(60_000)
    watchdog.guard(first.id)
    watchdog.setLease(100_000)
    watchdog.guard(second.id)
    watchdog.release(second.id)
    // The helper has read all that by the time at which it ends the one that comes last.
    const last = await program()
    watchdog.guard(last.id)
    assert.deepEqual([first.exitCode, second.exitCode], [null, null])
    watchdog.setLease(0)
    assert.deepEqual(await once(last, 'exit'), [null, 'SIGKILL'])
  })

  it('kills it when its peer ends', async () => {
    const guarded = await program()
    watchdog.setLease(60_000)
    watchdog.guard(guarded.id)
    watchdog.stop()
    assert.deepEqual(await once(guarded, 'exit'), [null, 'SIGKILL'])
  })
})

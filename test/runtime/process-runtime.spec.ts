import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { CaresError } from '../../src/model/errors.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { Runtime } from '../../src/model/ports/runtime.ts'
import { createRuntime } from '../../src/runtime/runtime.ts'
import { type Programs, type RuntimeUnderTest, functionOf, never, rejectsWith, runtimeCompliance } from '../compliance/runtime.ts'
import { createTestLog } from '../support/test-log.ts'

const PROGRAMS: Programs = {
  echo: 'cat',
  upper: 'tr a-z A-Z',
  fail: 'sh -c "cat >/dev/null; echo this is not a picture >&2; exit 3"',
  deaf: "sh -c 'exec 0<&-; echo done'",
  flood: 'yes',
  hang: 'sleep 3600',
  stubborn: `sh -c 'trap "" TERM; echo deaf >&2; while :; do sleep 1; done'`,
  env: 'env',
  cut: 'sh -c "head -c 100000 /dev/zero; sleep 0.2; echo cut short >&2; exit 4"',
  web: `"${process.execPath}" "${join(import.meta.dirname, '../../scripts/images/web.ts')}"`,
  missing: '/no/such/program'
}

function processRuntime(): RuntimeUnderTest {
  const runtimes: Runtime[] = []
  return {
    programs: PROGRAMS,
    setup: async ({ memoryBytes = 2 ** 31, ...options } = {}) => {
      const init = { peer: '12D3KooWprocess' as PeerId, cluster: null, session: runtimes.length + 1, path: '/usr/bin:/bin' }
      const capacity = { cpus: 4, memoryBytes, diskBytes: 1 }
      const runtime = createRuntime(
        { kind: 'process', capacity, ...init, ...options },
        { clock: createSystemClock(), log: createTestLog() }
      )
      runtimes.push(runtime)
      await runtime.start()
      return runtime
    },
    countLeft: async () => {
      // The watchdog of tasks ends by itself, a moment after its runtime.
      for (let i = 0; i < 100 && childrenOf(process.pid) > 0; i++) await sleep(10)
      return childrenOf(process.pid)
    },
    teardown: async () => {
      await Promise.all(runtimes.map(async runtime => runtime.stop()))
    }
  }
}

/** Processes that this one started and that have not ended; `ps` itself is one. */
function childrenOf(pid: number): number {
  const lines = execFileSync('ps', ['-o', 'pid=,stat=,comm=', '--ppid', String(pid)], { encoding: 'utf8' }).split('\n')
  return lines.filter(line => line.trim() !== '' && !/ Z| ps$/.test(line)).length
}

describe('runtime: process', function () {
  this.timeout(30_000)
  runtimeCompliance(processRuntime)

  it('says that it isolates nothing', async () => {
    const tried = processRuntime()
    const { ready, reason } = await (await tried.setup()).check({ signal: never() })
    assert.equal(ready, true)
    assert.match(reason, /no isolation/)
    await tried.teardown()
  })

  it('knows no architecture of a command: each machine has its own program by that name', async () => {
    const tried = processRuntime()
    const runtime = await tried.setup()
    assert.equal((await runtime.resolve('cat', { pull: 'never', signal: never() })).arch, undefined)
    await tried.teardown()
  })

  it('lets a task that is stopped end by itself, though it writes on meanwhile', async () => {
    const tried = processRuntime()
    const runtime = await tried.setup()
    const folder = mkdtempSync(join(tmpdir(), 'cares-process-'))
    const file = join(folder, 'saved')
    const fn = await functionOf(
      runtime,
      `sh -c 'trap "echo saving; echo all >${file}; exit 0" TERM; echo begun; while :; do sleep 0.02; done'`
    )
    const head = { method: 'POST', path: '/', query: '', headers: [] }
    const call = { invocation: 'i' as never, head, body: (async function* () {})(), task: { args: [], stopGraceMs: 10_000 } }
    const stop = new AbortController()
    const { body, end } = await runtime.execute(fn, call, { signal: stop.signal, timeoutMs: 30_000 })
    end.catch(() => {}) // The body throws the same.
    const reading = body[Symbol.asyncIterator]()
    assert.equal(Buffer.from((await reading.next()).value as Uint8Array).toString(), 'begun\n')
    stop.abort(new CaresError('cancelled', 'nobody wants it any more'))
    await rejectsWith('cancelled', reading.next())
    await tried.teardown()
    assert.equal(readFileSync(file, 'utf8'), 'all\n')
    rmSync(folder, { recursive: true })
  })

  it('refuses to run a program that is another than at upload', async () => {
    const tried = processRuntime()
    const runtime = await tried.setup()
    const fn = await functionOf(runtime, 'cat')
    const call = { invocation: 'i' as never, head: { method: 'POST', path: '/', query: '', headers: [] }, body: (async function* () {})() }
    await rejectsWith('image_not_found', runtime.execute({ ...fn, image: 'cat -n' }, call, { signal: never(), timeoutMs: 1_000 }))
    await tried.teardown()
  })
})

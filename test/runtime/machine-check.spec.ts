import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { machineCheck } from '../../src/runtime/machine-check.ts'

const cores = availableParallelism()

/** A machine with 16 GiB, in a cgroup of version 2 with these limits. */
const machine =
  (limits: { cpus?: number; memoryBytes?: number } = {}) =>
  (path: string): string | undefined => {
    if (path === '/proc/meminfo') return 'MemTotal: 16777216 kB\nMemFree: 8388608 kB\nMemAvailable: 12582912 kB\nCached: 0 kB\n'
    if (path === '/proc/self/cgroup') return '0::/\n'
    if (path.endsWith('/cpu.max')) return limits.cpus === undefined ? 'max 100000\n' : `${limits.cpus * 100_000} 100000\n`
    if (path.endsWith('/memory.max')) return limits.memoryBytes === undefined ? 'max\n' : `${limits.memoryBytes}\n`
    return undefined
  }

describe('the check of the machine', () => {
  it('says what functions could get', async () => {
    const { ok, message } = await machineCheck({}, machine())
    assert.deepEqual([ok, message], [true, `${cores} ${cores === 1 ? 'core' : 'cores'} and 14.4Gi of memory for functions`])
  })

  it('says when a cgroup allows less than the machine has', async () => {
    const { ok, message } = await machineCheck({}, machine({ cpus: 0.5, memoryBytes: 2 ** 30 }))
    assert.deepEqual(
      [ok, message],
      [true, `0.5 cores and 921.6Mi of memory for functions; its cgroup allows no more of ${cores} cores and 16Gi`]
    )
  })

  for (const [what, asked, limits, message] of [
    ['more cores than there are', { cpus: 4096 }, {}, /^4096 cores are to be shared, and there are \d+$/],
    ['more memory than there is', { memoryBytes: 2 ** 40 }, {}, /^1Ti of memory are to be shared, and there are 16Gi/],
    ['more memory than the cgroup allows', { memoryBytes: 2 ** 33 }, { memoryBytes: 2 ** 32 }, /and there are 4Gi; its cgroup allows/],
    ['hardly any memory', {}, { memoryBytes: 2 ** 27 }, /hardly enough for the peer/]
  ] as const) {
    it(`finds ${what}`, async () => {
      const check = await machineCheck(asked, machine(limits))
      assert.equal(check.ok, false)
      assert.match(check.message, message)
      assert.notEqual(check.hint, undefined)
    })
  }
})

import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { parseCgroupPaths, parseCpuMax, parseMemoryLimit, readCgroupLimits } from '../../src/runtime/cgroup-limits.ts'
import { readPressure } from '../../src/runtime/pressure.ts'
import { measureMachine, ofShare, openHost, toCapacity } from '../../src/runtime/host.ts'
import { cpusBetween, parseMeminfo, parseStat } from '../../src/runtime/host-proc.ts'

const GIB = 2 ** 30

describe('host', () => {
  it('reads memory, also where the kernel does not estimate what is available', () => {
    const text = 'MemTotal:       24682644 kB\nMemFree:        20000000 kB\nMemAvailable:   23000000 kB\nCached:          1000000 kB\n'
    assert.deepEqual(parseMeminfo(text), { totalBytes: 24_682_644 * 1024, availableBytes: 23_000_000 * 1024 })
    assert.deepEqual(parseMeminfo(text.replace(/MemAvailable.*\n/, ''))?.availableBytes, 21_000_000 * 1024)
    assert.equal(parseMeminfo('nonsense'), undefined)
  })

  it('reads CPU time without counting guests twice', () => {
    assert.deepEqual(parseStat('cpu  100 10 50 800 40 1 2 3 99 9\ncpu0 1 1 1 1\n'), { busy: 166, total: 1006, stolen: 3 })
    assert.equal(parseStat(''), undefined)
  })

  for (const [before, after, cpus] of [
    [{ busy: 0, total: 0 }, { busy: 50, total: 100 }, 2],
    [{ busy: 10, total: 100 }, { busy: 10, total: 200 }, 0],
    [{ busy: 10, total: 100 }, { busy: 10, total: 100 }, 0],
    [{ busy: 10, total: 100 }, { busy: 5, total: 110 }, 0]
  ] as const) {
    it(`counts ${cpus} of 4 cores from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
      assert.equal(cpusBetween('busy', { ...before, stolen: 0 }, { ...after, stolen: 0 }, 4), cpus)
    })
  }

  for (const [text, cpus] of [
    ['150000 100000\n', 1.5],
    ['max 100000\n', undefined],
    ['-1 100000', undefined],
    ['', undefined]
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${cpus ?? 'no'} cores`, () => assert.equal(parseCpuMax(text), cpus))
  }

  for (const [text, bytes] of [
    ['536870912\n', GIB / 2],
    ['max\n', undefined],
    ['9223372036854771712\n', undefined]
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${bytes ?? 'no'} bytes`, () => assert.equal(parseMemoryLimit(text), bytes))
  }

  it('finds the own cgroup in both versions', () => {
    assert.deepEqual(parseCgroupPaths('0::/user.slice/x\n'), { v1: {}, v2: '/user.slice/x' })
    const { v1, v2 } = parseCgroupPaths('4:memory:/docker/ab\n2:cpu,cpuacct:/docker/ab\n1:name=systemd:/\n0::/\n')
    assert.deepEqual([v1['memory'], v1['cpu'], v1['cpuacct'], v2], ['/docker/ab', '/docker/ab', '/docker/ab', '/'])
  })

  it('takes the least limit between its own cgroup and the root, in version 2', () => {
    const files: Record<string, string> = {
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/cpu.max': '50000 100000',
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000',
      '/sys/fs/cgroup/a/b/memory.max': String(GIB),
      '/sys/fs/cgroup/memory.max': String(2 * GIB)
    }
    assert.deepEqual(
      readCgroupLimits(path => files[path]),
      { cpus: 0.5, memoryBytes: GIB }
    )
  })

  it("reads the limits of version 1 also where the own path is the host's", () => {
    const files: Record<string, string> = {
      '/proc/self/cgroup': '4:memory:/docker/ab\n2:cpu:/docker/ab\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB}\n`
    }
    assert.deepEqual(
      readCgroupLimits(path => files[path]),
      { cpus: 2, memoryBytes: GIB }
    )
  })

  describe('pressure', () => {
    const psi = (some: number, full: number): string =>
      `some avg10=${some} avg60=9.00 avg300=9.00 total=1\nfull avg10=${full} avg60=9.00 avg300=9.00 total=1\n`

    it('is what the kernel says of machine or own cgroup, whichever is worse', () => {
      const files: Record<string, string> = {
        '/proc/self/cgroup': '0::/a/b\n',
        '/proc/pressure/cpu': 'some avg10=12.50 avg60=9.00 avg300=9.00 total=1\n',
        '/proc/pressure/memory': psi(3, 1.25),
        '/proc/pressure/io': psi(40, 20),
        '/sys/fs/cgroup/a/b/cpu.pressure': psi(80, 0),
        '/sys/fs/cgroup/a/b/memory.pressure': psi(0, 0)
      }
      assert.deepEqual(
        readPressure(path => files[path]),
        { cpuRatio: 0.8, memoryRatio: 0.03, ioRatio: 0.4, memoryStalledRatio: 0.0125 }
      )
    })

    it('is not known where the kernel does not tell', () => {
      assert.equal(
        readPressure(() => undefined),
        undefined
      )
    })
  })

  it('counts what the hypervisor keeps apart from what is used', () => {
    const [before, after] = [
      { busy: 0, total: 0, stolen: 0 },
      { busy: 50, total: 100, stolen: 25 }
    ]
    assert.deepEqual([cpusBetween('busy', before, after, 4), cpusBetween('stolen', before, after, 4)], [2, 1])
  })

  it('lets flags lower what machine and cgroup give, never raise it', () => {
    const machine = { cpus: 8, memoryBytes: 16 * GIB }
    assert.deepEqual(toCapacity(machine, {}, { cpus: 2, memoryBytes: GIB }, 1), { cpus: 2, memoryBytes: GIB, diskBytes: 1 })
    assert.deepEqual(toCapacity(machine, { cpus: 4, memoryBytes: 4 * GIB }, { cpus: 64, memoryBytes: 64 * GIB }, 1), {
      cpus: 4,
      memoryBytes: 4 * GIB,
      diskBytes: 1
    })
    assert.equal(toCapacity(machine, {}, {}, 1).memoryBytes, Math.floor(16 * GIB * 0.9))
  })

  it('tells the use of a machine as use of the share that the peer may have: never more than all of it', async () => {
    const jiffies = [
      [0, 0],
      [300, 100]
    ] as const
    let look = 0
    const files = (path: string): string | undefined => {
      if (path === '/proc/meminfo') return `MemTotal: ${16 * 2 ** 20} kB\nMemAvailable: ${12 * 2 ** 20} kB\n`
      const [busy, idle] = jiffies[look] ?? [0, 0]
      return path === '/proc/stat' ? `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\n` : undefined
    }
    const { cpus } = await measureMachine(files)
    const host = await openHost({ dataPath: tmpdir(), cpus: cpus / 2, memoryBytes: GIB }, files)
    look = 1
    const { cpusUsed, memoryUsedBytes } = await host.sample()
    assert.deepEqual([cpusUsed / host.capacity.cpus, memoryUsedBytes / host.capacity.memoryBytes], [0.75, 0.25])
    assert.equal(ofShare(3, 4, 8), 3, 'a share that is larger than the machine is the machine')
  })

  it('samples this machine within its own bounds', async () => {
    const host = await openHost({ dataPath: tmpdir() })
    const { cpusUsed, memoryUsedBytes, diskUsedBytes } = await host.sample()
    assert.ok(host.capacity.cpus > 0 && host.capacity.memoryBytes > 0)
    assert.ok(cpusUsed >= 0 && memoryUsedBytes > 0 && diskUsedBytes > 0 && diskUsedBytes <= host.capacity.diskBytes)
  })
})

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CgroupLayout, cgroupThreads } from '../../src/runtime/cgroup-usage.ts'
import { useTempDirs } from '../support/temp-dirs.ts'

describe('the threads of a container', () => {
  const tempDir = useTempDirs()
  const layouts: readonly (readonly [layout: CgroupLayout, path: string])[] = [
    [{ version: '1', driver: 'cgroupfs' }, 'cpuacct/docker/c1/tasks'],
    [{ version: '1', driver: 'systemd' }, 'cpuacct/system.slice/docker-c1.scope/tasks'],
    [{ version: '2', driver: 'cgroupfs' }, 'docker/c1/cgroup.threads'],
    [{ version: '2', driver: 'systemd' }, 'system.slice/docker-c1.scope/cgroup.threads']
  ]
  for (const [layout, path] of layouts) {
    it(`are all of them, not only the first of each process, with cgroups ${layout.version} of ${layout.driver}`, () => {
      const root = tempDir()
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), '4211\n4212\n0\n4300\n')
      assert.deepEqual(cgroupThreads(layout, 'c1', root), [4_211, 4_212, 4_300], 'a thread that cannot be seen from here is 0')
      assert.deepEqual(cgroupThreads(layout, 'c2', root), [], 'of one that is gone')
    })
  }
})

import assert from 'node:assert/strict'
import { ARCH_MASK, archBits, IS_ALIVE, IS_DRAINING, IS_READY, IS_WORKER } from '../../../src/core/scheduler/cells.ts'

/** As Docker images and Node name them. */
const NAMES = ['amd64', 'arm64', 'arm', '386', 'ppc64le', 's390x', 'riscv64', 'mips64le', 'loong64', 'x64', 'ia32', 'ppc64', 'mips', '']

describe('architectures in the flags', () => {
  it('differ for all names in use', () => {
    assert.equal(new Set(NAMES.map(archBits)).size, NAMES.length)
  })

  it('leave the bits of state alone', () => {
    const state = IS_ALIVE | IS_DRAINING | IS_READY | IS_WORKER
    assert.equal(ARCH_MASK & state, 0)
    for (const name of NAMES) assert.equal(archBits(name) & ~ARCH_MASK, 0, name)
  })
})

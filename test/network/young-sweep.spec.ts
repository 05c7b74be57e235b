import assert from 'node:assert/strict'
import { youngSweep } from '../../src/network/young-sweep.ts'

const MIB = 2 ** 20

describe('the sweep of what bulk leaves behind', () => {
  it('comes every 6 MiB, in pieces of whatever size', () => {
    let swept = 0
    const sweep = youngSweep(() => swept++)
    for (let i = 0; i < 18; i++) sweep(MIB)
    assert.equal(swept, 3)
    for (let i = 0; i < 6 * MIB - 1; i += MIB / 2 - 1) sweep(Math.min(MIB / 2 - 1, 6 * MIB - 1 - i))
    assert.equal(swept, 3)
    sweep(1)
    assert.equal(swept, 4)
  })

  it('does without where the program may not collect', () => {
    assert.equal(globalThis.gc, undefined, 'tests run without --expose-gc')
    assert.doesNotThrow(() => youngSweep()(1_000 * MIB))
  })
})

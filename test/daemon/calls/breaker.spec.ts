import assert from 'node:assert/strict'
import { Breaker } from '../../../src/daemon/calls/breaker.ts'
import { ATLAS, BIRCH } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('Breaker', () => {
  it('is open for as long as it should be, for the peer that tripped it', () => {
    const clock = new ManualClock()
    const breaker = new Breaker({ openMs: 500 }, { clock })
    assert.equal(breaker.isOpen(ATLAS), false)
    breaker.trip(ATLAS)
    clock.advance(499)
    assert.deepEqual([breaker.isOpen(ATLAS), breaker.isOpen(BIRCH)], [true, false])
    clock.advance(1)
    assert.equal(breaker.isOpen(ATLAS), false)
  })
})

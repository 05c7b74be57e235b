import assert from 'node:assert/strict'
import { fitOf } from '../../../src/core/scheduler/fit-of.ts'

describe('fitOf', () => {
  for (const [what, cpuLoad, memoryLoad, fit] of [
    ['an empty machine', 0, 0, 0],
    ['a full one', 1, 1, 1],
    ['one that is full of one resource', 1, 0, 0.5],
    ['one with more than fits', 3, 1.5, 1]
  ] as const) {
    it(`gives ${what} ${fit}`, () => assert.equal(fitOf(cpuLoad, memoryLoad), fit))
  }

  it('counts what is taken of an empty machine more than the last bit of a full one', () => {
    const [first, last] = [fitOf(0.1, 0) - fitOf(0, 0), fitOf(1, 0) - fitOf(0.9, 0)]
    assert.ok(first > last && last > 0, `${first} and ${last}`)
  })
})

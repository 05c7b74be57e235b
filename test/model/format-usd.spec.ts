import assert from 'node:assert/strict'
import { formatUsd } from '../../src/model/units.ts'

describe('an amount of money', () => {
  for (const [usd, text] of [
    [0, '$0'],
    [12.345, '$12.35'],
    [1, '$1.00'],
    [0.25, '$0.25'],
    [0.0123, '$0.012'],
    [0.000_012_3, '$0.000012']
  ] as const) {
    it(`${usd} reads ${text}`, () => assert.equal(formatUsd(usd), text))
  }
})

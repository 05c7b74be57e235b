import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { countWays, formatL3Schemata, formatMask, maskOf, parseMask, parseSchemata } from '../../../src/core/llc/way-mask.ts'
import { isContiguous } from '../../support/fake-resctrl.ts'

describe('a mask of ways', () => {
  it('is in a row, has its ways, and survives its text, wherever it lies', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: 32 }), (first, wanted) => {
        const ways = Math.min(wanted, 32 - first)
        const mask = maskOf(first, ways)
        assert.equal(countWays(mask), ways)
        assert.equal(isContiguous(mask), true)
        assert.equal(parseMask(formatMask(mask)), mask)
        assert.equal(parseMask(`0x000${formatMask(mask)}`.slice(0, 10)) !== undefined, true)
      })
    )
  })

  it('with a hole is not in a row', () => {
    for (const mask of [0, 0b101, 0b1101, 0x80000001]) assert.equal(isContiguous(mask), false, mask.toString(2))
    for (const mask of [1, 0b110, 0x80000000, 0xffffffff]) assert.equal(isContiguous(mask), true, mask.toString(2))
  })

  it('is not read from what is none', () => {
    for (const text of ['', 'xyz', '-1', '123456789']) assert.equal(parseMask(text), undefined, text)
  })
})

describe('schemata', () => {
  const texts: readonly (readonly [what: string, text: string, l3: readonly (readonly [number, string])[] | undefined])[] = [
    [
      'padded, as the kernel writes them',
      '    MB:0=100;1=100\n    L3:0=0000f;1=0000f\n',
      [
        [0, '0000f'],
        [1, '0000f']
      ]
    ],
    ['without padding', 'L3:0=fffff', [[0, 'fffff']]],
    [
      'with gaps between the domains',
      'L3:0=ff;8=ff\n',
      [
        [0, 'ff'],
        [8, 'ff']
      ]
    ],
    ['of the second level only', 'L2:0=ff;1=ff\n', undefined],
    ['of nothing', '\n', undefined],
    ['with parts that are none', 'L3:0=ff;x=1;3\nrubbish\n', [[0, 'ff']]]
  ]
  for (const [what, text, l3] of texts) {
    it(`are read ${what}`, () => assert.deepEqual(parseSchemata(text).get('L3'), l3 === undefined ? undefined : new Map(l3)))
  }

  it('are written for every domain', () => assert.equal(formatL3Schemata([0, 3], 0xf0), 'L3:0=f0;3=f0\n'))
})

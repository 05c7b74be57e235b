import assert from 'node:assert/strict'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { bar, shareNumbers } from '../../../src/faces/tui/bars.ts'
import { chartRows, sparkline } from '../../../src/faces/tui/charts.ts'
import { framed, keyRow } from '../../../src/faces/tui/frame.ts'
import { ASCII, UNICODE, WORDS } from '../../../src/faces/tui/glyphs.ts'
import { cell, fitLine, lineWidth, paintLine, spread, wrapped } from '../../../src/faces/tui/lines.ts'
import { lineText } from './line-text.ts'

describe('rows', () => {
  it('fit any width exactly, whatever they hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', ' ', 'é', '漢', '🚀'), maxLength: 12 }), { maxLength: 5 }),
        fc.nat(40),
        (spans, width) => {
          assert.equal(lineWidth(fitLine(spans, width)), width)
          assert.equal(stringWidth(cell(spans.join(''), width)), width)
        }
      )
    )
  })

  it('keep the left part when both do not fit', () => {
    assert.equal(lineText(spread(['left'], ['right'], 12)), 'left   right')
    assert.equal(lineText(spread(['left'], ['right'], 8)), 'left    ')
  })

  it('are wrapped between words, and long words are broken', () => {
    assert.deepEqual(wrapped('one two three', 9), ['one two', '  three'])
    for (const row of wrapped(`see ${'x'.repeat(50)}`, 20)) assert.ok(row.length <= 20, row)
  })

  it('have no colour where none is wanted, and stay bold', () => {
    const line = ['a', { text: 'b', tone: 'bad', bold: true } as const, { text: 'c', tone: 'dim' } as const, { text: 'd', inverse: true }]
    assert.equal(paintLine(line, 'dark'), 'a\u001B[1;31mb\u001B[0m\u001B[2mc\u001B[0m\u001B[7md\u001B[0m')
    assert.equal(
      paintLine(
        [
          { text: 'w', tone: 'warn' },
          { text: 'a', tone: 'accent' }
        ],
        'light'
      ),
      '\u001B[35mw\u001B[0m\u001B[34ma\u001B[0m'
    )
    assert.equal(paintLine(line, null), 'a\u001B[1mb\u001B[0m\u001B[2mc\u001B[0m\u001B[7md\u001B[0m')
  })

  it('drop keys that do not fit, but not how to leave', () => {
    const keys = [
      ['enter', 'open'],
      ['s', 'sort'],
      ['q', 'quit']
    ] as const
    assert.equal(lineText(keyRow(keys, 40)), 'enter open  s sort  q quit')
    assert.equal(lineText(keyRow(keys, 20)), 'enter open  q quit')
    assert.equal(lineText(keyRow(keys, 6)), 'q quit')
  })

  it('stand in a frame, or in none for a reader of words', () => {
    const page = { sections: [{ title: ['T'], rows: [['x']], height: 2 }], keys: [['q', 'quit']] as const }
    assert.deepEqual(framed(page, 20, ASCII).map(lineText), [
      '+- T --------------+',
      '| x                |',
      '|                  |',
      '+- q quit ---------+'
    ])
    assert.deepEqual(
      framed(page, 20, WORDS).map(line => lineText(line).trimEnd()),
      ['T', 'x', '', 'q quit']
    )
  })
})

describe('a bar', () => {
  const cases: readonly (readonly [used: number, reserved: number, text: string, numbers: string])[] = [
    [0, 0, '..........', '0/0%'],
    [1, 4, '#===......', '10/40%'],
    [4, 1, '####......', '40/10%'],
    [10, 10, '##########', '100/100%'],
    [0.01, 0, '#.........', '0/0%'],
    [12, 20, '##########', '120/200%']
  ]
  for (const [used, reserved, text, numbers] of cases) {
    it(`of ${used} used and ${reserved} reserved of 10 is ${text} ${numbers}`, () => {
      const share = { used, reserved, capacity: 10 }
      assert.equal(lineText(bar(share, 10, ASCII)), text)
      assert.equal(shareNumbers(share).trim(), numbers)
    })
  }

  it('warns before it alarms', () => {
    const tone = (used: number): unknown =>
      bar({ used, reserved: 0, capacity: 100 }, 10, UNICODE).map(span => (typeof span === 'string' ? '' : span.tone))[0]
    assert.deepEqual([10, 80, 95].map(tone), ['good', 'warn', 'bad'])
  })

  it('is left to its numbers where there is no room or nobody to see it', () => {
    assert.deepEqual(bar({ used: 1, reserved: 1, capacity: 2 }, 0, UNICODE), [])
    assert.deepEqual(bar({ used: 1, reserved: 1, capacity: 2 }, 9, WORDS), [])
    assert.equal(shareNumbers({ used: 1, reserved: 1, capacity: 0 }).trim(), '-')
  })
})

describe('a chart', () => {
  it('grows from the right, and shows the newest at its end', () => {
    assert.equal(sparkline([1], { width: 4, max: 1, span: 4 }, ASCII), '   #')
    assert.equal(sparkline([0, 0.5, 1], { width: 4, max: 1, span: 4 }, ASCII), ' .-#')
  })

  it('takes the mean of what falls into a column', () => {
    assert.equal(sparkline([0, 1, 0, 1], { width: 2, max: 1, span: 4 }, ASCII), '--')
  })

  it('fills rows from the bottom', () => {
    assert.deepEqual(chartRows([0.5, 1], { width: 2, height: 2, max: 1, span: 2 }, ASCII), [' #', '##'])
  })

  it('is exactly as wide as asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 400 }),
        fc.integer({ min: 1, max: 120 }),
        (values, width) => {
          for (const row of chartRows(values, { width, height: 3, max: 1, span: 300 }, UNICODE)) assert.equal(stringWidth(row), width)
        }
      )
    )
  })
})

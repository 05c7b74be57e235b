import assert from 'node:assert/strict'
import fc from 'fast-check'
import stringWidth from 'string-width'
import { fit, renderTable } from '../../src/faces/table.ts'

const columns = [
  { title: 'NAME', shrinks: true },
  { title: 'N', align: 'right' },
  { title: 'ID', wide: true },
  { title: 'AGE', align: 'right' }
] as const

describe('a table', () => {
  it('puts words left, numbers right, and no space at the end of a line', () => {
    assert.deepEqual(
      renderTable({
        columns,
        rows: [
          ['a', '10', 'x', '2h'],
          ['long-name', '9', 'y', '']
        ]
      }),
      ['NAME        N  AGE', 'a          10   2h', 'long-name   9']
    )
  })

  it('shows wide columns when it is asked to', () => {
    assert.deepEqual(renderTable({ columns, rows: [['a', '1', 'x', '2h']] }, { wide: true }), ['NAME  N  ID  AGE', 'a     1  x    2h'])
  })

  it('counts what a terminal shows, not characters', () => {
    const [, first = '', second = ''] = renderTable({
      columns,
      rows: [
        ['日本', '1', '', '2h'],
        ['abcd', '1', '', '2h']
      ]
    })
    assert.equal(stringWidth(first), stringWidth(second))
  })

  it('paints a cell without moving what follows', () => {
    const rows = [[{ text: 'ok', tone: 'good' }, '1', '', '2h']] as const
    const [, line] = renderTable({ columns, rows }, { paint: text => `<${text}>` })
    assert.equal(line, '<ok>    1   2h')
  })

  it('keeps within the screen as long as the column that shrinks can give way, and never grows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 25, max: 90 }),
        (names, width) => {
          const table = { columns, rows: names.map(name => [name.replace(/\p{C}/gu, ''), '1', '', '2h']) }
          const widest = (lines: readonly string[]): number => Math.max(...lines.map(line => stringWidth(line)))
          const shrunk = widest(renderTable(table, { width }))
          assert.ok(shrunk <= width, `${shrunk} > ${width}`)
          assert.ok(shrunk <= widest(renderTable(table)))
        }
      )
    )
  })
})

describe('a text that is cut to fit', () => {
  it('ends with an ellipsis, and a wide letter is never cut in half', () => {
    assert.equal(fit('abcdef', 6), 'abcdef')
    assert.equal(fit('abcdef', 5), 'abcd…')
    assert.equal(fit('日本語', 4), '日…')
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { charKey, keysOf, movement } from '../../../src/faces/tui/keys.ts'
import { lineWidth } from '../../../src/faces/tui/lines.ts'
import { editField, fieldLine, insertText, type TextField, textField } from '../../../src/faces/tui/text-field.ts'
import { lineText } from './line-text.ts'

const named = (name: Parameters<typeof editField>[1]['name']) => ({ name, text: '', ctrl: false })
const ctrl = (text: string) => ({ name: 'char', text, ctrl: true }) as const

describe('keys', () => {
  const cases: readonly (readonly [what: string, input: string, key: Parameters<typeof keysOf>[1], names: string])[] = [
    ['a letter', 'a', {}, 'a'],
    ['an arrow', '', { upArrow: true }, 'up'],
    ['enter', '\r', { return: true }, 'enter'],
    ['delete and backspace apart', '', { delete: true }, 'delete'],
    ['control and a letter', 'c', { ctrl: true }, 'ctrl-c'],
    ['several letters at once', 'ab', {}, 'a b'],
    ['letters that end with a line', 'ab\r', {}, 'a b enter'],
    ['an emoji of several code points as one', '👩‍🚀', {}, '👩‍🚀'],
    ['escape and a letter that come together', 'q', { meta: true }, 'escape q'],
    ['escape pressed twice at once', '', { escape: true, meta: true }, 'escape escape']
  ]
  for (const [what, input, key, names] of cases) {
    it(`tell ${what}`, () => {
      const told = keysOf(input, key).map(({ name, text, ctrl }) => (name === 'char' ? (ctrl ? `ctrl-${text}` : text) : name))
      assert.equal(told.join(' '), names)
    })
  }

  it('move by one, by a page, and to the ends', () => {
    const moves = [named('up'), charKey('j'), named('pageDown'), charKey('g'), charKey('G'), charKey('x')].map(key => movement(key, 10))
    assert.deepEqual(moves, [-1, 1, 10, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, undefined])
  })
})

describe('a text field', () => {
  const field = (text: string, cursor: number): TextField => ({ text, cursor })
  const cases: readonly (readonly [before: TextField, key: Parameters<typeof editField>[1], after: TextField])[] = [
    [field('', 0), charKey('é'), field('é', 1)],
    [field('ac', 1), charKey('b'), field('abc', 2)],
    [field('abc', 2), named('backspace'), field('ac', 1)],
    [field('abc', 0), named('backspace'), field('abc', 0)],
    [field('abc', 1), named('delete'), field('ac', 1)],
    [field('abc', 3), named('delete'), field('abc', 3)],
    [field('abc', 1), named('end'), field('abc', 3)],
    [field('abc', 3), named('home'), field('abc', 0)],
    [field('abc', 0), named('left'), field('abc', 0)],
    [field('abc', 3), named('right'), field('abc', 3)],
    [field('one two ', 8), ctrl('w'), field('one ', 4)],
    [field('one two', 4), ctrl('u'), field('two', 0)],
    [field('one two', 3), ctrl('k'), field('one', 3)],
    [field('one', 3), ctrl('a'), field('one', 0)],
    [field('one', 0), ctrl('e'), field('one', 3)]
  ]
  for (const [before, key, after] of cases) {
    it(`makes ${JSON.stringify(after)} of ${JSON.stringify(before)} by ${key.ctrl ? 'ctrl-' : ''}${key.text || key.name}`, () => {
      assert.deepEqual(editField(before, key), after)
    })
  }

  it('takes a paste without its control characters, and not without end', () => {
    assert.equal(insertText(textField('a'), 'b\u001B[31m\nc').text, 'ab [31m c')
    assert.equal(insertText(textField(), 'x'.repeat(10_000)).text.length, 4_096)
  })

  it('always shows its cursor, within its width', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.nat(60), fc.integer({ min: 3, max: 40 }), (text, at, width) => {
        const start = insertText(textField(), text)
        const line = fieldLine({ ...start, cursor: Math.min(at, start.cursor) }, width)
        assert.ok(line.some(span => typeof span !== 'string' && span.inverse === true))
        if (/^[\x20-\x7e]*$/.test(text)) assert.ok(lineWidth(line) <= width + 1, lineText(line))
      })
    )
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { LogFile } from '../../../src/faces/tui/log-file.ts'
import { ended, openPager, PAGER_LINES_MAX, pagerWindow, scrolled, withOutput } from '../../../src/faces/tui/pager.ts'
import { shellLine, shellWords } from '../../../src/faces/shell-words.ts'

const pager = openPager('cares x', { run: 1, columns: 40 })

describe('the pager', () => {
  it('puts lines together that came in pieces, and shows the last without its end', () => {
    const filled = ended(['one\ntw', 'o\r\nthr', 'ee'].reduce(withOutput, pager), 0)
    assert.deepEqual(filled.lines, ['one', 'two', 'three'])
  })

  it('lets colours through and nothing else that a terminal would obey', () => {
    const hostile = '\u001B[32mok\u001B[0m\u001B[2J\u001B]0;title\u0007\u0007a\tb\u202E\n'
    assert.deepEqual(withOutput(pager, hostile).lines, ['\u001B[32mok\u001B[0ma    b'])
  })

  it('wraps what is too long, and leaves out where in the code an error arose', () => {
    const text = `cares: ${'word '.repeat(12)}\n  at f (file:///x/y.ts:1:2)\n`
    for (const line of withOutput(pager, text).lines) assert.ok(line.length <= 40 && !line.includes('y.ts'), line)
  })

  it('keeps the newest lines, in bounds', () => {
    const { lines } = withOutput(pager, Array.from({ length: PAGER_LINES_MAX + 5 }, (_, index) => `${index}\n`).join(''))
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [PAGER_LINES_MAX, '5', String(PAGER_LINES_MAX + 4)])
  })

  it('scrolls within its text, and follows what still comes once it is at the end', () => {
    const text = withOutput(pager, Array.from({ length: 20 }, (_, index) => `${index}\n`).join(''))
    assert.equal(scrolled(text, -3, 5).top, 0)
    assert.deepEqual(pagerWindow(scrolled(text, 2, 5), 5), ['2', '3', '4', '5', '6'])
    const atEnd = scrolled(text, Number.POSITIVE_INFINITY, 5)
    assert.ok(atEnd.follows)
    assert.deepEqual(pagerWindow(withOutput(atEnd, 'x\n'), 5), ['16', '17', '18', '19', 'x'])
    assert.deepEqual(pagerWindow(scrolled(atEnd, -1, 5), 5), ['14', '15', '16', '17', '18'])
  })
})

describe('the words of a command line', () => {
  const cases: readonly (readonly [line: string, words: readonly string[]])[] = [
    ['', []],
    ['  peers  -w ', ['peers', '-w']],
    [`invoke up -d 'a "b" c'`, ['invoke', 'up', '-d', 'a "b" c']],
    [`-d "it's \\"so\\""`, ['-d', `it's "so"`]],
    [String.raw`a\ b c`, ['a b', 'c']],
    [`-d ''`, ['-d', '']]
  ]
  for (const [line, words] of cases)
    it(`of ${JSON.stringify(line)} are ${JSON.stringify(words)}`, () => assert.deepEqual(shellWords(line), words))

  it('are refused when a quote has no end', () => {
    assert.throws(() => shellWords(`a "b`), { code: 'invalid', message: 'a " has no end' })
  })

  it('come back from the line that is made of them', () => {
    fc.assert(fc.property(fc.array(fc.string()), words => assert.deepEqual(shellWords(shellLine(words)), words)))
  })
})

describe('the log file', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'cares-log-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  it('begins anew when it is long, keeps the one before, and is for its owner only', () => {
    const path = join(directory, 'data', 'peer.log')
    const log = new LogFile(path, 20)
    for (const line of ['first line\n', 'second line\n', 'third line\n']) log.write(line)
    assert.equal(readFileSync(path, 'utf8'), 'third line\n')
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'first line\nsecond line\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })
})

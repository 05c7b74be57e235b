import assert from 'node:assert/strict'
import { capturedTerminal } from '../../../src/faces/cli/captured-terminal.ts'

describe('a captured terminal', () => {
  it('passes on what is written, puts characters together, and begins errors on a line of their own', () => {
    const pieces: string[] = []
    const { stdout, stderr } = capturedTerminal(text => pieces.push(text))
    const [first, ...rest] = Buffer.from('é')
    stdout.write(Buffer.from([first ?? 0]))
    stdout.write(Buffer.from(rest))
    stderr.write('* told\n')
    stdout.write('done\n')
    stderr.write('* again\n')
    assert.equal(pieces.join(''), 'é\n* told\ndone\n* again\n')
  })

  it('has nobody to ask, and a width only where tables should fit', () => {
    const { stdin, stdout, stderr } = capturedTerminal(() => {}, { columns: 76 })
    assert.deepEqual([stdin.isTTY, stdin.piped, stdout.isTTY, stdout.columns, stderr.isTTY], [false, false, true, 76, false])
    assert.equal(capturedTerminal(() => {}).stdout.isTTY, false)
  })
})

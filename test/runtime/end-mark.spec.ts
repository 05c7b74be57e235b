import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { readExitStatus } from '../../src/runtime/containerd.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { closeWhenOver, EndMark } from '../../src/runtime/end-mark.ts'

const MARK = Buffer.from('the-end!')

describe('the end of a program’s output', () => {
  let root: string
  let fifo: string
  let reader: number

  /** A `/proc` with a first process 42 whose stdout is read by its parent, 7, which is what `changes` leave of that. */
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cares-proc-'))
    fifo = join(root, 'stdout')
    execFileSync('mkfifo', [fifo, join(root, 'stderr')])
    reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    for (const path of ['42/fd', '7/fd']) mkdirSync(join(root, path), { recursive: true })
    writeFileSync(join(root, '42/status'), 'Name:\tcat\nPPid:\t7\nNSpid:\t42\t1\n')
    symlinkSync(fifo, join(root, '42/fd/1'))
    symlinkSync(join(root, 'stderr'), join(root, '42/fd/2'))
    symlinkSync(fifo, join(root, '7/fd/13'))
  })

  afterEach(() => {
    closeSync(reader)
    rmSync(root, { recursive: true })
  })

  /** What the pipe got. */
  function written(): string {
    const bytes = Buffer.alloc(100)
    try {
      return bytes.toString('latin1', 0, readSync(reader, bytes))
    } catch {
      return ''
    }
  }

  const opened = (pid = 42): EndMark => {
    const mark = new EndMark(MARK)
    mark.open(pid, root)
    return mark
  }

  it('is marked in the pipe that the engine reads', () => {
    opened().write()
    assert.equal(written(), 'the-end!')
  })

  for (const [claim, change] of [
    ['a process that is not the first of its container', () => writeFileSync(join(root, '42/status'), 'PPid:\t7\nNSpid:\t42\t2\n')],
    ['a pipe that its parent does not hold', () => rmSync(join(root, '7/fd/13'))],
    [
      'a stdout that is stderr as well',
      () => {
        rmSync(join(root, '42/fd/2'))
        symlinkSync(fifo, join(root, '42/fd/2'))
      }
    ],
    ['a process that is gone', () => rmSync(join(root, '42'), { recursive: true })]
  ] as const) {
    it(`is not marked for ${claim}`, () => {
      change()
      opened().write()
      assert.equal(written(), '')
    })
  }

  it('is found however the output is cut into pieces, and nothing is changed or held back before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('t', 'h', 'e', '-'), maxLength: 40 }),
        fc.array(fc.nat(60), { maxLength: 6 }),
        fc.boolean(),
        async (text, cuts, isMarked) => {
          const output = new PassThrough()
          const mark = opened()
          const before = mark.before(output)
          if (isMarked) mark.write()
          else mark.close()
          const bytes = Buffer.from(isMarked ? `${text}${String(MARK)}behind` : text)
          const at = [0, ...cuts.map(cut => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
          for (const [i, end] of at.slice(1).entries()) if (end > (at[i] ?? 0)) output.write(bytes.subarray(at[i], end))
          // Without a mark, only the stream's own end tells; with one, that is not waited for.
          if (!isMarked) output.end()
          assert.equal(Buffer.concat(await Array.fromAsync(before)).toString(), text)
          output.end()
        }
      ),
      { numRuns: 100 }
    )
  })

  it('keeps nobody waiting who must see it before telling of the end', async () => {
    const clock = new ManualClock()
    let [isOver, closes] = [false, 0]
    const looking = closeWhenOver({ close: () => closes++ }, () => isOver, clock)
    await clock.pass(10_000)
    isOver = true
    await clock.pass(70)
    assert.equal(closes, 0, 'mostly it is told at once')
    await clock.pass(20)
    assert.equal(closes, 1)
    looking[Symbol.dispose]()
    await clock.pass(1_000)
    assert.equal(closes, 1)
  })

  it('comes with an exit status of which zero is not written', () => {
    assert.equal(readExitStatus(Buffer.from('120c0897878bc80610f8a5b8d301', 'hex')), 0)
    assert.equal(readExitStatus(Buffer.from('0803120c0897878bc80610f8a5b8d301', 'hex')), 3)
    assert.equal(readExitStatus(Buffer.from('088901120c0897878bc80610f8a5b8d301', 'hex')), 137)
  })
})

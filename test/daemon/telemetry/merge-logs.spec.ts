import assert from 'node:assert/strict'
import { LogBook } from '../../../src/daemon/telemetry/log-book.ts'
import { mergeLogs } from '../../../src/daemon/telemetry/merge-logs.ts'
import type { InvocationId } from '../../../src/model/ids.ts'
import type { LogLine } from '../../../src/model/logs.ts'
import { ATLAS, BIRCH } from '../../support/samples.ts'

function line(second: number, changes: Partial<LogLine> = {}): LogLine {
  const at = `2026-01-02T03:04:${String(second).padStart(2, '0')}.000Z`
  return {
    at,
    peer: ATLAS,
    function: 'thumb',
    invocation: 'i-1' as InvocationId,
    stream: 'stderr',
    text: `line ${second}`,
    ...changes
  }
}

async function* linesOf(...lines: LogLine[]): AsyncGenerator<LogLine, void> {
  yield* lines
}

const texts = (lines: readonly LogLine[]): string[] => lines.map(({ text }) => text)
const signal = new AbortController().signal

describe('mergeLogs', () => {
  it('puts the lines of all peers in order, and gives the newest', async () => {
    const merged = mergeLogs([linesOf(line(1), line(4)), linesOf(line(2, { peer: BIRCH }), line(3))], { tail: 3, follow: false })
    assert.deepEqual(texts(await Array.fromAsync(merged)), ['line 2', 'line 3', 'line 4'])
  })

  it('follows all peers until all have ended', async () => {
    const merged = mergeLogs([linesOf(line(1), line(3)), linesOf(), linesOf(line(2))], { tail: 9, follow: true })
    assert.deepEqual(texts(await Array.fromAsync(merged)).toSorted(), ['line 1', 'line 2', 'line 3'])
  })

  it('passes a line on though other peers are silent', async () => {
    const silent = async function* (): AsyncGenerator<LogLine, void> {
      await new Promise(() => {})
      yield line(9)
    }
    const merged = mergeLogs([silent(), linesOf(line(1), line(2))], { tail: 9, follow: true })
    assert.equal((await merged.next()).value?.text, 'line 1')
    assert.equal((await merged.next()).value?.text, 'line 2')
    await merged.return()
  })

  it('passes the failure of a source on, after what came before it', async () => {
    const broken = async function* (): AsyncGenerator<LogLine, void> {
      yield line(1)
      throw new Error('scripted')
    }
    const merged = mergeLogs([broken()], { tail: 9, follow: true })
    assert.equal((await merged.next()).value?.text, 'line 1')
    await assert.rejects(merged.next(), { message: 'scripted' })
  })
})

describe('LogBook', () => {
  it('gives the newest lines of a function or an invocation, oldest first', async () => {
    const book = new LogBook()
    for (let second = 1; second <= 5; second++)
      book.append(line(second, second % 2 === 0 ? { function: 'other', invocation: 'i-2' as InvocationId } : {}))
    const query = async (wanted: object): Promise<string[]> =>
      texts(await Array.fromAsync(book.query({ tail: 2, follow: false, ...wanted }, { signal })))
    assert.deepEqual(await query({}), ['line 4', 'line 5'])
    assert.deepEqual(await query({ function: 'thumb' }), ['line 3', 'line 5'])
    assert.deepEqual(await query({ invocation: 'i-2' }), ['line 2', 'line 4'])
    assert.deepEqual(await query({ function: 'thumb', tail: 0 }), [])
  })

  it('follows new lines until the signal aborts', async () => {
    const book = new LogBook()
    book.append(line(1))
    const stop = new AbortController()
    const following = book.query({ tail: 1, follow: true }, { signal: stop.signal })
    assert.equal((await following.next()).value?.text, 'line 1')
    const next = following.next()
    book.append(line(2))
    assert.equal((await next).value?.text, 'line 2')
    const end = following.next()
    stop.abort()
    assert.equal((await end).done, true)
  })
})

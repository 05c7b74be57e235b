import assert from 'node:assert/strict'
import { RequestPrint } from '../../../src/daemon/calls/request-print.ts'
import type { InvocationId } from '../../../src/model/ids.ts'
import type { InvocationRequest } from '../../../src/model/service.ts'

const FIRST = 'i-1' as InvocationId
const signal = new AbortController().signal

function request(chunks: readonly string[], { on, ...head }: Partial<InvocationRequest['head']> & { on?: string } = {}): InvocationRequest {
  return {
    function: 'f',
    head: { method: 'POST', path: '/', query: '', headers: [], ...head },
    ...(on === undefined ? {} : { on }),
    body: (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
    })()
  }
}

/** The print of a request, of whose body so many chunks were read. */
async function printOf(first: InvocationRequest, chunksRead: number): Promise<RequestPrint> {
  const print = new RequestPrint(first)
  let read = 0
  if (chunksRead > 0) for await (const _ of print.reading(first.body)) if (++read === chunksRead) break
  print.close()
  return print
}

describe('RequestPrint', () => {
  const whole = Number.POSITIVE_INFINITY
  const table: readonly (readonly [claim: string, first: InvocationRequest, read: number, later: InvocationRequest, isSame: boolean])[] = [
    ['the same request', request(['ab', 'cd']), whole, request(['ab', 'cd']), true],
    ['the same body in other pieces', request(['ab', 'cd']), whole, request(['a', 'bc', 'd']), true],
    ['no body, twice', request([]), whole, request([]), true],
    ['other headers', request(['ab'], { headers: [['x', '1']] }), whole, request(['ab'], { headers: [['x', '2']] }), true],
    ['another body', request(['ab']), whole, request(['ac']), false],
    ['a longer body', request(['ab']), whole, request(['ab', 'c']), false],
    ['a shorter body', request(['ab', 'c']), whole, request(['ab']), false],
    ['a body where there was none', request([]), whole, request(['a']), false],
    ['another path', request(['ab']), whole, request(['ab'], { path: '/x' }), false],
    ['another query', request(['ab']), whole, request(['ab'], { query: 'x=1' }), false],
    ['another method', request(['ab']), whole, request(['ab'], { method: 'PUT' }), false],
    ['another peer to run on', request(['ab']), whole, request(['ab'], { on: 'birch' }), false],
    ['another rest, which the function had not read', request(['ab', 'cd']), 1, request(['ab', 'xx', 'y']), true],
    ['another beginning', request(['ab', 'cd']), 1, request(['ax', 'cd']), false],
    ['less than the function had read', request(['ab', 'cd']), 1, request(['a']), false],
    ['any body, when none of it was read', request(['ab']), 0, request(['x']), true]
  ]
  for (const [claim, first, read, later, isSame] of table)
    it(`takes ${claim} for ${isSame ? 'the same' : 'another'} request`, async () => {
      const checked = (await printOf(first, read)).check(later, FIRST, { signal })
      if (isSame) await checked
      else await assert.rejects(checked, { code: 'conflict', details: { invocation: FIRST } })
    })

  it('waits until the first request was read', async () => {
    const print = new RequestPrint(request(['ab']))
    const body = print.reading(request(['ab']).body)
    await body.next()
    let isChecked = false
    const checked = print.check(request(['ab']), FIRST, { signal }).then(() => (isChecked = true))
    await new Promise(setImmediate)
    assert.equal(isChecked, false)
    await body.next()
    await checked
    const abandoned = new RequestPrint(request([])).check(request([]), FIRST, { signal: AbortSignal.abort(new Error('gone')) })
    await assert.rejects(abandoned, /gone/)
  })
})

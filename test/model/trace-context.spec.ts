import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Headers } from '../../src/model/invocation.ts'
import { readTraceContext, withTraceContext } from '../../src/model/trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const parent = (text: string): Headers => [['traceparent', text]]

describe('trace context', () => {
  for (const [text, sampled] of [
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-03`, true],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true]
  ] as const) {
    it(`is read from ${text}`, () => {
      assert.deepEqual(readTraceContext(parent(text)), { traceId: TRACE, spanId: SPAN, sampled, state: '' })
    })
  }

  for (const text of [
    '',
    'yes',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}`
  ]) {
    it(`is not read from ${JSON.stringify(text)}`, () => assert.equal(readTraceContext(parent(text)), undefined))
  }

  it('is not read from two parents', () => {
    const one = ['traceparent', `00-${TRACE}-${SPAN}-01`] as const
    assert.equal(readTraceContext([one, one]), undefined)
  })

  it('is read as it was written, and leaves the other headers as they are', () => {
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'123456789abcdef'.split('')), minLength: length, maxLength: length })
    const context = fc.record({
      traceId: hex(32),
      spanId: hex(16),
      sampled: fc.boolean(),
      state: fc.constantFrom('', 'vendor=1', 'a=1,b=2')
    })
    fc.assert(
      fc.property(context, context, (before, now) => {
        const headers = withTraceContext([['accept', '*/*'], ...withTraceContext([], before), ['x-a', 'b']], now)
        assert.deepEqual(readTraceContext(headers), { ...now })
        assert.deepEqual(headers.slice(0, 2), [
          ['accept', '*/*'],
          ['x-a', 'b']
        ])
      })
    )
  })
})

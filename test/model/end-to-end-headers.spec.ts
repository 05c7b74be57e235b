import assert from 'node:assert/strict'
import { endToEnd } from '../../src/model/end-to-end-headers.ts'

describe('endToEnd', () => {
  it('drops what belongs to one connection only, and what Connection names, in any case', () => {
    const headers = [
      ['Connection', 'Close , X-Hop'],
      ['connection', 'x-other'],
      ['X-Hop', '1'],
      ['x-other', '1'],
      ['TE', 'trailers'],
      ['transfer-encoding', 'chunked'],
      ['Expect', '100-continue'],
      ['Accept', 'a/b'],
      ['content-length', '3']
    ] as const
    assert.deepEqual(endToEnd(headers), [
      ['accept', 'a/b'],
      ['content-length', '3']
    ])
  })

  it('keeps the order and the repetition of the others', () => {
    const headers = [
      ['set-cookie', 'a'],
      ['x-y', 'z'],
      ['Set-Cookie', 'b']
    ] as const
    assert.deepEqual(endToEnd(headers), [
      ['set-cookie', 'a'],
      ['x-y', 'z'],
      ['set-cookie', 'b']
    ])
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createEventParser } from '../../../../src/faces/web/live/event-parser.ts'

const STREAM = [
  'retry: 1000\n\n',
  'id: 7.1\nevent: peer:joined\ndata: {"id":1,"type":"peer:joined","data":{"name":"a: b"}}\n\n',
  ': heartbeat\n\n',
  'id: 7.2\nevent: function:removed\ndata: {"id":2,"type":"function:removed"}\n\n',
  'event: dropped\ndata: {"missed":3,"lastId":2}\n\n'
].join('')

describe('the event parser', () => {
  it('gives the same events wherever the stream is cut', () => {
    const whole = createEventParser('peer')(STREAM)
    assert.deepEqual(
      whole.map(({ resumeId, item }) => [resumeId, item.type]),
      [
        ['7.1', 'peer:joined'],
        ['7.2', 'function:removed']
      ]
    )
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), cuts => {
        const parse = createEventParser('peer')
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length]
        const got = bounds.slice(1).flatMap((end, i) => parse(STREAM.slice(bounds[i], end)))
        assert.deepEqual(got, whole)
      })
    )
  })

  it('refuses what is not JSON, and an event without an end', () => {
    assert.throws(() => createEventParser('peer')('id: 1\ndata: nonsense\n\n'), { code: 'protocol' })
    const parse = createEventParser('peer')
    assert.throws(
      () => {
        for (let i = 0; i < 20; i++) parse('x'.repeat(100_000))
      },
      { code: 'protocol' }
    )
  })
})

import assert from 'node:assert/strict'
import { callHeaders, curlLine, EMPTY_CALL, parseHeaders, parseServerTiming, targetPath } from '../../../src/faces/web/invoke-request.ts'

const fn = { url: 'http://127.0.0.1:7070/fn/thumb' }
const call = EMPTY_CALL

describe('the invoke box', () => {
  it('reads headers, a line each, and says which line is none', () => {
    assert.deepEqual(parseHeaders('Content-Type: a/b; c=d:e\n\n  x-y:z '), [
      ['content-type', 'a/b; c=d:e'],
      ['x-y', 'z']
    ])
    assert.throws(() => parseHeaders('fine: yes\nnot a header'), { code: 'invalid', message: 'not a header: not a header' })
    assert.throws(() => parseHeaders('sp ace: x'), { code: 'invalid' })
  })

  it('gives every path its slash', () => {
    assert.deepEqual(['', 'a/b?c', '/x'].map(targetPath), ['/', '/a/b?c', '/x'])
  })

  const lines: readonly (readonly [change: Partial<typeof call>, line: string])[] = [
    [{}, 'curl -X POST http://127.0.0.1:7070/fn/thumb'],
    [{ body: 'hello' }, 'curl --data-raw hello http://127.0.0.1:7070/fn/thumb'],
    [{ body: "it's $HOME" }, "curl --data-raw 'it'\\''s $HOME' http://127.0.0.1:7070/fn/thumb"],
    [{ method: 'GET', body: 'ignored', path: 'a?b=c&d' }, "curl 'http://127.0.0.1:7070/fn/thumb/a?b=c&d'"],
    [
      { method: 'PUT', body: '@file', headers: 'accept: */*' },
      "curl -X PUT -H 'accept: */*' --data-raw @file http://127.0.0.1:7070/fn/thumb"
    ],
    [
      { body: 'x', policy: { strategy: '', objective: 'cheap', maxCost: '0.001', require: 'zone=eu, gpu' } },
      "curl -H 'x-cares-objective: cheap' -H 'x-cares-max-cost: 0.001' -H 'x-cares-require: zone=eu,gpu' --data-raw x http://127.0.0.1:7070/fn/thumb"
    ]
  ]
  for (const [change, line] of lines) {
    it(`writes ${line}`, () => assert.equal(curlLine(fn, { ...call, ...change }), line))
  }

  it('writes a file instead of the body, where a body is sent at all', () => {
    assert.equal(
      curlLine(fn, { ...call, body: 'left over' }, 'my cat.jpg'),
      "curl --data-binary '@my cat.jpg' http://127.0.0.1:7070/fn/thumb"
    )
    assert.equal(curlLine(fn, { ...call, method: 'GET' }, 'cat.jpg'), 'curl http://127.0.0.1:7070/fn/thumb')
  })

  it('sends what a call asks of its placement beside the headers that are written, and refuses a cost that is none', () => {
    const policy = { ...EMPTY_CALL.policy, objective: 'latency' as const }
    assert.deepEqual(callHeaders({ headers: 'x-a: 1', policy }), [
      ['x-a', '1'],
      ['x-cares-objective', 'latency']
    ])
    assert.throws(() => callHeaders({ headers: '', policy: { ...policy, maxCost: 'little' } }), { code: 'invalid' })
  })

  it('reads server-timing, and leaves out what has no duration', () => {
    assert.deepEqual(parseServerTiming('queue;dur=1.5, run;desc="x";dur=20, cache'), [
      ['queue', 1.5],
      ['run', 20]
    ])
    assert.deepEqual(parseServerTiming(''), [])
  })
})

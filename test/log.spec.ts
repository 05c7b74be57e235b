import assert from 'node:assert/strict'
import { createLog, formatPretty, type LogInit } from '../src/log.ts'
import { CaresError } from '../src/model/errors.ts'
import type { Logger } from '../src/model/ports/logger.ts'
import { createTestLog } from './support/test-log.ts'

/** A log, and what it has written: JSON lines, parsed, or lines as they are. */
function capture(init: LogInit = {}): { log: Logger; lines: string[]; records: () => Record<string, unknown>[] } {
  const lines: string[] = []
  const log = createLog({ ...init, destination: { write: line => void lines.push(line) } })
  return { log, lines, records: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) }
}

describe('the log', () => {
  it('writes one JSON object a line, with level, time, scope, fields and message', () => {
    const { log, lines, records } = capture()
    log.child('runtime').info({ peer: 'elm', costMs: 3 }, 'placed')
    const { time, ...record } = records()[0] ?? {}
    assert.equal(new Date(String(time)).toISOString(), time)
    assert.deepEqual(record, { level: 'info', scope: 'cares:runtime', peer: 'elm', costMs: 3, msg: 'placed' })
    assert.match(lines[0] ?? '', /^[^\n]*\n$/)
  })

  it('names a scope once, however deep it is', () => {
    const { log, lines } = capture()
    log.child('network').child('gossip').warn({}, 'dropped')
    assert.equal(lines[0]?.match(/"scope"/g)?.length, 1)
    assert.match(lines[0] ?? '', /"scope":"cares:network:gossip"/)
  })

  it('writes what is at its level or above, and nothing when silent', () => {
    const written = (level: LogInit['level']): unknown[] => {
      const { log, records } = capture(level === undefined ? {} : { level })
      for (const method of ['debug', 'info', 'warn', 'error'] as const) log[method]({}, method)
      return records().map(({ level }) => level)
    }
    assert.deepEqual(written('debug'), ['debug', 'info', 'warn', 'error'])
    assert.deepEqual(written(undefined), ['info', 'warn', 'error'])
    assert.deepEqual(written('error'), ['error'])
    assert.deepEqual(written('silent'), [])
  })

  it('has other levels for some scopes and those below them', () => {
    const { log, records } = capture({ level: 'info', scopeLevels: { 'cares:libp2p': 'warn', 'cares:libp2p:dial': 'debug' } })
    log.child('libp2p').child('tcp').info({}, 'no')
    log.child('libp2p').warn({}, 'yes 1')
    log.child('libp2p').child('dial').debug({}, 'yes 2')
    log.child('libp2p2').info({}, 'yes 3')
    assert.deepEqual(
      records().map(({ msg }) => msg),
      ['yes 1', 'yes 2', 'yes 3']
    )
  })

  describe('of an error', () => {
    const errorOf = (err: unknown): unknown => {
      const { log, records } = capture()
      log.error({ err }, 'failed')
      return records()[0]?.['err']
    }

    it('tells the code and message of each cause, and no details, which may hold what a function wrote', () => {
      const root = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' })
      const middle = new CaresError('peer_unreachable', 'no answer', { cause: root, details: { stderr: 'a secret' } })
      const err = new CaresError('internal', 'cannot join', { hint: 'try again', cause: middle, details: { stderr: 'a secret' } })
      assert.deepEqual(errorOf(err), {
        code: 'internal',
        message: 'cannot join',
        hint: 'try again',
        cause: { code: 'peer_unreachable', message: 'no answer', cause: { code: 'ECONNREFUSED', message: 'connect refused' } }
      })
    })

    it('adds the stack of a defect only', () => {
      assert.match((errorOf(new TypeError('x is undefined')) as { stack: string }).stack, /log\.spec\.ts/)
      assert.equal('stack' in (errorOf(new CaresError('timeout', 'too late')) as object), false)
    })

    it('ends where errors cause each other in a circle, or are many', () => {
      const circle = new Error('round')
      circle.cause = circle
      assert.ok(JSON.stringify(errorOf(circle)).length < 5_000)
      const many = new AggregateError(
        Array.from({ length: 100 }, (_, i) => new Error(`no ${i}`)),
        'all failed'
      )
      assert.equal((errorOf(many) as { errors: unknown[] }).errors.length, 3)
    })

    it('takes what was thrown without being an error', () => {
      assert.equal(errorOf('just text'), 'just text')
      assert.equal(errorOf(undefined), undefined)
    })
  })

  it('never writes payloads: bytes become their number, long texts are cut', () => {
    const { log, records } = capture()
    log.info({ body: Buffer.from('secret'), view: new Uint8Array(7), text: 'x'.repeat(5_000) }, 'seen')
    const { body, view, text } = records()[0] ?? {}
    assert.deepEqual([body, view], ['6 bytes', '7 bytes'])
    assert.ok(String(text).length < 1_100)
    assert.match(String(text), /5000 characters/)
  })

  describe('for people', () => {
    it('is one short line', () => {
      const { log, lines } = capture({ format: 'pretty' })
      log.child('runtime').warn({ id: 'c1', name: 'two words', deep: { a: 1 } }, 'container not removed')
      assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} warn {2}runtime: container not removed id=c1 name="two words" deep=\{"a":1\}\n$/)
    })

    it('tells an error from its effect to its first cause', () => {
      const { log, lines } = capture({ format: 'pretty' })
      log.error({ err: new CaresError('internal', 'cannot write', { cause: new CaresError('timeout', 'too late') }) }, 'failed')
      assert.match(lines[0] ?? '', / error cares: failed err=internal: cannot write <- timeout: too late\n$/)
    })

    it('lets no text of others move the cursor or start a line', () => {
      const line = JSON.stringify({
        time: '2026-01-02T03:04:05.678Z',
        level: 'info',
        scope: 'cares',
        msg: 'a\u001b[2Jb\nfake line',
        name: '\u001b]0;title\u0007',
        err: { code: 'internal', message: 'c\r\u009b31md' }
      })
      const pretty = formatPretty(line)
      assert.doesNotMatch(pretty.slice(0, -1), /\p{Cc}/u)
      assert.match(pretty, /ab fake line/)
    })
  })
})

describe('the test log', () => {
  it('keeps what it and its children are told', () => {
    const log = createTestLog()
    log.child('a').child('b').info({ n: 1 }, 'one')
    log.error({}, 'two')
    assert.deepEqual(log.records, [
      { level: 'info', scope: 'cares:a:b', fields: { n: 1 }, message: 'one' },
      { level: 'error', scope: 'cares', fields: {}, message: 'two' }
    ])
  })
})

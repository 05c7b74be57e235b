import assert from 'node:assert/strict'
import { HTTP_STATUS, problemAnswer } from '../../src/api/errors.ts'
import { CaresError, ERROR_CODES, type ErrorCode } from '../../src/model/errors.ts'
import { problemSchema } from '../../src/model/rest.ts'
import { createHarness } from './harness.ts'

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]

interface Document {
  readonly info: { readonly description: string }
  readonly components: {
    readonly schemas: { readonly Problem: { readonly properties: { readonly code: { readonly enum: readonly string[] } } } }
  }
}

describe('the table of codes and statuses', () => {
  it('has every code of the catalogue and nothing else', () => {
    assert.deepEqual(Object.keys(HTTP_STATUS).sort(), CODES.toSorted())
  })

  it('is in the OpenAPI document, every code and nothing else', async () => {
    await using harness = createHarness()
    const document = (await harness.app.inject('/openapi.json')).json<Document>()
    assert.deepEqual(document.components.schemas.Problem.properties.code.enum.toSorted(), CODES.toSorted())
    const rows = [...document.info.description.matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \|$/gm)].map(
      ([, code, status, meaning]) => `${code} ${status} ${meaning}`
    )
    assert.deepEqual(rows.toSorted(), CODES.map(code => `${code} ${HTTP_STATUS[code]} ${ERROR_CODES[code]}`).toSorted())
  })

  for (const code of CODES) {
    it(`answers ${code} with ${HTTP_STATUS[code]}, from any route`, async () => {
      const error = new CaresError(code, 'so it is', { hint: 'do this', retryable: true })
      const fail = (): never => {
        throw error
      }
      await using harness = createHarness({ invoke: async () => fail(), peers: fail })
      for (const url of ['/fn/thumb', '/v1/peers']) {
        const answer = await harness.app.inject(url)
        assert.equal(answer.statusCode, HTTP_STATUS[code], url)
        assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
        const problem = problemSchema.parse(answer.json())
        assert.deepEqual(
          {
            code: problem.code,
            status: problem.status,
            detail: problem.detail,
            hint: problem.hint,
            instance: problem.instance,
            title: problem.title
          },
          { code, status: HTTP_STATUS[code], detail: 'so it is', hint: 'do this', instance: url, title: ERROR_CODES[code] }
        )
        assert.equal(problem.type, `urn:cares:error:${code}`)
        assert.equal(problem.retryable, true)
      }
    })
  }
})

describe('problemAnswer', () => {
  it('carries the details as members, and lets none replace its own', () => {
    const details = { exitCode: 3, stderr: 'no such file', status: 200, type: 'x', code: 'ok' }
    const { problem } = problemAnswer(new CaresError('function_failed', 'exit 3', { details }), '/fn/ocr')
    assert.equal(problem.exitCode, 3)
    assert.equal(problem.stderr, 'no such file')
    assert.equal(problem.status, 500)
    assert.equal(problem.code, 'function_failed')
    assert.equal(problem.type, 'urn:cares:error:function_failed')
  })

  for (const [retryAfterMs, seconds] of [
    [1, '1'],
    [1_000, '1'],
    [1_001, '2'],
    [90_000, '90']
  ] as const) {
    it(`says Retry-After: ${seconds} for ${retryAfterMs} ms`, () => {
      const { headers, problem } = problemAnswer(new CaresError('no_capacity', 'full', { details: { retryAfterMs } }), '/')
      assert.equal(headers['retry-after'], seconds)
      assert.equal(problem.retryAfterMs, retryAfterMs)
    })
  }

  it('tells who is overloaded to come back, even when nobody said when', () => {
    assert.equal(problemAnswer(new CaresError('overloaded', 'full'), '/').headers['retry-after'], '1')
    assert.equal(problemAnswer(new CaresError('no_capacity', 'full'), '/').headers['retry-after'], undefined)
  })

  it('leaves the query out of the instance, and cuts what is too long', () => {
    assert.equal(problemAnswer(new CaresError('not_found', 'no'), '/fn/x?token=abc').problem.instance, '/fn/x')
    assert.equal(problemAnswer(new CaresError('not_found', 'no'), `/${'x'.repeat(9_000)}`).problem.instance?.length, 256)
  })

  it('makes a header of an invocation id only if it can be one', () => {
    const header = (invocation: string): string | undefined =>
      problemAnswer(new CaresError('function_failed', 'no', { details: { invocation } }), '/').headers['x-cares-invocation']
    assert.equal(header('i-abc'), 'i-abc')
    assert.equal(header('i-abc\r\nset-cookie: a=b'), undefined)
  })

  it('refines the status of a bad request only', () => {
    assert.equal(problemAnswer(new CaresError('bad_request', 'no'), '/', 405).status, 405)
    assert.equal(problemAnswer(new CaresError('not_found', 'no'), '/', 405).status, 404)
  })

  it('takes a code of a newer peer for internal', () => {
    assert.equal(problemAnswer(new CaresError('from_the_future' as ErrorCode, 'no'), '/').problem.code, 'internal')
  })
})

describe('what is not a CaresError', () => {
  it('is logged once and answered as internal, without a word of it', async () => {
    await using harness = createHarness({
      peers: () => {
        throw new TypeError('secret path /etc/x')
      }
    })
    const answer = await harness.app.inject('/v1/peers')
    assert.equal(answer.statusCode, 500)
    assert.equal(answer.json<{ code: string }>().code, 'internal')
    assert.doesNotMatch(answer.body, /secret/)
    const errors = harness.log.records.filter(({ level }) => level === 'error')
    assert.equal(errors.length, 1)
    const fields = errors.map(record => record.fields as { err: Error })
    assert.equal(fields[0]?.err.message, 'secret path /etc/x')
  })

  it('is what an answer that does not fit its schema is', async () => {
    await using harness = createHarness({ ready: () => ({ ready: 'yes' }) as never })
    const answer = await harness.app.inject('/readyz')
    assert.equal(answer.statusCode, 500)
    assert.equal(answer.json<{ code: string }>().code, 'internal')
  })
})

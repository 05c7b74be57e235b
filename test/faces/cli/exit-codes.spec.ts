import assert from 'node:assert/strict'
import { errorJson, errorLines } from '../../../src/faces/cli/errors.ts'
import { EXIT, EXIT_BY_ERROR } from '../../../src/faces/cli/exit-codes.ts'
import { CaresError, ERROR_CODES, type ErrorCode } from '../../../src/model/errors.ts'
import { problem, startFakeApi } from '../fake-api.ts'
import { run } from './run.ts'

describe('exit codes', () => {
  it('are those of the manual', () => {
    assert.deepEqual(EXIT, {
      done: 0,
      unexpected: 1,
      usage: 2,
      unreachable: 3,
      notFound: 4,
      refused: 5,
      notPlaced: 6,
      timedOut: 7,
      functionFailed: 8,
      interrupted: 130,
      terminated: 143
    })
  })

  it('are there for every error code of the catalogue, and for nothing else', () => {
    assert.deepEqual(Object.keys(EXIT_BY_ERROR).sort(), Object.keys(ERROR_CODES).sort())
    for (const [code, exit] of Object.entries(EXIT_BY_ERROR)) assert.ok(exit >= 1 && exit <= 8, code)
  })

  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    it(`end a command with ${EXIT_BY_ERROR[code]} when the API answers ${code}`, async () => {
      await using api = await startFakeApi({ 'GET /v1/peers': problem(code, 'it went wrong', 500) })
      const { code: exit, stdout, stderr } = await run(['peers'], { api: api.url })
      assert.equal(exit, EXIT_BY_ERROR[code])
      assert.equal(stdout, '')
      assert.match(stderr, /^cares: it went wrong\n/)
      assert.ok(stderr.split('\n').length <= 4, 'more than two remedies')
    })
  }

  it('say 3 when nobody answers, with what to do about it', async () => {
    const gone = await startFakeApi()
    await gone[Symbol.asyncDispose]()
    const { code, stderr } = await run(['peers'], { api: gone.url })
    assert.equal(code, 3)
    assert.equal(
      stderr,
      `cares: cannot reach a peer at ${gone.url}: connection refused\n  try: cares peer   (none runs here)\n       cares --api http://HOST:7070 …   or set CARES_API\n`
    )
  })

  it('say 7 when the peer does not answer in time', async () => {
    await using api = await startFakeApi({ 'GET /v1/peers': () => {} })
    const clock = { timeout: () => AbortSignal.abort(new DOMException('too late', 'TimeoutError')) }
    const { code, stderr } = await run(['peers'], { api: api.url, clock })
    assert.equal(code, 7)
    assert.match(stderr, /did not answer within 15s/)
  })

  it('say 1 when something else than CARES answers', async () => {
    await using api = await startFakeApi({
      'GET /v1/peers': response => void response.end('<html>hello</html>'),
      'GET /v1/cluster': response => void response.writeHead(500).end('<html>sorry</html>')
    })
    for (const argv of [['peers'], ['id']]) {
      const { code, stderr } = await run(argv, { api: api.url })
      assert.equal(code, 1)
      assert.match(stderr, /try: check that --api names a CARES peer/)
    }
  })

  for (const [name, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143]
  ] as const) {
    it(`say ${exit} when ${name} ends a command that waits, without a word`, async () => {
      const interrupt = new AbortController()
      await using api = await startFakeApi({
        'GET /v1/peers': () => interrupt.abort(new CaresError('cancelled', `ended by ${name}`, { details: { signal: name } }))
      })
      assert.deepEqual(await run(['peers'], { api: api.url, signal: interrupt.signal }), { code: exit, stdout: '', stderr: '' })
    })
  }

  it('say 6 when the cluster is degraded, and name what is wrong', async () => {
    const { ALERTS, CLUSTER, PEER_LIST, samplePeer } = await import('../samples.ts')
    await using api = await startFakeApi({
      'GET /v1/cluster': { ...CLUSTER, orchestrator: null, reason: 'no majority', voters: [...CLUSTER.voters, samplePeer('cedar').id] },
      'GET /v1/peers': PEER_LIST,
      'GET /v1/functions': { items: [] },
      'GET /v1/alerts': { ...ALERTS, items: [] }
    })
    const { code, stdout } = await run(['status'], { api: api.url })
    assert.equal(code, 6)
    assert.match(stdout, /^! no orchestrator: no majority$/m)
    assert.match(stdout, /^! voters not there: cedar \(3 of 4 left, 2 needed\)$/m)
  })
})

describe('an error', () => {
  it('shows the end of what a failed function wrote', () => {
    const stderr = Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n')
    const lines = errorLines(new CaresError('function_failed', 'thumb failed: exit 3', { details: { stderr, invocation: 'i-1' } }))
    assert.equal(lines[0], 'cares: thumb failed: exit 3')
    assert.equal(lines[1], '  line 20')
    assert.equal(lines.at(-2), '  line 29')
    assert.equal(lines.at(-1), '  try: cares logs i-1')
  })

  it('shows further mistakes below the first', () => {
    const issues = [
      { path: 'name', message: 'too long' },
      { path: 'cpus', message: 'too many' }
    ]
    assert.deepEqual(errorLines(new CaresError('invalid', 'function is not valid: name: too long (and 1 more)', { details: { issues } })), [
      'cares: function is not valid: name: too long (and 1 more)',
      '  cpus: too many'
    ])
  })

  it('shows a stack only when it is asked to', () => {
    const error = new CaresError('internal', 'broken', { cause: new Error('the cause') })
    assert.deepEqual(errorLines(error), ['cares: broken'])
    assert.ok(errorLines(error, { verbose: true }).some(line => line.includes('the cause')))
  })

  it('is one line of JSON for programs, with everything that the peer said', () => {
    const error = new CaresError('function_failed', 'thumb failed', { details: { exitCode: 3, stderr: 'a\nb' } })
    const json = errorJson(error)
    assert.equal(json.split('\n').length, 1)
    assert.deepEqual(JSON.parse(json), { exitCode: 3, stderr: 'a\nb', code: 'function_failed', detail: 'thumb failed', retryable: false })
  })
})

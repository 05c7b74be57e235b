import assert from 'node:assert/strict'
import { costListSchema } from '../../../src/model/rest-costs.ts'
import { quoteSchema } from '../../../src/model/rest-quote.ts'
import { problem, startFakeApi } from '../fake-api.ts'
import { INVOCATION, INVOCATION_ID, samplePeer } from '../samples.ts'
import { run } from './run.ts'

const ATLAS = { id: samplePeer('atlas').id, name: 'atlas' }

/** What the cluster expects of a call of thumb: a millisecond for each kilobyte. */
function quoteOf(inputBytes: number, samples = 12, queue = 0) {
  const run = 10 + inputBytes / 1_000
  const cost = { network: 1, start: 3, pull: 0, queue, run, total: run + queue + 4 }
  return quoteSchema.parse({
    function: 'thumb',
    revision: 2,
    inputBytes,
    strategy: 'cost',
    objective: 'balanced',
    peer: ATLAS,
    start: 'warm',
    why: 'chosen',
    time: { ms: run + 4, upperMs: 2 * run },
    run: { ms: run, upperMs: 1.5 * run, cpuMs: run / 2 },
    memory: { bytes: 50 * 2 ** 20, upperBytes: 60 * 2 ** 20, limitBytes: 128 * 2 ** 20 },
    outputBytes: 100,
    cost: { usd: 0.000_012, upperUsd: 0.000_02 },
    sure: { level: 'good', samples, basis: 'affine', errorRatio: 0.08 },
    candidates: [{ peer: ATLAS, fits: true, chosen: true, why: 'chosen: 14ms expected, warm start', start: 'warm', cost }]
  })
}

const AMOUNTS = {
  calls: 4,
  tasks: 2,
  failed: 1,
  succeeded: 2,
  cpuSeconds: 1.5,
  gbSeconds: 0.8,
  bytesIn: 4_096,
  bytesOut: 100,
  usd: 0.000_12,
  estimatedUsd: 0,
  quotedUsd: 0.000_1,
  runMs: 2_000,
  totalMs: 2_400,
  predictedMs: 2_000,
  regretMs: 400
}
const COSTS = costListSchema.parse({
  by: ['function', 'caller'],
  since: '2026-11-22T11:00:00.000Z',
  peers: 2,
  missing: 1,
  items: [
    { function: 'thumb', caller: 'team-a', ...AMOUNTS },
    { function: 'upper', caller: '', ...AMOUNTS }
  ],
  totals: { ...AMOUNTS, calls: 8 }
})

describe('cares quote', () => {
  it('shows time, memory and money with their bounds, the peer, and how sure it is', async () => {
    await using api = await startFakeApi({ 'GET /v1/functions/thumb/quote*': quoteOf(5) })
    const { code, stdout } = await run(['quote', 'thumb', '-d', 'hello'], { api: api.url })
    assert.equal(code, 0)
    assert.match(api.asked[0]?.url ?? '', /inputBytes=5\b/)
    assert.match(stdout, /^peer +atlas, warm start$/m)
    assert.match(stdout, /^time +14ms, at most about 20ms$/m)
    assert.match(stdout, /^memory +50Mi, at most about 60Mi, limit 128Mi$/m)
    assert.match(stdout, /^cost +\$0\.000012, at most about \$0\.000020$/m)
    assert.match(stdout, /^sure +good: from 12 earlier runs by affine, half of them predicted within 8 %$/m)
  })

  it('takes the size of a file, and says so when there is none', async () => {
    await using api = await startFakeApi({ 'GET /v1/functions/thumb/quote*': quoteOf(1) })
    await run(['quote', 'thumb', '-d', `@${import.meta.filename}`], { api: api.url })
    assert.match(api.asked[0]?.url ?? '', /inputBytes=\d{4}/)
    for (const wrong of [
      ['-d', '@/none/such'],
      ['-d', '@/dev/null'],
      ['-d', 'x', '--bytes', '4Mi'],
      ['--bytes', 'many']
    ]) {
      assert.equal((await run(['quote', 'thumb', ...wrong], { api: api.url })).code, 2, wrong.join(' '))
    }
  })

  it('says which rules do not hold for it', async () => {
    const remarks = ['prices do not count: ana states none', 'limit not applied yet: fewer than 3 runs are known']
    await using api = await startFakeApi({ 'GET /v1/functions/thumb/quote*': { ...quoteOf(5), remarks } })
    const { stdout } = await run(['quote', 'thumb'], { api: api.url })
    assert.match(stdout, /^Prices do not count: ana states none\.\nLimit not applied yet: fewer than 3 runs are known\.$/m)
  })

  it('says why nobody could have it', async () => {
    const nobody = {
      ...quoteOf(5),
      peer: null,
      start: null,
      time: null,
      cost: null,
      candidates: [],
      why: 'no peer has enough memory: 2 of 2'
    }
    await using api = await startFakeApi({ 'GET /v1/functions/thumb/quote*': nobody })
    const { stdout } = await run(['quote', 'thumb'], { api: api.url })
    assert.match(stdout, /no peer has enough memory: 2 of 2/)
    assert.match(stdout, /^cost +-$/m, 'prices are not what is missing')
  })
})

describe('cares costs', () => {
  it('lists the ledger by its keys with a line of sums, and says which peers are missing', async () => {
    await using api = await startFakeApi({ 'GET /v1/costs*': COSTS })
    const { stdout, stderr } = await run(['costs', '--by', 'function,caller'], { api: api.url })
    assert.match(api.asked[0]?.url ?? '', /by=function%2Ccaller|by=function,caller/)
    assert.match(stdout, /^FUNCTION +CALLER +CALLS +TASKS +FAILED .*COST +MEAN +REGRET$/m)
    assert.match(stdout, /^thumb +team-a +4 +2 +1 +1\.50 +0\.80 +4Ki +100 +\$0\.00012 +400ms +200ms$/m)
    assert.match(stdout, /^upper +- +4 /m)
    assert.match(stdout, /^all +8 /m)
    assert.match(stderr, /1 of 3 peers could not be asked/)
  })

  it('names the nameless caller, too', async () => {
    await using api = await startFakeApi({ 'GET /v1/costs*': COSTS })
    assert.equal((await run(['costs', '--by', 'caller', '-o', 'name'], { api: api.url })).stdout, 'team-a\n-\n')
  })

  it('passes CSV on as it is', async () => {
    await using api = await startFakeApi({
      'GET /v1/costs*': response => void response.writeHead(200, { 'content-type': 'text/csv' }).end('function,calls\r\nthumb,4\r\n')
    })
    assert.equal((await run(['costs', '--csv'], { api: api.url })).stdout, 'function,calls\r\nthumb,4\r\n')
    assert.match(api.asked[0]?.url ?? '', /format=csv/)
  })

  it('refuses a key that it does not know', async () => {
    assert.equal((await run(['costs', '--by', 'planet'])).code, 2)
  })
})

describe('cares bench', () => {
  it('runs each size, leaves out the cold start, and draws the medians with the curve that was learned', async () => {
    const sizes: number[] = []
    await using api = await startFakeApi({
      'GET /v1/functions/thumb/quote*': (response, { url }) => {
        const inputBytes = Number(/inputBytes=(\d+)/.exec(url)?.[1] ?? 0)
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(quoteOf(inputBytes, sizes.length)))
      },
      'POST /fn/thumb': (response, { body }) => {
        sizes.push(body.length)
        response.writeHead(200, { 'x-cares-invocation': INVOCATION_ID }).end('done')
      },
      [`GET /v1/invocations/${INVOCATION_ID}*`]: response => {
        const start = sizes.length === 1 ? 'cold' : 'warm'
        const runMs = start === 'cold' ? 900 : 10 + (sizes.at(-1) ?? 0) / 1_000
        const usage = { queueMs: 0, pullMs: 0, startMs: 1, runMs, bytesIn: 0, bytesOut: 4, memoryPeakBytes: 1_048_576 }
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ ...INVOCATION, start, usage }))
      }
    })
    const { code, stdout } = await run(['bench', 'thumb', '--sizes', '100k,1k,10k', '--runs', '2'], { api: api.url })
    assert.equal(code, 0)
    assert.deepEqual(sizes, [1_000, 1_000, 1_000, 10_000, 10_000, 100_000, 100_000])
    assert.match(stdout, /^ *1000 +2 +11ms +11ms +11ms +11ms /m)
    assert.equal(stdout.match(/│.*o/g)?.length, 3, stdout)
    assert.match(stdout, /│.*·/)
    assert.match(stdout, /The curve is affine, from 7 runs\./)
  })

  it('compares what runs took with what was expected of them beside others on the same cores', async () => {
    let runs = 0
    await using api = await startFakeApi({
      'GET /v1/functions/thumb/quote*': response =>
        void response.setHeader('content-type', 'application/json').end(JSON.stringify(quoteOf(1_000, runs, 9))),
      'POST /fn/thumb': response => {
        runs++
        response.writeHead(200, { 'x-cares-invocation': INVOCATION_ID }).end('done')
      },
      [`GET /v1/invocations/${INVOCATION_ID}*`]: {
        ...INVOCATION,
        start: 'warm',
        usage: { queueMs: 0, pullMs: 0, startMs: 1, runMs: 21, bytesIn: 0, bytesOut: 4 }
      }
    })
    const { stdout } = await run(['bench', 'thumb', '--sizes', '1k', '--runs', '1', '--params', 'q=9', '--json'], { api: api.url })
    const calls = api.asked.filter(({ url }) => url === '/fn/thumb')
    assert.ok(calls.length > 0 && calls.every(({ headers }) => headers['x-cares-params'] === 'q=9'))
    assert.match(api.asked.at(-1)?.url ?? '', /params=q%3D9/)
    const { points } = JSON.parse(stdout) as { points: readonly object[] }
    assert.partialDeepStrictEqual(points, [{ medianMs: 21, predictedMs: 20, upperMs: 30 }])
  })

  it('puts again what is refused for now, and goes on without a size that fails even so', async () => {
    const sizes: number[] = []
    let refusals = 0
    const refused = problem('overloaded', 'the orchestrator has changed', 429, { retryable: true })
    await using api = await startFakeApi({
      'GET /v1/functions/thumb/quote*': (response, { url }) => {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(quoteOf(Number(/inputBytes=(\d+)/.exec(url)?.[1] ?? 0), sizes.length)))
      },
      'POST /fn/thumb': (response, asked) => {
        const bytes = asked.body.length
        const isRefused = bytes === 10_000 || (bytes === 1_000 && refusals < 3)
        if (isRefused && typeof refused === 'function') {
          refusals++
          refused(response, asked)
          return
        }
        sizes.push(bytes)
        response.writeHead(200, { 'x-cares-invocation': INVOCATION_ID }).end('done')
      },
      [`GET /v1/invocations/${INVOCATION_ID}*`]: response => {
        response.setHeader('content-type', 'application/json')
        const usage = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 11, bytesIn: 0, bytesOut: 4 }
        response.end(JSON.stringify({ ...INVOCATION, start: 'warm', usage }))
      }
    })
    const paused: number[] = []
    const clock = { sleep: async (ms: number) => void paused.push(ms) }
    const { code, stdout } = await run(['bench', 'thumb', '--sizes', '1k,10k,100k', '--runs', '2'], { api: api.url, clock })
    assert.equal(code, 0)
    assert.deepEqual(sizes, [1_000, 1_000, 100_000, 100_000])
    assert.deepEqual(paused.slice(0, 8), [250, 500, 1_000, 250, 500, 1_000, 2_000, 4_000])
    assert.match(stdout, /^ *9\.8Ki +0 +- +- +- /m)
    assert.match(stdout, /! runs with 9\.8Ki are missing: overloaded: the orchestrator has changed/)
  })

  it('ends with the failure when there is no size that could be measured', async () => {
    await using api = await startFakeApi({
      'GET /v1/functions/thumb/quote*': quoteOf(5),
      'POST /fn/thumb': problem('function_failed', 'exit code 3', 500)
    })
    assert.equal((await run(['bench', 'thumb', '--sizes', '1k,2k'], { api: api.url })).code, 8)
  })

  it('ends with the failure of a function, and refuses sizes that are none', async () => {
    await using api = await startFakeApi({ 'GET /v1/functions/thumb/quote*': quoteOf(5) })
    assert.equal((await run(['bench', 'thumb', '--sizes', '1k'], { api: api.url })).code, 4)
    for (const wrong of [
      ['--sizes', '0'],
      ['--sizes', '1Ti'],
      ['--runs', '0'],
      ['-d', '']
    ]) {
      assert.equal((await run(['bench', 'thumb', ...wrong], { api: api.url })).code, 2, wrong.join(' '))
    }
  })
})

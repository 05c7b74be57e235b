import assert from 'node:assert/strict'
import { CaresError } from '../../../src/model/errors.ts'
import type { Admission, AdmissionList } from '../../../src/model/rest-admissions.ts'
import type { CostList } from '../../../src/model/rest-costs.ts'
import { quoteSchema } from '../../../src/model/rest-quote.ts'
import { sampleAdmission, sampleLedger } from '../../support/economy-samples.ts'
import { argsOf } from '../../support/fake-service.ts'
import { BIRCH } from '../../support/samples.ts'
import { createHarness } from '../harness.ts'

describe('/v1/functions/:name/quote', () => {
  it('says what a call would take and cost, where, and how sure that is', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject('/v1/functions/thumb/quote?inputBytes=1000&params=quality%3Dhigh')
    assert.equal(answer.statusCode, 200)
    const quote = quoteSchema.parse(answer.json())
    assert.deepEqual([quote.function, quote.inputBytes, quote.params], ['thumb', 1_000, 'quality=high'])
    assert.ok(quote.time !== null && quote.time.upperMs >= quote.time.ms)
    assert.deepEqual(argsOf(harness.service, 'quote'), ['thumb', { inputBytes: 1_000, params: 'quality=high' }])
  })

  it('says of the start, too, how long it may take at most', async () => {
    const quoted = createHarness().service.quote('thumb', { inputBytes: 0 })
    const [first] = quoted.decision.verdicts
    assert.ok(first?.fits === true)
    const verdicts = [{ ...first, start: 'cold' as const, cost: { ...first.cost, start: 300 } }]
    const mostMs = async (coldStartMsUpper: number): Promise<number> => {
      const estimate = { ...quoted.estimate, coldStartMs: 300, coldStartMsUpper }
      const decision = { ...quoted.decision, chosen: first.peer, verdicts }
      await using harness = createHarness({ quote: () => ({ ...quoted, estimate, decision }) })
      const quote = quoteSchema.parse((await harness.app.inject('/v1/functions/thumb/quote')).json())
      return quote.time?.upperMs ?? 0
    }
    assert.equal((await mostMs(900)) - (await mostMs(300)), 600)
  })

  it('says in words why nobody could have it', async () => {
    const nobody = { chosen: null, expected: null, verdicts: [], skipped: 0, rejected: {} }
    const base = createHarness()
    const quoted = base.service.quote('thumb', { inputBytes: 0 })
    await using harness = createHarness({ quote: () => ({ ...quoted, decision: nobody, refusal: 'no peer is known' }) })
    const quote = quoteSchema.parse((await harness.app.inject('/v1/functions/thumb/quote')).json())
    assert.deepEqual([quote.peer, quote.start, quote.time, quote.cost, quote.why], [null, null, null, null, 'no peer is known'])
  })

  it('refuses what is no size, unknown words, and functions that are not there', async () => {
    await using harness = createHarness()
    for (const [query, status] of [
      ['thumb/quote?inputBytes=-1', 422],
      ['thumb/quote?bytes=1', 422],
      [`thumb/quote?params=${'x'.repeat(257)}`, 422],
      ['thumb/quote?require=zone%3D%3Deu', 422],
      [`thumb/quote?inputBytes=${2 ** 40}`, 413],
      ['ocr/quote', 404]
    ] as const) {
      assert.equal((await harness.app.inject(`/v1/functions/${query}`)).statusCode, status, query)
    }
  })
})

describe('/v1/costs', () => {
  it('sums the ledgers of all peers by the keys that were asked for', async () => {
    const ledgers = [sampleLedger(), sampleLedger({ caller: 'team-b' }), sampleLedger({ function: 'upper', usd: 1, peer: BIRCH })]
    await using harness = createHarness({ costs: async () => ({ ledgers, missing: 2 }) })
    const list = (await harness.app.inject('/v1/costs?by=function,peer')).json<CostList>()
    assert.deepEqual(
      list.items.map(item => [item.function, item.peer, item.caller, item.calls]),
      [
        ['upper', 'birch', undefined, 3],
        ['thumb', 'atlas', undefined, 6]
      ]
    )
    assert.deepEqual([list.peers, list.missing, list.totals.calls, list.items[1]?.cpuSeconds], [3, 2, 9, 3])
  })

  it('gives a spreadsheet no formulas', async () => {
    const ledgers = [sampleLedger({ caller: '+cmd|"x",y' })]
    await using harness = createHarness({ costs: async () => ({ ledgers, missing: 0 }) })
    const answer = await harness.app.inject('/v1/costs?by=caller&format=csv')
    assert.match(String(answer.headers['content-type']), /^text\/csv/)
    const [heads, row] = answer.body.split('\r\n')
    assert.match(heads ?? '', /^caller,calls,tasks,failed,cpuSeconds,/)
    assert.match(row ?? '', /^"'\+cmd\|""x"",y",3,2,1,1\.5,/)
  })

  it('refuses a key that it does not know', async () => {
    await using harness = createHarness()
    assert.equal((await harness.app.inject('/v1/costs?by=planet')).statusCode, 422)
  })

  it('is a metric, too', async () => {
    await using harness = createHarness()
    const { body } = await harness.app.inject('/metrics')
    assert.match(body, /^cares_cost_usd_total\{function="thumb"\} 0\.00012$/m)
    assert.match(body, /^cares_caller_cost_usd_total\{caller="team-a"\} 0\.00012$/m)
    assert.match(body, /^cares_caller_cost_cpu_seconds_total\{caller="team-a"\} 1\.5$/m)
    assert.match(body, /^cares_caller_calls_total\{caller="team-a"\} [1-9]\d*$/m)
    for (const name of ['calls_total', 'cost_cpu_seconds_total', 'cost_usd_total'])
      assert.match(body, new RegExp(`^cares_peer_${name}\\{peer="[^"]+"\\} `, 'm'))
    assert.match(body, /^cares_cost_cpu_seconds_total\{function="thumb"\} 1\.5$/m)
    assert.match(body, /^cares_cost_byte_seconds_total\{function="thumb"\} \d+$/m)
  })

  it('has metrics in base units only, as Prometheus asks: no abbreviated unit in any name', async () => {
    await using harness = createHarness()
    const { body } = await harness.app.inject('/metrics')
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '')
    assert.ok(names.length > 30, `${names.length} metrics`)
    assert.deepEqual(
      names.filter(name => /_(?:[kmgt]i?b|ms|us|ns|s|sec|secs|b)(?:_|$)/i.test(name)),
      []
    )
  })
})

describe('/v1/admissions', () => {
  const work = { name: 'encode', cpus: 2, memoryBytes: 2 ** 30, expectedMs: 60_000 }

  it('answers 201 with a location when the work may run', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject({ method: 'POST', url: '/v1/admissions', payload: work })
    assert.equal(answer.statusCode, 201)
    assert.equal(answer.headers.location, `/v1/admissions/${sampleAdmission().id}`)
    assert.deepEqual(answer.json<Admission>().peer, { id: '12D3KooWAtlas', name: 'atlas' })
    assert.deepEqual(argsOf(harness.service, 'admit')[0], work)
  })

  it('answers 202 when it waits, and a problem with Retry-After when it is refused', async () => {
    await using queued = createHarness({ admit: async () => sampleAdmission({ state: 'queued', peer: null, waitMs: 9_000, ahead: 2 }) })
    const answer = await queued.app.inject({ method: 'POST', url: '/v1/admissions', payload: work })
    assert.deepEqual([answer.statusCode, answer.json<Admission>().waitMs, answer.json<Admission>().peer], [202, 9_000, null])
    const refusal = new CaresError('no_capacity', 'too long', { retryable: true, details: { retryAfterMs: 9_000 } })
    await using refused = createHarness({ admit: async () => Promise.reject(refusal) })
    const problem = await refused.app.inject({ method: 'POST', url: '/v1/admissions', payload: work })
    assert.deepEqual([problem.statusCode, problem.headers['retry-after']], [503, '9'])
  })

  it('waits for the approval that is asked for', async () => {
    let looks = 0
    await using harness = createHarness({
      admission: async () => {
        // The next look is half a second away.
        if (++looks < 3) setImmediate(() => harness.clock.advance(500))
        return sampleAdmission(looks < 3 ? { state: 'queued', peer: null } : {})
      }
    })
    const { state } = (await harness.app.inject(`/v1/admissions/${sampleAdmission().id}?wait=30s`)).json<Admission>()
    assert.deepEqual([state, looks], ['approved', 3])
  })

  it('takes what the work took, and lists', async () => {
    await using harness = createHarness()
    const { id } = sampleAdmission()
    const outcome = { runMs: 4_000, cpuMs: 8_000, memoryPeakBytes: 1_000 }
    const answer = await harness.app.inject({ method: 'POST', url: `/v1/admissions/${id}/complete`, payload: outcome })
    assert.equal(answer.json<Admission>().state, 'completed')
    assert.deepEqual(argsOf(harness.service, 'completeAdmission').slice(0, 2), [id, outcome])
    assert.equal((await harness.app.inject('/v1/admissions')).json<AdmissionList>().items.length, 1)
  })

  it('takes the end of work of which nothing else is said', async () => {
    await using harness = createHarness()
    const { id } = sampleAdmission()
    const url = `/v1/admissions/${id}/complete`
    assert.equal((await harness.app.inject({ method: 'POST', url })).json<Admission>().state, 'completed')
    assert.deepEqual(argsOf(harness.service, 'completeAdmission').slice(0, 2), [id, {}])
    assert.equal((await harness.app.inject({ method: 'POST', url, payload: { runms: 1 } })).statusCode, 422)
  })

  it('refuses wrong names, amounts and words', async () => {
    await using harness = createHarness()
    for (const payload of [{}, { name: 'Encode' }, { ...work, cpus: -1 }, { ...work, ram: 1 }, { ...work, waitMaxMs: 1e12 }]) {
      const { statusCode } = await harness.app.inject({ method: 'POST', url: '/v1/admissions', payload })
      assert.equal(statusCode, 422, JSON.stringify(payload))
    }
    assert.equal((await harness.app.inject('/v1/admissions/w-none')).statusCode, 404)
  })
})

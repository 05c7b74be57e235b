import assert from 'node:assert/strict'
import type { FunctionList, FunctionItem, PutResultBody } from '../../../src/model/rest.ts'
import type { PutResult } from '../../../src/model/service.ts'
import { argsOf } from '../../support/fake-service.ts'
import { sampleFunction } from '../../support/samples.ts'
import { createHarness } from '../harness.ts'

const REQUEST = { name: 'ocr', image: 'acme/ocr:2', memoryBytes: 2 ** 28, env: { LOG: 'debug' } }

describe('/v1/functions', () => {
  it('lists records with the URL on the host that was asked', async () => {
    await using harness = createHarness()
    const { items } = (await harness.app.inject({ url: '/v1/functions', headers: { host: 'atlas:7071' } })).json<FunctionList>()
    assert.deepEqual(items, [{ ...sampleFunction(), url: 'http://atlas:7071/fn/thumb' }])
  })

  for (const host of ['evil"><script>', 'a b', 'user@host', 'x/y']) {
    it(`does not build a URL on the host ${host}`, async () => {
      await using harness = createHarness({}, { port: 7_070 })
      const { url } = (await harness.app.inject({ url: '/v1/functions/thumb', headers: { host } })).json<FunctionItem>()
      assert.equal(url, 'http://127.0.0.1:7070/fn/thumb')
    })
  }

  it('says which machines the image is for', async () => {
    await using harness = createHarness({ function: () => sampleFunction({ arch: 'arm64' }) })
    assert.equal((await harness.app.inject('/v1/functions/thumb')).json<FunctionItem>().arch, 'arm64')
  })

  it('reads one, with its revision as entity tag', async () => {
    await using harness = createHarness({ function: () => sampleFunction({ revision: 3 }) })
    const answer = await harness.app.inject('/v1/functions/thumb')
    assert.equal(answer.headers.etag, '"3"')
    assert.equal(answer.json<FunctionItem>().revision, 3)
    assert.equal((await createHarness().app.inject('/v1/functions/ocr')).statusCode, 404)
  })

  for (const [method, url, payload] of [
    ['POST', '/v1/functions', REQUEST],
    ['PUT', '/v1/functions/ocr', REQUEST],
    ['PUT', '/v1/functions/ocr', { ...REQUEST, name: undefined }]
  ] as const) {
    it(`creates by ${method} ${url}${payload.name === undefined ? ', named by the path' : ''}`, async () => {
      await using harness = createHarness()
      const answer = await harness.app.inject({ method, url: `${url}?pull=always`, payload })
      assert.equal(answer.statusCode, 201, answer.body)
      assert.equal(answer.headers.location, '/v1/functions/ocr')
      assert.equal(answer.headers.etag, '"1"')
      const body = answer.json<PutResultBody>()
      assert.deepEqual([body.result, body.dryRun, body.because, body.function.name], ['created', false, 'no port is exposed', 'ocr'])
      const [request, options] = argsOf(harness.service, 'putFunction') as [
        unknown,
        { pull: string; dryRun: boolean; ifRevision?: number; signal: AbortSignal }
      ]
      assert.deepEqual(request, REQUEST)
      assert.deepEqual([options.pull, options.dryRun, options.ifRevision], ['always', false, undefined])
      assert.ok(options.signal instanceof AbortSignal)
    })
  }

  for (const result of ['updated', 'unchanged'] as const) {
    it(`answers 200 when it is ${result}`, async () => {
      await using harness = createHarness({
        putFunction: async (): Promise<PutResult> => ({ result, function: sampleFunction(), because: '' })
      })
      assert.equal((await harness.app.inject({ method: 'POST', url: '/v1/functions', payload: REQUEST })).statusCode, 200)
    })
  }

  it('says what a dry run would do, without a place where it would be', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject({ method: 'POST', url: '/v1/functions?dryRun', payload: REQUEST })
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers.location, undefined)
    assert.equal(answer.json<PutResultBody>().dryRun, true)
    assert.equal((argsOf(harness.service, 'putFunction')[1] as { dryRun: boolean }).dryRun, true)
  })

  for (const [claim, url, headers, expected] of [
    ['?ifRevision=2', '/v1/functions/thumb?ifRevision=2', {}, 2],
    ['If-Match: "2"', '/v1/functions/thumb', { 'if-match': '"2"' }, 2],
    ['If-Match: 2', '/v1/functions/thumb', { 'if-match': '2' }, 2],
    ['both, when they agree', '/v1/functions/thumb?ifRevision=2', { 'if-match': '"2"' }, 2],
    ['If-Match: *, as the revision there is', '/v1/functions/thumb', { 'if-match': '*' }, 1],
    ['If-None-Match: *, as none', '/v1/functions/thumb', { 'if-none-match': '*' }, 0]
  ] as const) {
    it(`expects a revision by ${claim}`, async () => {
      await using harness = createHarness()
      for (const method of ['PUT', 'DELETE'] as const) {
        await harness.app.inject({ method, url, headers, ...(method === 'PUT' ? { payload: { image: 'x' } } : {}) })
      }
      const options = harness.service.asked
        .filter(({ method }) => method.endsWith('Function'))
        .map(({ args }) => (args[1] as { ifRevision: number }).ifRevision)
      assert.deepEqual(options, [expected, expected])
    })
  }

  it('removes', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject({ method: 'DELETE', url: '/v1/functions/thumb' })
    assert.deepEqual(answer.json(), { name: 'thumb', revision: 1 })
  })
})

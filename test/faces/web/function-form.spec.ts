import assert from 'node:assert/strict'
import { parseFunctionRequest } from '../../../src/model/function-request.ts'
import { EMPTY_FIELDS, fieldsOf, requestOf } from '../../../src/faces/web/function-form.ts'
import { THUMB, UPPER } from '../samples.ts'

describe('the upload form', () => {
  it('asks for nothing that was left empty', () => {
    const request = requestOf({ ...EMPTY_FIELDS, name: ' thumb ', image: 'acme/thumb' })
    assert.deepEqual(request, { name: 'thumb', image: 'acme/thumb', contract: 'auto', network: 'none', idempotent: false, env: {} })
    assert.doesNotThrow(() => parseFunctionRequest(request))
  })

  it('reads sizes, durations and variables as people write them', () => {
    const fields = { ...EMPTY_FIELDS, name: 'a', image: 'b', memory: '64Mi', timeout: '1.5s', cpus: '0.25', env: 'A=1=2\n\nB= x' }
    const { memoryBytes, timeoutMs, cpus, env } = requestOf(fields)
    assert.deepEqual([memoryBytes, timeoutMs, cpus, env], [67_108_864, 1_500, 0.25, { A: '1=2', B: ' x' }])
  })

  for (const [field, text] of [
    ['memory', 'much'],
    ['timeout', '5'],
    ['cpus', 'two'],
    ['env', 'NOVALUE']
  ] as const) {
    it(`refuses ${field} "${text}"`, () => assert.throws(() => requestOf({ ...EMPTY_FIELDS, [field]: text }), { code: 'invalid' }))
  }

  it('loses nothing of a function that is changed', () => {
    for (const sample of [THUMB, UPPER]) {
      const fn = { ...sample, memoryBytes: sample.memoryBytes + 1, timeoutMs: 61_500 }
      const request = requestOf(fieldsOf(fn))
      assert.deepEqual(
        [request.name, request.image, request.memoryBytes, request.timeoutMs, request.cpus, request.env],
        [fn.name, fn.image, fn.memoryBytes, fn.timeoutMs, fn.cpus, fn.env]
      )
    }
  })

  it('keeps how its workers are chosen, its GPUs and its ready path, though nobody has touched them', () => {
    const placement = { strategy: 'cost', objective: 'cheap', maxCostUsd: 0.0001, require: ['zone=eu', 'gpu!=old'] } as const
    const { placement: kept, gpus, readyPath } = requestOf(fieldsOf({ ...THUMB, placement, gpus: 2, readyPath: '/healthz' }))
    assert.deepEqual({ kept, gpus, readyPath }, { kept: placement, gpus: 2, readyPath: '/healthz' })
  })

  it('asks for workers by labels with commas between, whatever the blanks', () => {
    const policy = { ...EMPTY_FIELDS.policy, require: ' zone=eu ,gpu,, ' }
    const request = requestOf({ ...EMPTY_FIELDS, name: 'a', image: 'b', policy })
    assert.deepEqual(request.placement, { require: ['zone=eu', 'gpu'] })
    assert.doesNotThrow(() => parseFunctionRequest(request))
  })
})

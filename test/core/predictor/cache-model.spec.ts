import assert from 'node:assert/strict'
import { CacheModel } from '../../../src/core/predictor/cache-model.ts'
import { Predictor } from '../../../src/core/predictor/predictor.ts'
import type { Digest, PeerId } from '../../../src/model/ids.ts'
import type { Observation } from '../../../src/model/observation.ts'

const MIB = 2 ** 20

/** A run time that falls from 200 to 100 ms once everything fits into so much. */
function benchmark(model: CacheModel, inputBytes: number, fitsAtMib: number, factor = 1): void {
  for (const mib of [1, 2, 4, 8, 16]) {
    for (let run = 0; run < 5; run++) model.learnConfined(inputBytes, mib * MIB, factor * (mib >= fitsAtMib ? 100 : 200) + run)
  }
}

describe('what a function wants of the cache', () => {
  it('is not known before anything is', () => assert.equal(new CacheModel().need(1_000, undefined), undefined))

  it('is assumed by its memory, up to some, and called so', () => {
    const model = new CacheModel()
    assert.deepEqual(model.need(0, MIB), { bytes: MIB, slowdown: 0.05, basis: 'assumed' })
    assert.equal(model.need(0, 1_000 * MIB)?.bytes, 8 * MIB)
  })

  it('is what the processor counted, rather than an assumption', () => {
    const model = new CacheModel()
    model.learnUsed(1_000, 3 * MIB)
    assert.deepEqual(model.need(1_000, 100 * MIB), { bytes: 3 * MIB, slowdown: 0.1, basis: 'occupancy' })
  })

  it('is what runs with few and many ways have shown, rather than what was counted', () => {
    const model = new CacheModel()
    model.learnUsed(1_000, 15 * MIB)
    benchmark(model, 1_000, 4)
    const need = model.need(1_000, 100 * MIB)
    assert.equal(need?.basis, 'ways')
    assert.ok(need.bytes > 2 * MIB && need.bytes <= 4 * MIB, `${need.bytes / MIB} MiB`)
    assert.ok(Math.abs(need.slowdown - 1) < 0.05, String(need.slowdown))
  })

  it('differs by the size of the input, the nearest that was tried', () => {
    const model = new CacheModel()
    benchmark(model, 1_000, 2)
    benchmark(model, 1_000_000, 16, 5)
    const at = (inputBytes: number): number => (model.need(inputBytes, undefined)?.bytes ?? 0) / MIB
    assert.ok(at(1_000) <= 2 && at(2_000) <= 2, `${at(2_000)} MiB`)
    assert.ok(at(1_000_000) > 8 && at(700_000) > 8, `${at(700_000)} MiB`)
  })

  it('forgets the oldest sizes, not all', () => {
    const model = new CacheModel()
    for (let power = 0; power < 20; power++) benchmark(model, 2 ** power, power < 6 ? 2 : 16)
    assert.ok((model.need(1, undefined)?.bytes ?? 0) > 8 * MIB, 'the nearest that is left')
  })

  it('is not taken over by another image where it was tried, only where it was counted', () => {
    const model = new CacheModel()
    model.learnUsed(1_000, 3 * MIB)
    benchmark(model, 1_000, 4)
    assert.equal(model.heir().need(1_000, undefined)?.basis, 'occupancy')
  })
})

describe('a predictor that is told of runs with few ways', () => {
  function observation(fields: Partial<Observation> = {}): Observation {
    const [digest, peer] = ['sha256:a' as Digest, 'p' as PeerId]
    const took = { pullMs: 0, startMs: 1, runMs: 100, memoryPeakBytes: 2 * MIB }
    return { function: 'f@1', digest, peer, start: 'warm', inputBytes: 1_000, outputBytes: 0, clean: true, ...took, ...fields }
  }
  const question = { function: 'f@1', digest: 'sha256:a' as Digest, contract: 'http', inputBytes: 1_000 } as const

  it('does not take their time for that of ordinary runs', () => {
    const predictor = new Predictor()
    for (let run = 0; run < 5; run++) predictor.observe(observation())
    const before = predictor.estimate(question)
    for (const mib of [1, 2, 4, 8]) predictor.observe(observation({ llcBytes: mib * MIB, runMs: 5_000 / mib }))
    const after = predictor.estimate(question)
    assert.equal(before.cache?.basis, 'assumed')
    assert.equal(after.cache?.basis, 'ways')
    assert.deepEqual({ ...after, cache: before.cache }, before)
    assert.equal(predictor.slowness('p' as PeerId), 1, 'nor for those of a slow machine')
  })

  it('says what its last execution lets expect, for whoever runs it', () => {
    const predictor = new Predictor()
    assert.equal(predictor.cacheNeed('f@1'), undefined)
    predictor.observe(observation({ llcUsedBytes: MIB }))
    assert.deepEqual(predictor.cacheNeed('f@2'), { bytes: MIB, slowdown: 0.1, basis: 'occupancy' })
  })

  it('ignores amounts that cannot be', () => {
    const predictor = new Predictor()
    for (const llcBytes of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) predictor.observe(observation({ llcBytes }))
    predictor.observe(observation({ llcUsedBytes: -1 }))
    assert.equal(predictor.cacheNeed('f@1'), undefined)
  })
})

import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { nearest } from '../../../src/core/predictor/experts/nearest.ts'
import { median } from '../../../src/core/predictor/median.ts'
import { FUNCTIONS_MAX, Predictor } from '../../../src/core/predictor/predictor.ts'
import { RecentMap } from '../../../src/core/predictor/recent-map.ts'
import type { Digest, PeerId } from '../../../src/model/ids.ts'
import type { Observation } from '../../../src/model/observation.ts'
import { createRandom } from '../../../src/model/random.ts'

const STDIO = { function: 'thumb@9', digest: 'sha256:a' as Digest, contract: 'stdio', inputBytes: 0 } as const
const PRIOR = { runMs: 1_000, coldStartMs: 200, warmStartMs: 3, outputBytes: 0, samples: 0 }

function seen(fields: Partial<Observation> = {}): Observation {
  return {
    function: 'thumb@1',
    digest: 'sha256:a' as Digest,
    peer: 'a' as PeerId,
    start: 'warm',
    inputBytes: 0,
    outputBytes: 10,
    pullMs: 0,
    startMs: 5,
    runMs: 100,
    clean: true,
    ...fields
  }
}

function predictorOf(observations: readonly Partial<Observation>[]): Predictor {
  const predictor = new Predictor()
  for (const fields of observations) predictor.observe(seen(fields))
  return predictor
}

describe('Predictor', () => {
  it('knows no more than the contract at first', () => {
    assert.deepEqual(new Predictor().estimate(STDIO), PRIOR)
    assert.deepEqual(new Predictor().estimate({ ...STDIO, contract: 'http' }), { ...PRIOR, coldStartMs: 1_000 })
  })

  const rows: { claim: string; observations: Partial<Observation>[]; inputBytes?: number; estimate: Partial<typeof PRIOR> }[] = [
    { claim: 'believes the first execution', observations: [{}], estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, samples: 1 } },
    {
      claim: 'does not let one odd run count',
      observations: [{}, { runMs: 9_000 }, { runMs: 120 }],
      estimate: { runMs: 120, warmStartMs: 5, outputBytes: 10, samples: 3 }
    },
    {
      claim: 'takes a cold start for one',
      observations: [{ start: 'cold', startMs: 700 }],
      estimate: { runMs: 100, coldStartMs: 700, outputBytes: 10, samples: 1 }
    },
    {
      claim: 'takes a prewarmed start for a warm one',
      observations: [{ start: 'prewarmed', startMs: 9 }],
      estimate: { runMs: 100, warmStartMs: 9, outputBytes: 10, samples: 1 }
    },
    {
      claim: 'learns from a busy machine while it has nothing better',
      observations: [{ runMs: 400, clean: false }],
      estimate: { runMs: 400, warmStartMs: 5, outputBytes: 10, samples: 1 }
    },
    {
      claim: 'forgets busy machines once it has clean runs',
      observations: [{ runMs: 400, clean: false }, {}],
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, samples: 1 }
    },
    {
      claim: 'expects of an input what inputs of its size took',
      observations: [1_000, 1_100, 900, 1_000_000].map(inputBytes => ({ inputBytes, runMs: inputBytes / 10, outputBytes: inputBytes * 2 })),
      inputBytes: 1_050,
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 2_000, samples: 4 }
    },
    {
      claim: 'expects of an input of a new size what the nearest took',
      observations: [1_000, 1_000_000].map(inputBytes => ({ inputBytes, runMs: inputBytes / 10, outputBytes: 0 })),
      inputBytes: 100_000,
      estimate: { runMs: 100_000, warmStartMs: 5, samples: 2 }
    },
    {
      claim: 'follows a function that changes',
      observations: [...Array.from({ length: 40 }, () => ({ runMs: 100 })), ...Array.from({ length: 17 }, () => ({ runMs: 300 }))],
      estimate: { runMs: 300, warmStartMs: 5, outputBytes: 10, samples: 32 }
    },
    {
      claim: 'takes what it knows of an image for a first guess at the next',
      observations: [...Array.from({ length: 30 }, () => ({})), { function: 'thumb@2', digest: 'sha256:b' as Digest, runMs: 120 }],
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, samples: 2 }
    },
    {
      claim: 'keeps what it knows when only the settings change',
      observations: [...Array.from({ length: 30 }, () => ({})), { function: 'thumb@2' }],
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, samples: 31 }
    },
    {
      claim: 'learns nothing from revisions that are replaced',
      observations: [{ function: 'thumb@3' }, { function: 'thumb@2', runMs: 900 }],
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, samples: 1 }
    },
    {
      claim: 'ignores what cannot be true',
      observations: [{ runMs: -1 }, { runMs: Number.NaN }, { startMs: 1e12 }, { outputBytes: -5 }, { function: 'thumb' }],
      estimate: {}
    }
  ]
  for (const { claim, observations, inputBytes = 0, estimate } of rows) {
    it(claim, () => assert.deepEqual(predictorOf(observations).estimate({ ...STDIO, inputBytes }), { ...PRIOR, ...estimate }))
  }

  it('tells slow machines from fast ones, and estimates for neither', () => {
    const predictor = new Predictor()
    const random = createRandom(7)
    const speeds: Record<string, number> = { a: 1, b: 2, c: 0.5 }
    for (let i = 0; i < 600; i++) {
      const peer = ['a', 'b', 'c'][Math.floor(random() * 3)] as PeerId
      const fn = Math.floor(random() * 3)
      const runMs = 100 * (fn + 1) * (speeds[peer] ?? 1) * (0.95 + random() / 10)
      predictor.observe(seen({ function: `f${fn}@1`, peer, runMs }))
    }
    const [a, b, c] = ['a', 'b', 'c'].map(peer => predictor.slowness(peer as PeerId))
    assert.ok(a !== undefined && b !== undefined && c !== undefined)
    assert.ok(Math.abs(b / a - 2) < 0.15 && Math.abs(c / a - 0.5) < 0.05, `${a}, ${b}, ${c}`)
    // What counts is what a placement makes of both.
    for (const fn of [0, 1, 2]) {
      const onB = predictor.estimate({ ...STDIO, function: `f${fn}@1` }).runMs * b
      assert.ok(Math.abs(onB / (200 * (fn + 1)) - 1) < 0.1, `f${fn} on b: ${onB} ms`)
    }
    assert.equal(predictor.slowness('unknown' as PeerId), 1)
  })

  it('does not let a lying worker seem slower than by a bound', () => {
    const predictor = predictorOf([{}, {}, {}, ...Array.from({ length: 50 }, () => ({ peer: 'b' as PeerId, runMs: 1e7 }))])
    const slowness = predictor.slowness('b' as PeerId)
    assert.ok(slowness > 7 && slowness <= 8, String(slowness))
  })

  it('stays within what it has seen', () => {
    const observation = fc.record({
      inputBytes: fc.integer({ min: 0, max: 2 ** 40 }),
      runMs: fc.integer({ min: 0, max: 3_600_000 }),
      clean: fc.boolean()
    })
    fc.assert(
      fc.property(
        fc.array(observation, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        (observations, inputBytes) => {
          const { runMs } = predictorOf(observations).estimate({ ...STDIO, inputBytes })
          const clean = observations.filter(({ clean }) => clean)
          const times = (clean.length > 0 ? clean : observations).map(({ runMs }) => runMs)
          assert.ok(runMs >= Math.min(...times) && runMs <= Math.max(...times), `${runMs} of ${times.join()}`)
        }
      )
    )
  })
})

describe('nearest', () => {
  it('says nothing of nothing', () => assert.equal(nearest([], 5), undefined))
})

describe('median', () => {
  it('is the middle', () => {
    assert.deepEqual([[], [3], [1, 9], [9, 1, 2]].map(median), [undefined, 3, 5, 2])
  })
})

describe('RecentMap', () => {
  it('forgets what was set longest ago', () => {
    const map = new RecentMap<string, number>(2)
    for (const key of ['a', 'b', 'a', 'c']) map.set(key, 1)
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.size], [1, undefined, 1, 2])
  })

  it('bounds the functions of a predictor', () => {
    const predictor = new Predictor()
    for (let i = 0; i <= FUNCTIONS_MAX; i++) predictor.observe(seen({ function: `f${i}@1` }))
    assert.equal(predictor.estimate({ ...STDIO, function: 'f0@1' }).samples, 0)
    assert.equal(predictor.estimate({ ...STDIO, function: 'f1@1' }).samples, 1)
  })
})

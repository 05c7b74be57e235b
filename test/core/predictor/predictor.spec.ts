import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { FUNCTIONS_MAX, Predictor } from '../../../src/core/predictor/predictor.ts'
import { RecentMap } from '../../../src/core/predictor/recent-map.ts'
import { runMsOn } from '../../../src/model/computing.ts'
import type { Digest, PeerId } from '../../../src/model/ids.ts'
import type { Observation } from '../../../src/model/observation.ts'
import type { Estimate } from '../../../src/model/placement.ts'
import { createRandom } from '../../../src/model/random.ts'

const STDIO = { function: 'thumb@9', digest: 'sha256:a' as Digest, contract: 'stdio', inputBytes: 0 } as const
const NEXT_IMAGE = 'sha256:b' as Digest
const PRIOR = { runMs: 1_000, coldStartMs: 200, warmStartMs: 3, outputBytes: 0, samples: 0, basis: 'prior' } as const

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

function repeat(times: number, fields: Partial<Observation> = {}): Partial<Observation>[] {
  return Array.from({ length: times }, () => fields)
}

/** Compares what is expected only; numbers to half a per cent. */
function assertEstimate(actual: Estimate, expected: Partial<Estimate>): void {
  for (const [name, value] of Object.entries(expected)) {
    const got = actual[name as keyof Estimate]
    const same = typeof value === 'number' && typeof got === 'number' ? Math.abs(got - value) <= 0.005 * Math.abs(value) : got === value
    assert.ok(same, `${name} is ${JSON.stringify(got)}, not ${JSON.stringify(value)}`)
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

  const rows: {
    claim: string
    observations: Partial<Observation>[]
    inputBytes?: number
    digest?: Digest
    estimate: Partial<Estimate>
  }[] = [
    {
      claim: 'believes the first execution',
      observations: [{ cpuMs: 80, memoryPeakBytes: 1e6 }],
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, cpuMs: 80, memoryPeakBytes: 1e6, samples: 1, basis: 'line' }
    },
    { claim: 'does not let one odd run count', observations: [{}, { runMs: 9_000 }, ...repeat(8)], estimate: { runMs: 100, samples: 10 } },
    {
      claim: 'takes a cold start for one',
      observations: [{ start: 'cold', startMs: 700 }],
      estimate: { runMs: 100, coldStartMs: 700, warmStartMs: 3 }
    },
    {
      claim: 'learns what it takes to bring the image, from those who had to',
      observations: [{ start: 'cold', pullMs: 8_000 }, {}, { start: 'cold', pullMs: 6_000 }, { start: 'cold', pullMs: 6_100 }],
      estimate: { pullMs: 6_100 }
    },
    {
      claim: 'knows nothing of the way of another image',
      observations: [{ start: 'cold', pullMs: 8_000 }],
      digest: NEXT_IMAGE,
      estimate: { pullMs: undefined }
    },
    {
      claim: 'takes a prewarmed start for a warm one',
      observations: [{ start: 'prewarmed', startMs: 9 }],
      estimate: { runMs: 100, coldStartMs: 200, warmStartMs: 9 }
    },
    {
      claim: 'learns from a busy machine while it has nothing better',
      observations: [{ runMs: 400, clean: false }],
      estimate: { runMs: 400, samples: 1 }
    },
    {
      claim: 'forgets busy machines once it has clean runs',
      observations: [{ runMs: 400, clean: false }, {}],
      estimate: { runMs: 100, samples: 1 }
    },
    {
      claim: 'expects of an input of a new size what the function does with each byte',
      observations: [1_000, 10_000, 50_000].map(inputBytes => ({ inputBytes, runMs: 20 + inputBytes / 100, outputBytes: 7 })),
      inputBytes: 200_000,
      estimate: { runMs: 2_020, outputBytes: 7, samples: 3 }
    },
    {
      claim: 'does not believe in more than ten times what it has seen',
      observations: [1_000, 10_000, 50_000].map(inputBytes => ({ inputBytes, runMs: 20 + inputBytes / 100 })),
      inputBytes: 1e9,
      estimate: { runMs: 5_200 }
    },
    {
      claim: 'expects memory to stay what it was',
      observations: [{ inputBytes: 1_000, memoryPeakBytes: 5e7 }],
      inputBytes: 1e6,
      estimate: { memoryPeakBytes: 5e7, memoryPeakBytesUpper: 7.5e7 }
    },
    {
      claim: 'expects a larger input to take longer, but not in proportion, when it has seen one only',
      observations: [{ inputBytes: 1_000 - 1 }],
      inputBytes: 10_000 - 1,
      estimate: { runMs: 100 * 10 ** 0.7 }
    },
    { claim: 'follows a function that changes', observations: [...repeat(60), ...repeat(12, { runMs: 300 })], estimate: { runMs: 300 } },
    {
      claim: 'takes what it knows of an image for a first guess at the next',
      observations: repeat(30),
      digest: NEXT_IMAGE,
      estimate: { runMs: 100, warmStartMs: 5, outputBytes: 10, samples: 2, basis: 'image' }
    },
    {
      claim: 'goes on from there when the next image runs',
      observations: [...repeat(30), { function: 'thumb@2', digest: NEXT_IMAGE, runMs: 100 }],
      digest: NEXT_IMAGE,
      estimate: { runMs: 100, samples: 2 }
    },
    {
      claim: 'forgets the old image when the new one has run a few times',
      observations: [...repeat(30), ...repeat(6, { function: 'thumb@2', digest: NEXT_IMAGE, runMs: 10, inputBytes: 50 })],
      digest: NEXT_IMAGE,
      estimate: { runMs: 10, samples: 6 }
    },
    {
      claim: 'keeps what it knows when only the settings change',
      observations: [...repeat(30), { function: 'thumb@2' }],
      estimate: { runMs: 100, samples: 31 }
    },
    {
      claim: 'learns nothing from revisions that are replaced',
      observations: [{ function: 'thumb@3' }, { function: 'thumb@2', runMs: 900 }],
      estimate: { runMs: 100, samples: 1 }
    },
    {
      claim: 'expects of a function that has not run what another of its image took',
      observations: repeat(10, { function: 'other@1', runMs: 250 }),
      estimate: { runMs: 250, warmStartMs: 5, samples: 2, basis: 'image' }
    },
    {
      claim: 'starts a function from there too',
      observations: [...repeat(10, { function: 'other@1', runMs: 250 }), { runMs: 250 }],
      estimate: { runMs: 250, samples: 2 }
    },
    {
      claim: 'ignores what cannot be true',
      observations: [
        { runMs: -1 },
        { runMs: Number.NaN },
        { startMs: 1e12 },
        { outputBytes: -5 },
        { cpuMs: -1 },
        { memoryPeakBytes: Number.POSITIVE_INFINITY },
        { function: 'thumb' }
      ],
      estimate: PRIOR
    }
  ]
  for (const { claim, observations, inputBytes = 0, digest = STDIO.digest, estimate } of rows) {
    it(claim, () => assertEstimate(predictorOf(observations).estimate({ ...STDIO, digest, inputBytes }), estimate))
  }

  it('gives the same estimate whether or not it was asked before', () => {
    const sizes = [0, 10, 5_000, 70_000]
    const observation = fc.record({ inputBytes: fc.constantFrom(...sizes), runMs: fc.integer({ min: 0, max: 9_000 }), clean: fc.boolean() })
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 80 }), observations => {
        const asked = new Predictor()
        for (const fields of observations) {
          asked.observe(seen(fields))
          for (const inputBytes of sizes) asked.estimate({ ...STDIO, inputBytes })
        }
        const quiet = predictorOf(observations)
        for (const inputBytes of sizes) {
          assert.deepEqual(asked.estimate({ ...STDIO, inputBytes }), quiet.estimate({ ...STDIO, inputBytes }))
        }
      }),
      { numRuns: 30 }
    )
  })

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

  it('learns of work that waits what it takes on every machine, and nothing of the machines', () => {
    const predictor = new Predictor()
    const [a, b] = ['a', 'b'] as [PeerId, PeerId]
    predictor.seedSpeed(b, 0.5)
    for (let i = 0; i < 20; i++) {
      for (const peer of [a, b]) predictor.observe(seen({ peer, runMs: 2_000, cpuMs: 20 }))
    }
    assert.deepEqual([predictor.slowness(a), predictor.slowness(b)], [1, 2])
    const estimate = predictor.estimate(STDIO)
    for (const peer of [a, b]) {
      const ms = runMsOn(estimate, predictor.slowness(peer))
      assert.ok(Math.abs(ms - 2_000) < 40, `${ms} ms on ${peer}`)
    }
  })

  it('says how long starts take at most: all but about one in twenty', () => {
    const random = createRandom(3)
    const startMs = (): number => 200 * (random() < 0.1 ? 2 + random() : 0.9 + random() / 5)
    const predictor = new Predictor()
    let misses = 0
    for (let i = 0; i < 400; i++) {
      const { coldStartMsUpper = 0 } = predictor.estimate(STDIO)
      const ms = startMs()
      if (i >= 20 && ms > coldStartMsUpper) misses++
      predictor.observe(seen({ start: 'cold', startMs: ms }))
    }
    const { coldStartMs, warmStartMs, warmStartMsUpper } = predictor.estimate(STDIO)
    assert.ok(Math.abs(coldStartMs - 200) < 20, `${coldStartMs} ms`)
    assert.ok(misses > 0 && misses / 380 < 0.08, `${misses} of 380`)
    assert.equal(warmStartMsUpper, 2 * warmStartMs, 'a guess, while there was none')
  })

  it('tells calls with parameters from others, and takes a new class for one of the function at first', () => {
    const predictor = predictorOf([...repeat(8), ...repeat(8, { params: 'quality=high', runMs: 900 })])
    assertEstimate(predictor.estimate({ ...STDIO, params: 'quality=high' }), { runMs: 900 })
    assertEstimate(predictor.estimate({ ...STDIO, params: 'quality=low' }), predictor.estimate(STDIO))
    const whole = predictor.estimate(STDIO).runMs
    assert.ok(whole >= 100 && whole <= 900, `${whole}`)
  })

  it('starts a class from what the function has shown for other sizes', () => {
    const sizes = [1e6, 2e6, 4e6, 8e6, 3e6, 5e6].map(inputBytes => ({ inputBytes, runMs: inputBytes / 1e4 }))
    const predictor = predictorOf([...sizes, { inputBytes: 1e6, runMs: 200, params: 'twice' }])
    const { runMs } = predictor.estimate({ ...STDIO, inputBytes: 8e6, params: 'twice' })
    assert.ok(runMs > 400, `one run of the class does not make it forget the size: ${runMs}`)
  })

  it('ignores an execution whose parameters are no class', () => {
    assert.deepEqual(predictorOf([{ params: 'x'.repeat(257) }]).estimate(STDIO), PRIOR)
  })

  it('believes a calibration until executions say better', () => {
    const predictor = predictorOf(repeat(40))
    predictor.seedSpeed('b' as PeerId, 0.5)
    assert.equal(predictor.slowness('b' as PeerId), 2)
    assertEstimate(predictor.estimate(STDIO), { runMs: 100 })
    for (let i = 0; i < 5; i++) {
      predictor.observe(seen({ peer: 'b' as PeerId, runMs: 400 }))
      for (let j = 0; j < 5; j++) predictor.observe(seen())
    }
    assert.equal(predictor.slowness('b' as PeerId), 4)
    predictor.seedSpeed('b' as PeerId, 1)
    assert.equal(predictor.slowness('b' as PeerId), 4)
    predictor.seedSpeed('c' as PeerId, Number.NaN)
    assert.equal(predictor.slowness('c' as PeerId), 1)
  })

  it('does not let a lying worker seem slower than by a bound', () => {
    const predictor = predictorOf(Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? {} : { peer: 'b' as PeerId, runMs: 1e7 })))
    const [a, b] = ['a', 'b'].map(peer => predictor.slowness(peer as PeerId))
    assert.ok(a !== undefined && b !== undefined && a >= 1 / 8 && b <= 8 && b / a > 7, `${a}, ${b}`)
  })

  it('stays within ten times what it has seen, and below its bound', () => {
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
          const { runMs, runMsUpper = 0 } = predictorOf(observations).estimate({ ...STDIO, inputBytes })
          const clean = observations.filter(({ clean }) => clean)
          const times = (clean.length > 0 ? clean : observations).map(({ runMs }) => runMs)
          const [least, most] = [Math.max(0.01, Math.min(...times)), Math.max(0.01, ...times)]
          assert.ok(runMs >= least / 10.001 && runMs <= most * 10.001, `${runMs} of ${times.join()}`)
          assert.ok(runMs <= runMsUpper)
        }
      )
    )
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
    for (let i = 0; i <= FUNCTIONS_MAX; i++) predictor.observe(seen({ function: `f${i}@1`, digest: `sha256:${i}` as Digest }))
    assert.equal(predictor.estimate({ ...STDIO, digest: 'sha256:0' as Digest, function: 'f0@1' }).samples, 0)
    assert.equal(predictor.estimate({ ...STDIO, function: 'f1@1' }).samples, 1)
  })
})

import assert from 'node:assert/strict'
import { Metric, type MetricKind, SPACE, TIME } from '../../../src/core/predictor/metric.ts'
import { createRandom, type Random } from '../../../src/model/random.ts'
import { type Accuracy, evaluate, type Run, sameInputFloor } from '../../../scripts/evaluate/prequential.ts'

/** How a generated function's cost depends on its input of `bytes`. */
type Law = (bytes: number, random: Random, i: number) => number

/** Within 5 % of 1. */
const noise = (random: Random): number => 0.95 + random() / 10

/** So many runs with inputs from 1 kB to 1 MB, evenly spread over the orders of magnitude. */
function runsOf(
  law: Law,
  { count = 80, seed = 1, bytes }: { count?: number; seed?: number; bytes?: (random: Random) => number } = {}
): Run[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, i) => {
    const inputBytes = bytes?.(random) ?? Math.round(10 ** (3 + 3 * random()))
    return { function: `f${seed}`, inputBytes, value: law(inputBytes, random, i) }
  })
}

function learned(runs: readonly Run[], kind: MetricKind = TIME): Metric {
  const metric = new Metric(kind)
  for (const { inputBytes, value } of runs) metric.learn(inputBytes, value)
  return metric
}

function accuracy(runs: readonly Run[], samples: string, kind = TIME): Accuracy {
  const found = evaluate(runs, () => new Metric(kind)).find(bin => bin.samples === samples)
  assert.ok(found)
  return found
}

describe('the experts', () => {
  const sizes = (from: number, to: number) => (random: Random) => Math.round(10 ** (from + (to - from) * random()))
  const laws: { law: Law; of: string; best: string; bytes: (random: Random) => number; count?: number }[] = [
    {
      of: 'work on each byte, of which little has been seen',
      best: 'affine',
      count: 12,
      bytes: sizes(2, 8),
      law: (bytes, random) => (50 + bytes / 1_000) * (0.7 + 0.6 * random())
    },
    {
      of: 'steps that only an input of the same size foretells',
      best: 'nearest',
      bytes: random => 1_000 * (1 + Math.floor(random() * 20)),
      law: bytes => ((bytes / 1_000) * 7_919) % 1_009
    },
    { of: 'work that bends', best: 'local', bytes: sizes(3, 6), law: (bytes, random) => bytes ** 0.4 * (0.7 + 0.6 * random()) },
    {
      of: 'work that has nothing to do with the input',
      best: 'typical',
      bytes: sizes(3, 6),
      law: (_, random) => 100 * (0.3 + 1.7 * random())
    }
  ]
  for (const { of, best, law, bytes, count = 50 } of laws) {
    it(`let ${best} win for ${of}`, () => {
      const wins = new Map<string, number>()
      for (let seed = 0; seed < 40; seed++) {
        const { basis = '' } = learned(runsOf(law, { seed, bytes, count }))
        wins.set(basis, (wins.get(basis) ?? 0) + 1)
      }
      const others = [...wins].filter(([basis]) => basis !== best).map(([, count]) => count)
      assert.ok((wins.get(best) ?? 0) > Math.max(...others), [...wins].join('; '))
    })
  }

  it('are not asked before there are three samples', () => {
    const runs = runsOf(bytes => bytes, { count: 3 })
    assert.deepEqual(
      [0, 1, 2, 3].map(count => learned(runs.slice(0, count)).basis),
      [undefined, 'line', 'line', 'local']
    )
  })
})

describe('predictions of run time', () => {
  it('come near the noise floor, soon', () => {
    const law: Law = (bytes, random) => (20 + bytes / 500) * (0.8 + random() * 0.4)
    const runs = [1, 2, 3, 4, 5, 6].flatMap(seed => runsOf(law, { seed }))
    const floor = sameInputFloor(runs, 0.05)
    assert.ok(floor > 0.05 && floor < 0.15, `floor ${floor}`)
    const [few, many] = [accuracy(runs, '3-5').medianError, accuracy(runs, '21+').medianError]
    assert.ok(few <= 0.22 && many <= 1.25 * floor, `${few}, then ${many} of ${floor}`)
  })

  it('have a bound that about one in twenty misses', () => {
    for (const [name, law] of Object.entries({
      even: (bytes: number, random: Random) => bytes * noise(random),
      'heavy-tailed': (bytes: number, random: Random) => bytes * (0.05 + random()) ** -0.4
    })) {
      const { misses, allocated } = accuracy(runsOf(law, { count: 2_000 }), 'all')
      assert.ok(misses > 0.02 && misses < 0.08, `${name}: ${misses}`)
      assert.ok(allocated < 2.5, `${name}: ${allocated}`)
    }
  })

  it('follow a function that changes within a few executions', () => {
    const metric = learned(runsOf((bytes, random) => (100 + bytes / 1_000) * noise(random)))
    const after = runsOf((bytes, random) => 5 * (100 + bytes / 1_000) * noise(random), { seed: 2, count: 40 })
    const errors = after.map(({ inputBytes, value }) => {
      const error = Math.abs((metric.predict(inputBytes) ?? 0) - value) / value
      metric.learn(inputBytes, value)
      return error
    })
    assert.ok((errors[0] ?? 0) > 0.5)
    const late = errors.slice(20).filter(error => error > 0.2).length
    assert.ok(late <= 2, errors.map(error => error.toFixed(2)).join(' '))
    assert.ok(metric.count < 60, `${metric.count} samples, of which most are of before`)
  })

  it('say how far off they tend to be', () => {
    const ratio = learned(runsOf((_, random) => 100 * (0.6 + 0.8 * random()), { bytes: () => 0 })).errorRatio ?? 0
    assert.ok(ratio > 0.1 && ratio < 0.35, String(ratio))
    assert.equal(new Metric(TIME).errorRatio, undefined)
  })
})

describe('predictions of memory', () => {
  it('have bounds that hold without waste', () => {
    const law: Law = (bytes, random) => (50_000_000 + (bytes > 100_000 ? 40_000_000 : 0)) * (0.97 + 0.06 * random())
    const { misses, allocated } = accuracy(runsOf(law, { count: 400 }), 'all', SPACE)
    assert.ok(misses <= 0.08 && allocated <= 2, `${misses}, ${allocated}`)
  })
})

describe('an heir', () => {
  const parent = learned(runsOf(bytes => 10 + bytes / 100))

  it('predicts what its parent would, also for other sizes', () => {
    const heir = parent.heir()
    for (const bytes of [1_000, 30_000, 900_000]) {
      const ratio = (heir.predict(bytes) ?? 0) / (parent.predict(bytes) ?? 1)
      assert.ok(ratio > 0.8 && ratio < 1.25, `${bytes}: ${ratio}`)
    }
    assert.deepEqual([heir.count, heir.ownCount, heir.basis], [3, 0, 'image'])
  })

  it('believes its own samples when it has six', () => {
    const heir = parent.heir()
    for (let i = 0; i < 6; i++) heir.learn(1_000, 500)
    assert.deepEqual([heir.count, heir.ownCount, Math.round(heir.predict(900_000) ?? 0)], [6, 6, 500])
  })

  it('of nothing knows nothing', () => assert.equal(new Metric(TIME).heir().predict(5), undefined))
})

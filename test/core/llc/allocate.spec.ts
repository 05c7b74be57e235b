import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { allocate, type CacheShape, expectedTime, isWorthChanging, NOT_DIVIDED, type Resident } from '../../../src/core/llc/allocate.ts'
import { CACHE_BASES } from '../../../src/model/llc.ts'

const MIB = 2 ** 20
const SHAPE: CacheShape = { ways: 16, waysMin: 1, wayBytes: 2 * MIB, classesMax: 4 }

function resident(key: string, needMib: number, slowdown: number, count = 1): Resident {
  return { key, count, need: { bytes: needMib * MIB, slowdown, basis: 'ways' } }
}

const STREAM = resident('stream@1', 1, 0.01)
const TABLE = resident('table@1', 6, 0.3)
const MATRIX = resident('matrix@1', 20, 0.8)
const UNKNOWN: Resident = { key: 'new@1', count: 1 }

function shares(residents: readonly Resident[], shape: Partial<CacheShape> = {}): Record<string, string> {
  const { classes, classOf } = allocate(residents, { ...SHAPE, ...shape })
  const text = new Map(classes.map(({ name, firstWay, ways }) => [name, `${name} ${firstWay}-${firstWay + ways - 1}`]))
  return Object.fromEntries([...classOf].map(([key, name]) => [key, text.get(name) ?? '']))
}

describe('an allocation of the cache', () => {
  const cases: readonly (readonly [
    claim: string,
    residents: readonly Resident[],
    shape: Partial<CacheShape>,
    shares: Record<string, string>
  ])[] = [
    ['confines nobody of whom nothing is known', [UNKNOWN, { ...UNKNOWN, key: 'other@1' }], {}, {}],
    ['confines nobody on an assumption', [{ ...MATRIX, need: { bytes: 20 * MIB, slowdown: 0.8, basis: 'assumed' } }, UNKNOWN], {}, {}],
    ['leaves all of it to the only one there', [MATRIX], {}, {}],
    ['keeps who gains nothing out of the way of others', [STREAM, UNKNOWN], {}, { 'stream@1': 'small 14-15' }],
    ['has no reason to confine those who gain nothing when nobody gains', [STREAM, { ...STREAM, key: 'log@1' }], {}, {}],
    [
      'gives who gains what it needs, and the rest to the others',
      [MATRIX, UNKNOWN],
      {},
      { 'matrix@1': 'large 0-9', 'new@1': 'rest 10-15' }
    ],
    ['tells those who need a lot from those who need some', [MATRIX, TABLE], {}, { 'matrix@1': 'large 0-9', 'table@1': 'medium 10-12' }],
    [
      'puts each kind in its class',
      [MATRIX, TABLE, STREAM, UNKNOWN],
      {},
      { 'matrix@1': 'large 0-8', 'table@1': 'medium 9-11', 'new@1': 'rest 12-15', 'stream@1': 'small 14-15' }
    ],
    [
      'puts who gains in one class where there are too few',
      [MATRIX, TABLE, STREAM, UNKNOWN],
      { classesMax: 3 },
      { 'matrix@1': 'large 0-11', 'table@1': 'large 0-11', 'new@1': 'rest 12-15', 'stream@1': 'small 14-15' }
    ],
    ['isolates polluters first where there is a single class', [MATRIX, STREAM, UNKNOWN], { classesMax: 1 }, { 'stream@1': 'small 14-15' }],
    ['divides nothing without classes', [MATRIX, STREAM, UNKNOWN], { classesMax: 0 }, {}],
    ['gives no class fewer ways than the processor takes', [STREAM, UNKNOWN], { waysMin: 4 }, { 'stream@1': 'small 12-15' }]
  ]
  for (const [claim, residents, shape, expected] of cases) it(claim, () => assert.deepEqual(shares(residents, shape), expected))

  it('gives a way to whom it helps most', () => {
    const slight = resident('slight@1', 20, 0.1)
    const { classes } = allocate([slight, resident('heavy@1', 6, 2), UNKNOWN], SHAPE)
    const ways = Object.fromEntries(classes.map(({ name, ways }) => [name, ways]))
    assert.equal(ways['medium'], 3, 'the one that gains most has all it needs')
    assert.equal(ways['large'], 9, 'the other gets what is left')
  })

  it('looks ahead: four containers gain nothing by one way more, and a lot by eight', () => {
    const { classes } = allocate([MATRIX, resident('table@1', 6, 1.5, 4), UNKNOWN], SHAPE)
    assert.equal(classes.find(({ name }) => name === 'medium')?.ways, 10)
  })

  const needs = fc.option(
    fc.record({
      bytes: fc.integer({ min: 0, max: 64 * MIB }),
      slowdown: fc.double({ min: 0, max: 3, noNaN: true }),
      basis: fc.constantFrom(...CACHE_BASES)
    }),
    { nil: undefined }
  )
  const residents = fc.uniqueArray(fc.record({ key: fc.string(), count: fc.integer({ min: 1, max: 9 }), need: needs }), {
    selector: ({ key }) => key,
    maxLength: 12
  })
  const shapes = fc.record({
    ways: fc.integer({ min: 2, max: 32 }),
    waysMin: fc.integer({ min: 1, max: 4 }),
    wayBytes: fc.integer({ min: 64 * 1_024, max: 4 * MIB }),
    classesMax: fc.integer({ min: 0, max: 15 })
  })

  it('is one that a processor takes, and keeps protected ways to those they are for', () => {
    fc.assert(
      fc.property(residents, shapes, (residents, shape) => {
        fc.pre(shape.waysMin <= shape.ways)
        const { classes, classOf } = allocate(residents, shape)
        assert.ok(classes.length <= shape.classesMax, `${classes.length} classes`)
        assert.equal(new Set(classes.map(({ name }) => name)).size, classes.length)
        for (const { name, firstWay, ways } of classes) {
          assert.ok(ways >= shape.waysMin && firstWay >= 0 && firstWay + ways <= shape.ways, `${name} ${firstWay}+${ways}`)
        }
        for (const a of classes.filter(({ name }) => name === 'large' || name === 'medium')) {
          for (const b of classes.filter(each => each !== a)) {
            assert.ok(a.firstWay + a.ways <= b.firstWay || b.firstWay + b.ways <= a.firstWay, `${a.name} shares with ${b.name}`)
          }
        }
        for (const [key, name] of classOf) {
          assert.ok(
            classes.some(each => each.name === name),
            `${key} is in ${name}, which is not there`
          )
          const basis = residents.find(each => each.key === key)?.need?.basis
          assert.equal(name === 'rest', basis !== 'ways', `${key} by ${basis} is in ${name}`)
        }
      })
    )
  })

  it('does not change for next to nothing, nor for the same residents', () => {
    const residents = [MATRIX, TABLE, UNKNOWN]
    const now = allocate(residents, SHAPE)
    assert.equal(isWorthChanging(residents, now, allocate(residents, SHAPE), SHAPE), false)
    const slightlyMore = [{ ...MATRIX, need: { bytes: 20.5 * MIB, slowdown: 0.81, basis: 'ways' as const } }, TABLE, UNKNOWN]
    assert.equal(isWorthChanging(slightlyMore, now, allocate(slightlyMore, SHAPE), SHAPE), false)
  })

  it('changes for a newcomer, for one who goes and leaves nothing to divide, and for much', () => {
    const residents = [MATRIX, TABLE, UNKNOWN]
    const now = allocate(residents, SHAPE)
    const more = [...residents, STREAM]
    assert.equal(isWorthChanging(more, now, allocate(more, SHAPE), SHAPE), true)
    assert.equal(isWorthChanging([UNKNOWN], now, NOT_DIVIDED, SHAPE), true)
    const many = [MATRIX, resident('table@1', 6, 1.5, 4), UNKNOWN]
    const next = allocate(many, SHAPE)
    assert.ok(expectedTime(many, next, SHAPE) < expectedTime(many, now, SHAPE))
    assert.equal(isWorthChanging(many, now, next, SHAPE), true)
  })
})

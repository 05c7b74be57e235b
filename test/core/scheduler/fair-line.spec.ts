import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { FairLine, type Place } from '../../../src/core/scheduler/fair-line.ts'

/** Serves the line to its end, and says whose turn it was each time. */
function serveAll(line: FairLine): Place[] {
  const served: Place[] = []
  for (let [next] = line.heads(); next !== undefined; [next] = line.heads()) {
    line.serve(next)
    served.push(next)
  }
  return served
}

const keysOf = (places: readonly Place[]): string => places.map(({ key }) => key).join('')

describe('FairLine', () => {
  it('serves those of one function in the order in which they came', () => {
    const line = new FairLine()
    const places = [3, 1, 2].map(serviceMs => line.join('a', serviceMs))
    assert.deepEqual(serveAll(line), places)
    assert.equal(line.length, 0)
  })

  it('lets functions take turns, however many wait of one', () => {
    const line = new FairLine()
    for (let i = 0; i < 6; i++) line.join('a', 10)
    for (let i = 0; i < 2; i++) line.join('b', 10)
    assert.equal(keysOf(serveAll(line)), 'ababaaaa')
  })

  it('counts turns by what they use: short calls get more of them', () => {
    const line = new FairLine()
    for (let i = 0; i < 4; i++) line.join('l', 40)
    for (let i = 0; i < 8; i++) line.join('s', 10)
    assert.equal(keysOf(serveAll(line)), 'lsssslssssll')
  })

  it('gives one that came back no credit for its absence, and none a head start by coming back', () => {
    const line = new FairLine()
    for (let i = 0; i < 4; i++) line.join('a', 10)
    for (let i = 0; i < 2; i++) line.serve(line.heads()[0] as Place)
    line.join('b', 10)
    assert.equal(keysOf(line.heads()), 'ba')
    line.serve(line.heads()[0] as Place)
    line.join('b', 10)
    assert.equal(keysOf(serveAll(line)), 'aba')
  })

  it('puts one whose room was none back to where it was', () => {
    const line = new FairLine()
    const [first, second] = [line.join('a', 10), line.join('a', 10)]
    line.join('b', 10)
    line.serve(first)
    line.returned(first)
    assert.deepEqual([line.length, line.isFirst(first)], [3, true])
    assert.equal(keysOf(line.heads()), 'ab')
    line.serve(first)
    line.serve(second)
    line.returned(second)
    assert.equal(line.isFirst(second), true)
    assert.equal(keysOf(serveAll(line)), 'ba')
  })

  it('names the last of the function that has most waiting', () => {
    const line = new FairLine()
    assert.equal(line.lastOfLongest(), undefined)
    line.join('a', 1)
    const last = [1, 2, 3].map(() => line.join('b', 1)).at(-1)
    assert.equal(line.lastOfLongest(), last)
  })

  const joins = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), serviceMs: fc.integer({ min: 1, max: 100 }) }), { maxLength: 40 })

  it('predicts what is served before each, to one call of each function', () => {
    fc.assert(
      fc.property(joins, asked => {
        const line = new FairLine()
        const places = asked.map(({ key, serviceMs }) => line.join(key, serviceMs))
        const predicted = new Map(places.map(place => [place, line.aheadMs(place)]))
        let servedMs = 0
        for (const place of serveAll(line)) {
          // Of two that are due together the older goes first, which a prediction for the older cannot see of later ones, and need not.
          assert.ok((predicted.get(place) ?? 0) <= servedMs, `${predicted.get(place)} was predicted, it was ${servedMs}`)
          assert.ok(servedMs - (predicted.get(place) ?? 0) <= 300, `${predicted.get(place)} was predicted, it was ${servedMs}`)
          servedMs += place.serviceMs
        }
      })
    )
  })

  it('never lets two that wait drift apart by more than one call of each', () => {
    fc.assert(
      fc.property(joins, asked => {
        const line = new FairLine()
        for (const { key, serviceMs } of asked) line.join(key, serviceMs)
        const used = new Map<string, number>()
        for (let heads = line.heads(); heads.length > 0; heads = line.heads()) {
          const next = heads[0] as Place
          for (const { key } of heads) {
            // Before a turn, who has its turn has used no more than anybody else who waits has, and one call.
            assert.ok((used.get(next.key) ?? 0) <= (used.get(key) ?? 0), `${next.key} goes before ${key}`)
          }
          line.serve(next)
          used.set(next.key, (used.get(next.key) ?? 0) + next.serviceMs)
        }
      })
    )
  })
})

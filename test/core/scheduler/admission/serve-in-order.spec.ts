import assert from 'node:assert/strict'
import { serveInOrder } from '../../../../src/core/scheduler/admission/serve-in-order.ts'

interface Waiter {
  readonly name: string
  readonly needs: string
  readonly predictedMs: number
  readonly arrivedAtMs: number
}

const waiter = (name: string, predictedMs: number, needs = name): Waiter => ({ name, needs, predictedMs, arrivedAtMs: 0 })
const namesOf = (waiting: readonly Waiter[]): string[] => waiting.map(({ name }) => name)

function serve(waiting: Waiter[], fits: (name: string) => boolean, limits: { takenMax?: number; missesMax?: number } = {}) {
  const offered: string[] = []
  const before = waiting.length
  const { missed, taken } = serveInOrder(waiting, {
    order: 'longest',
    nowMs: 1,
    needsOf: ({ needs }) => needs,
    attempt: ({ name }) => offered.push(name) > 0 && fits(name),
    ...limits
  })
  assert.equal(taken + waiting.length, before)
  return { offered, misses: missed.size, left: namesOf(waiting) }
}

describe('work that waits', () => {
  it('is offered in order, and what does not fit lets smaller work pass', () => {
    const waiting = [waiter('small', 1), waiter('large', 3), waiter('middle', 2)]
    assert.deepEqual(
      serve(waiting, name => name !== 'large'),
      { offered: ['large', 'middle', 'small'], misses: 1, left: ['large'] }
    )
  })

  it('is not offered where the same has just found no room', () => {
    const waiting = [waiter('a', 3, 'gpu'), waiter('b', 2, 'gpu'), waiter('c', 1)]
    assert.deepEqual(
      serve(waiting, name => name === 'c'),
      { offered: ['a', 'c'], misses: 1, left: ['a', 'b'] }
    )
  })

  it('ends a go after so many that were taken, or that found no room', () => {
    const waiting = ['a', 'b', 'c', 'd'].map((name, i) => waiter(name, 10 - i))
    assert.deepEqual(
      serve([...waiting], () => true, { takenMax: 2 }),
      { offered: ['a', 'b'], misses: 0, left: ['c', 'd'] }
    )
    assert.deepEqual(
      serve([...waiting], () => false, { missesMax: 3 }),
      { offered: ['a', 'b', 'c'], misses: 3, left: ['a', 'b', 'c', 'd'] }
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ProcessorSharing } from '../../../src/simulate/replay/processor-sharing.ts'

/** Lets everything come to its end. Returns when each work was done. */
function ends(cores: ProcessorSharing, cpus: readonly number[]): Map<number, number> {
  const done = new Map<number, number>()
  while (cores.size > 0) {
    const atMs = cores.nextEndMs()
    cores.advance(atMs)
    for (let work = cores.takeDone(each => cpus[each] ?? 1); work >= 0; work = cores.takeDone(each => cpus[each] ?? 1)) done.set(work, atMs)
  }
  return done
}

describe('ProcessorSharing', () => {
  it('runs work at the speed of the machine while there are cores', () => {
    const cores = new ProcessorSharing(2, 2)
    cores.add(0, 100, 1)
    cores.add(1, 300, 1)
    assert.deepEqual(
      [...ends(cores, [1, 1])],
      [
        [0, 50],
        [1, 150]
      ]
    )
    assert.equal(cores.busyCoreMs, 200)
  })

  it('slows everything down alike when more is wanted than there is', () => {
    const cores = new ProcessorSharing(1, 1)
    cores.add(0, 100, 1)
    cores.add(1, 100, 1)
    cores.advance(100)
    cores.add(2, 25, 2)
    // 50 ms are left of the first two, which get a quarter of what they want from now on.
    const done = ends(cores, [1, 1, 2])
    assert.ok(Math.abs((done.get(2) ?? 0) - 200) < 1e-6)
    assert.ok(Math.abs((done.get(0) ?? 0) - 250) < 1e-6)
  })

  it('forgets everything when it is cleared', () => {
    const cores = new ProcessorSharing(1, 1)
    cores.add(7, 100, 1)
    assert.deepEqual(cores.clear(), [7])
    assert.equal(cores.nextEndMs(), Number.POSITIVE_INFINITY)
    assert.equal(cores.wanted, 0)
  })

  it('agrees with small steps of time, whatever comes', () => {
    const work = fc.record({
      atMs: fc.integer({ min: 0, max: 50 }),
      workMs: fc.integer({ min: 1, max: 60 }),
      cpus: fc.constantFrom(0.5, 1, 3)
    })
    fc.assert(
      fc.property(fc.array(work, { minLength: 1, maxLength: 8 }), unsorted => {
        const works = unsorted.sort((a, b) => a.atMs - b.atMs)
        const cores = new ProcessorSharing(2, 1)
        const done = new Map<number, number>()
        let next = 0
        while (next < works.length || cores.size > 0) {
          const arrivesMs = works[next]?.atMs ?? Number.POSITIVE_INFINITY
          const endsMs = cores.nextEndMs()
          cores.advance(Math.min(arrivesMs, endsMs))
          if (endsMs <= arrivesMs) {
            for (let at = cores.takeDone(each => works[each]?.cpus ?? 1); at >= 0; at = cores.takeDone(each => works[each]?.cpus ?? 1))
              done.set(at, endsMs)
          } else {
            const { workMs, cpus } = works[next] ?? { workMs: 0, cpus: 0 }
            cores.add(next++, workMs, cpus)
          }
        }
        const expected = inSteps(works)
        for (const [each, atMs] of done)
          assert.ok(Math.abs(atMs - (expected[each] ?? 0)) < 0.5, `${each}: ${atMs}, in steps ${expected[each]}`)
      }),
      { numRuns: 50 }
    )
  })
})

/** The same by brute force: a step of 0.01 ms after the other. */
function inSteps(works: readonly { atMs: number; workMs: number; cpus: number }[]): number[] {
  const stepMs = 0.01
  const left = works.map(({ workMs }) => workMs)
  const done = works.map(() => 0)
  for (let step = 0; left.some(each => each > 1e-9); step++) {
    const nowMs = step * stepMs
    const running = [...works.keys()].filter(each => (works[each]?.atMs ?? 0) <= nowMs + 1e-9 && (left[each] ?? 0) > 1e-9)
    const wanted = running.reduce((sum, each) => sum + (works[each]?.cpus ?? 0), 0)
    for (const each of running) {
      left[each] = (left[each] ?? 0) - stepMs * Math.min(1, 2 / wanted)
      if ((left[each] ?? 0) <= 1e-9) done[each] = nowMs + stepMs
    }
  }
  return done
}

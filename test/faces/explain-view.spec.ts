import assert from 'node:assert/strict'
import { explanationLines, queueLines, scoreText, verdictText } from '../../src/faces/explain-view.ts'
import type { Explanation } from '../../src/model/rest-invocations.ts'
import { EXPLANATION, PLACEMENT } from './samples.ts'

const MIB = 2 ** 20

/** The sample, with a cache that is short on the chosen peer, or on none. */
function explained(cacheMs: number | undefined): string {
  const verdicts = PLACEMENT.verdicts.map(verdict =>
    verdict.cost === undefined || !verdict.chosen
      ? verdict
      : {
          ...verdict,
          cost: { ...verdict.cost, ...(cacheMs === undefined ? {} : { cache: cacheMs }) },
          terms: { usdPerHour: 0, usd: 0, cpuLoad: 0, memoryLoad: 0, cpuShare: 0, turn: 0, place: 0, llcFreeBytes: 2 * MIB }
        }
  )
  const estimate = { ...PLACEMENT.estimate, cache: { bytes: 8 * MIB, slowdown: 0.05, basis: 'assumed' as const } }
  const explanation: Explanation = { ...EXPLANATION, placements: [{ ...PLACEMENT, estimate, verdicts }] }
  return explanationLines(explanation, { width: 160, color: false, unicode: true, wide: false } as never).join('\n')
}

describe('what an explanation says of the cache', () => {
  it('is nothing where nobody is short of it', () => {
    assert.doesNotMatch(explained(undefined), /cache/i)
    assert.doesNotMatch(explained(0), /cache/i)
  })

  it('is how much longer that makes the run, and that all of it is expected, not measured', () => {
    const text = explained(12)
    assert.match(text, /RUN +CACHE +TOTAL/)
    assert.match(
      text,
      /^Cache +8Mi expected to be needed, up to 5 % slower without \(assumed from its memory, not measured\); expected to be left: 2Mi on /m
    )
  })
})

describe('what an explanation says of rules that did not hold', () => {
  it('is a line of its own for each', () => {
    const placements = [{ ...PLACEMENT, remarks: ['prices do not count: ana states none'] }]
    const lines = explanationLines({ ...EXPLANATION, placements }, { width: 160, color: false, unicode: true, wide: false } as never)
    assert.ok(lines.includes('Prices do not count: ana states none.'), lines.join('\n'))
  })
})

describe('the table of an explanation', () => {
  const [first] = PLACEMENT.verdicts
  const view = { width: 160, color: false, unicode: true, wide: false } as never

  it('shows the score that decided beside the times, where it is not a time', () => {
    const scored = PLACEMENT.verdicts.map(verdict => (verdict.fits ? { ...verdict, score: 17_900 } : verdict))
    const text = (verdicts: typeof scored): string =>
      explanationLines({ ...EXPLANATION, placements: [{ ...PLACEMENT, verdicts }] }, view).join('\n')
    assert.match(text(scored), /TOTAL +SCORE +VERDICT\n\S+ +yes .* 17900 +/)
    assert.doesNotMatch(text([...PLACEMENT.verdicts]), /SCORE/)
  })

  it('says in few words what the numbers beside them say: of scores, how many times the chosen one they are', () => {
    assert.ok(first !== undefined)
    const chosen = { ...first, score: 2 }
    const text = (score: number): string => verdictText({ ...first, chosen: false, why: 'the whole story', score }, chosen)
    assert.equal(verdictText({ ...chosen, why: 'the whole story' }, chosen), 'chosen, warm start')
    assert.deepEqual([2.05, 2.2, 5, 400, 1.9].map(text), [
      'hardly above the chosen score',
      '1.1 times the chosen score',
      '2.5 times the chosen score',
      '200 times the chosen score',
      'the whole story'
    ])
    assert.equal(verdictText({ ...chosen, fits: false, why: 'draining' }, chosen), 'draining')
  })

  it('takes the expected time for the score of who has no other: that is what decided', () => {
    const [fast, slow] = PLACEMENT.verdicts.filter(({ cost }) => cost !== undefined)
    assert.ok(fast !== undefined && slow?.cost !== undefined)
    const chosen = { ...fast, chosen: true, score: slow.cost.total / 2 }
    const rival = { ...slow, chosen: false, score: undefined }
    const lines = explanationLines({ ...EXPLANATION, placements: [{ ...PLACEMENT, verdicts: [chosen, rival] }] }, view)
    assert.match(lines.join('\n'), new RegExp(`^${rival.peer.name} .* ${scoreText(slow.cost.total)} +2 times the chosen score$`, 'm'))
  })

  it('says what a delay comes from that matters', () => {
    assert.ok(first?.cost !== undefined)
    const { cost } = first
    const withQueue = (queue: number): string[] => queueLines([{ ...first, cost: { ...cost, queue, total: 1_000 } }])
    assert.match(withQueue(900).join(), /not of this cluster/)
    assert.deepEqual(withQueue(50), [])
  })
})

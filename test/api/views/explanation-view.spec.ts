import assert from 'node:assert/strict'
import { explanationView } from '../../../src/api/views/explanation-view.ts'
import { invocationView } from '../../../src/api/views/invocation-view.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { summaryOf } from '../../../src/model/invocation-list.ts'
import type { Decision, RejectionReason, Verdict } from '../../../src/model/placement.ts'
import { sampleInvocation, sampleReceipt } from '../../support/samples.ts'

const [A, B, C] = ['a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId]
const cost = (run: number, pull = 0) => ({ network: 1, start: 0, pull, queue: 0, run, total: 1 + pull + run })
const name = (id: string) => ({ id, name: id.toUpperCase() })

function explain(verdicts: readonly Verdict[], change: Partial<Decision> = {}, whyNot?: PeerId) {
  const decision = { chosen: A, verdicts, skipped: 0, rejected: {}, ...change }
  const record = sampleInvocation({ receipts: [sampleReceipt({ decision })] })
  return explanationView(record, {
    invocation: invocationView(summaryOf(record, { hasResult: false }), name),
    name,
    whyNot: whyNot === undefined ? undefined : name(whyNot)
  })
}

const wordsFor = (verdict: Verdict): string | undefined =>
  explain([{ peer: A, fits: true, start: 'warm', cost: cost(40) }, verdict]).placements[0]?.verdicts.find(
    ({ peer }) => peer.id === verdict.peer
  )?.why

describe('an explanation', () => {
  it('names a short cache where most of the difference is that', () => {
    const verdict: Verdict = { peer: B, fits: true, start: 'warm', cost: { ...cost(40), cache: 60, total: 101 } }
    assert.equal(wordsFor(verdict), '60ms more than the chosen one; most of its cost is cache (60ms)')
  })

  const refusals: readonly (readonly [RejectionReason, number | undefined, number | undefined, string])[] = [
    ['memory', 268_435_456, 123_731_968, 'memory: needs 256Mi, 118Mi left'],
    ['memory', undefined, undefined, 'memory'],
    ['slots', 1, 0, 'no free slot: needs 1, 0 left'],
    ['deadline', 2_000, 500, 'too slow for the time that was left: needs 2s, 500ms left'],
    ['not_alive', undefined, undefined, 'not alive'],
    ['draining', undefined, undefined, 'draining: takes no new work'],
    ['excluded', undefined, undefined, 'had refused or failed this invocation before'],
    ['not_pinned', undefined, undefined, 'the call asked for another peer'],
    ['no_runtime', undefined, undefined, 'has no runtime that answers'],
    ['wrong_arch', undefined, undefined, 'the image is for another CPU architecture']
  ]
  for (const [reason, needed, available, words] of refusals) {
    it(`says "${words}" of ${reason}`, () => {
      assert.equal(wordsFor({ peer: B, fits: false, reason, needed, available }), words)
    })
  }

  it('names the first constraint that the labels of a peer do not meet', () => {
    assert.equal(wordsFor({ peer: B, fits: false, reason: 'labels', constraint: 'zone=eu' }), 'its labels are not as required: zone=eu')
    assert.equal(wordsFor({ peer: B, fits: false, reason: 'labels' }), 'lacks a label that is required', 'an older peer placed')
  })

  it('names the architectures of the image and of the peer', () => {
    const verdict: Verdict = { peer: B, fits: false, reason: 'wrong_arch', arch: { image: 'arm64', peer: 'amd64' } }
    assert.equal(wordsFor(verdict), 'the image is for arm64, and this peer is amd64')
  })

  it('tells how many GPUs were needed, where any were', () => {
    const record = sampleInvocation({ receipts: [sampleReceipt({ gpus: 2 }), sampleReceipt()] })
    const { placements } = explanationView(record, { invocation: invocationView(summaryOf(record, { hasResult: false }), name), name })
    assert.deepEqual(
      placements.map(({ needs }) => needs.gpus),
      [2, undefined]
    )
  })

  it('says what the chosen one promised, and by how much and why another was dearer', () => {
    assert.equal(wordsFor({ peer: A, fits: true, start: 'warm', cost: cost(40) }), 'chosen: 41ms expected, warm start')
    assert.equal(
      wordsFor({ peer: B, fits: true, start: 'cold', cost: cost(40, 900) }),
      '900ms more than the chosen one; most of its cost is pull (900ms)'
    )
  })

  it('does not call an equal one dearer', () => {
    assert.equal(
      wordsFor({ peer: B, fits: true, start: 'warm', cost: cost(39) }),
      'as good as the chosen one, which was drawn among equals'
    )
  })

  it('goes by what the strategy made of a peer where that is not its time', () => {
    const { placements } = explain([
      { peer: C, fits: true, start: 'warm', cost: cost(5), score: 0.75 },
      { peer: B, fits: true, start: 'warm', cost: cost(10), score: 0.51234 },
      { peer: A, fits: true, start: 'warm', cost: cost(11), score: 0.25 }
    ])
    assert.deepEqual(
      placements[0]?.verdicts.map(({ peer, score, why }) => `${peer.name} ${score} ${why}`),
      [
        'A 0.25 chosen: 12ms expected, warm start',
        'B 0.51234 score 0.512 by cost, the chosen one 0.25; less is better',
        'C 0.75 score 0.75 by cost, the chosen one 0.25; less is better'
      ]
    )
  })

  it('puts the chosen one first, then those that fit by cost, then the others', () => {
    const { placements } = explain([
      { peer: C, fits: false, reason: 'draining' },
      { peer: B, fits: true, start: 'warm', cost: cost(10) },
      { peer: A, fits: true, start: 'warm', cost: cost(11) }
    ])
    assert.deepEqual(
      placements[0]?.verdicts.map(({ peer }) => peer.name),
      ['A', 'B', 'C']
    )
  })

  it('keeps the numbers that decided', () => {
    const verdict = { peer: A, fits: true, start: 'warm', cost: cost(40) } as const
    const explanation = explain([verdict])
    assert.deepEqual(explanation.placements[0]?.verdicts[0]?.cost, verdict.cost)
    assert.equal(explanation.predictedMs, 41)
  })

  it('has no prediction when nobody fitted', () => {
    const explanation = explain([{ peer: A, fits: false, reason: 'memory' }], { chosen: null })
    assert.equal(explanation.predictedMs, null)
    assert.equal(explanation.placements[0]?.chosen, null)
  })

  it('says of a peer that was not among the candidates whether it was left out or not known', () => {
    assert.match(explain([], { skipped: 3 }, C).whyNot?.why ?? '', /^not looked at: 3 peers were left out/)
    assert.match(explain([], {}, C).whyNot?.why ?? '', /^not known to the placer/)
  })
})

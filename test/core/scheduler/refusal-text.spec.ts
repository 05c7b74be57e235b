import assert from 'node:assert/strict'
import { refusalText } from '../../../src/core/scheduler/refusal-text.ts'
import { REJECTION_REASONS } from '../../../src/model/placement.ts'
import type { RejectionReason, Verdict } from '../../../src/model/placement.ts'
import { MIB, peerId } from './cluster.ts'

function refused(reason: RejectionReason, needed?: number, available?: number): Verdict {
  return { peer: peerId('atlas'), fits: false, reason, needed, available }
}

describe('a refusal in words', () => {
  it('says what is missing everywhere, how much is needed, and the most that is left anywhere', () => {
    const verdicts = [refused('memory', 512 * MIB, 0), refused('memory', 512 * MIB, 118 * MIB), refused('memory', 512 * MIB, 90 * MIB)]
    assert.equal(
      refusalText({ verdicts, rejected: { memory: 3 } }),
      'no peer has enough memory: 3 of 3 (needs 512Mi, at most 118Mi is left)'
    )
  })

  it('counts peers that the verdicts leave out', () => {
    assert.equal(refusalText({ verdicts: [], rejected: { slots: 900 } }), 'no peer has a free slot: 900 of 900')
  })

  it('says each reason with its peers, the most frequent first, in the singular for one', () => {
    const verdicts = [refused('draining'), refused('not_pinned'), refused('not_pinned')]
    assert.equal(
      refusalText({ verdicts, rejected: { draining: 1, not_pinned: 2 } }),
      'no peer can take it: 2 of 3 are not the one that was asked for, 1 of 3 is draining'
    )
  })

  it('names the least time that any peer would need', () => {
    const verdicts = [refused('deadline', 9_000, 1_000), refused('deadline', 3_000, 1_000)]
    assert.match(refusalText({ verdicts, rejected: { deadline: 2 } }), /\(needs 3s, at most 1s is left\)$/)
  })

  it('says so when no peer is known at all', () => {
    assert.equal(refusalText({ verdicts: [], rejected: {} }), 'no peer is known')
  })

  it('names the labels that were required', () => {
    const require = ['zone=eu', 'disk!=slow']
    assert.equal(
      refusalText({ verdicts: [refused('labels')], rejected: { labels: 1 } }, { require }),
      'no peer has the labels that are required: 1 of 1 (zone=eu, disk!=slow)'
    )
  })

  it('names the architecture of the image', () => {
    const verdicts: Verdict[] = [
      refused('draining'),
      { peer: peerId('birch'), fits: false, reason: 'wrong_arch', arch: { image: 'arm64', peer: 'amd64' } }
    ]
    assert.equal(
      refusalText({ verdicts, rejected: { wrong_arch: 2 } }),
      'no peer has the CPU architecture of the image: 2 of 2 (the image is for arm64)'
    )
    assert.match(
      refusalText({ verdicts, rejected: { wrong_arch: 1, draining: 1 } }),
      /1 of 2 has another CPU architecture \(the image is for arm64\)$/
    )
  })

  it('counts GPUs apart from labels, which nobody asked for', () => {
    assert.equal(
      refusalText({ verdicts: [refused('gpus', 3, 1)], rejected: { gpus: 1 } }, { require: ['gpu'] }),
      'no peer has the GPUs that it asks for: 1 of 1 (needs 3, at most 1 is left)'
    )
  })

  for (const reason of REJECTION_REASONS) {
    it(`has words, not a code, for ${reason}`, () => {
      const alone = refusalText({ verdicts: [], rejected: { [reason]: 2 } })
      const among = refusalText({ verdicts: [], rejected: { [reason]: 1, [reason === 'memory' ? 'slots' : 'memory']: 1 } })
      for (const text of [alone, among]) assert.doesNotMatch(text, /_|undefined/)
    })
  }
})

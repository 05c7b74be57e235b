import assert from 'node:assert/strict'
import { unplaceable } from '../../../src/daemon/calls/unplaceable.ts'
import { isOverOwnLimit } from '../../../src/daemon/telemetry/observers.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Decision, RejectionReason, Verdict } from '../../../src/model/placement.ts'
import { sampleFunction, sampleReceipt } from '../../support/samples.ts'

/** By peers that refused for these reasons. */
function refusedFor(...reasons: readonly RejectionReason[]): Decision {
  const verdicts = reasons.map((reason, i): Verdict => ({ peer: `p${i}` as PeerId, fits: false, reason, needed: 2, available: 1 }))
  const rejected = Object.fromEntries(reasons.map(reason => [reason, reasons.filter(each => each === reason).length]))
  return { chosen: null, verdicts, skipped: 0, rejected }
}

const told = (decision: Decision, asked?: Parameters<typeof unplaceable>[2]['asked']) =>
  unplaceable(sampleFunction(), decision, { last: undefined, asked, endsInTime: () => true })

describe('what is told of a call that nobody could have', () => {
  it('is that a limit of costs lasts: no word of trying again', () => {
    const { retryable, details, code } = told(refusedFor('budget', 'labels'), { maxCostUsd: 0.001 })
    assert.deepEqual([code, retryable, details['retryAfterMs']], ['no_capacity', false, undefined])
  })

  it('is to try again where a peer only has no room now', () => {
    const { retryable, details } = told(refusedFor('budget', 'memory'), { maxCostUsd: 0.001 })
    assert.deepEqual([retryable, details['retryAfterMs']], [true, 1_000])
  })

  it('is how to ask for a quote of the same call, in words for a shell', () => {
    const asked = { maxCostUsd: 1e-7, objective: 'cheap', require: ['zone=eu', 'disk!=slow'] } as const
    assert.equal(
      told(refusedFor('budget'), asked).hint,
      "see what it would cost where: cares quote thumb --objective cheap --max-cost 1e-7 --require zone=eu --require 'disk!=slow'"
    )
    assert.equal(told(refusedFor('slots')).hint, 'see which peer lacks what: cares quote thumb')
  })
})

describe('a failure of a function', () => {
  const record = (decision: Decision, maxCostUsd?: number) => ({
    receipts: [sampleReceipt({ decision, ...(maxCostUsd === undefined ? {} : { asked: { maxCostUsd } }) })]
  })
  it('is none where the limit that a call brought itself has refused it', () => {
    assert.equal(isOverOwnLimit('no_capacity', record(refusedFor('budget'), 0.001)), true)
  })
  it('is one where the limit is of the function, room was missing, or it ended otherwise', () => {
    assert.equal(isOverOwnLimit('no_capacity', record(refusedFor('budget'))), false)
    assert.equal(isOverOwnLimit('no_capacity', record(refusedFor('budget', 'memory'), 0.001)), false)
    assert.equal(isOverOwnLimit('function_failed', record(refusedFor('budget'), 0.001)), false)
    assert.equal(isOverOwnLimit('no_capacity', undefined), false)
  })
})

import assert from 'node:assert/strict'
import { sharingOf } from '../../../src/core/scheduler/sharing.ts'

describe('how far an execution is expected to share its cores', () => {
  for (const [queueMs, runMs, expected] of [
    [0, 100, 1],
    [0.9, 100, 1],
    [25, 100, 1.25],
    [300, 100, 4],
    [0, 0, 1],
    // Of a run that takes hardly anything, a millisecond is what others can add at least.
    [3, 0, 4]
  ] as const) {
    it(`with a delay of ${queueMs} ms by others, alone ${runMs} ms: it takes ${expected} times as long`, () => {
      assert.equal(sharingOf(queueMs, runMs), expected)
    })
  }
})

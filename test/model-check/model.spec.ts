import assert from 'node:assert/strict'
import { RUNS } from './runs.ts'
import { check, hasSpin } from './spin.ts'
import { skip } from '../support/skip.ts'

/** One run takes seconds; where it is computed beside other tests, it gets what they leave of the machine. */
const TIMEOUT_MS = 600_000

describe('the models of consensus, searched to the last state', function () {
  this.timeout(TIMEOUT_MS)

  before(async function () {
    if (!(await hasSpin())) skip(this, 'there is no spin: apt-get install spin gcc libc6-dev')
  })

  for (const run of RUNS) {
    const claim = run.expected === 'holds' ? 'holds' : 'is found to be unsound'
    it(`${run.name}: ${claim}`, async () => {
      const { result, states, failed } = await check(run)
      assert.equal(result, run.expected, failed)
      // A counterexample must be one of these promises, not an accident of the model.
      if (result === 'breaks') assert.match(failed ?? '', /leaderOf|voteOf|agreed/)
      else assert.ok(states > 10_000, `only ${states} states: the model hardly moves`)
    })
  }
})

import assert from 'node:assert/strict'
import { LEARNER_HEARTBEATS } from '../../../src/core/consensus/limits.ts'
import { lostAfterMs, OrchestratorWatch } from '../../../src/daemon/members/orchestrator-watch.ts'
import { ATLAS, BIRCH } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('OrchestratorWatch', () => {
  it('gives up nobody who is only as late as timers are, whether it speaks often or, to learners, seldom', () => {
    const heartbeatMs = 200
    for (const [isVoter, everyMs] of [
      [true, heartbeatMs],
      [false, LEARNER_HEARTBEATS * heartbeatMs]
    ] as const) {
      const ms = lostAfterMs({ heartbeatMs }, { isVoter })
      assert.ok(ms >= everyMs + 2 * heartbeatMs, `${ms} ms`)
      assert.ok(ms < 2_000, 'a frozen orchestrator keeps no call for longer than an election takes')
    }
  })

  it('tells all who watch a peer once it has been silent for too long, and nobody else', async () => {
    const clock = new ManualClock()
    const silentMs = new Map([
      [ATLAS, 0],
      [BIRCH, 0]
    ])
    const watch = new OrchestratorWatch({ clock, silentMs: peer => silentMs.get(peer) ?? 0, lostAfterMs: () => 800 })
    await watch.start()
    using first = watch.watch(ATLAS)
    using second = watch.watch(ATLAS)
    using other = watch.watch(BIRCH)
    watch.watch(ATLAS)[Symbol.dispose]()
    silentMs.set(ATLAS, 800)
    clock.advance(100)
    assert.equal(first.signal.aborted, false)
    silentMs.set(ATLAS, 801)
    clock.advance(100)
    assert.deepEqual(
      [first, second, other].map(({ signal }) => signal.aborted),
      [true, true, false]
    )
    assert.equal((first.signal.reason as { code: string }).code, 'peer_lost')
    silentMs.set(ATLAS, 0)
    using later = watch.watch(ATLAS)
    assert.equal(later.signal.aborted, false)
    await watch.stop()
    assert.equal(clock.pending, 0)
  })
})

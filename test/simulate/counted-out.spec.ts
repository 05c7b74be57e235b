import assert from 'node:assert/strict'
import { PRESETS } from '../../src/model/presets.ts'
import { simulateWhole } from '../../src/simulate/whole/simulate.ts'

/** A run takes a second on an idle machine. */
const TIMEOUT_MS = 60_000

describe('a peer that was counted out while it was cut off', function () {
  this.timeout(TIMEOUT_MS)

  for (const [who, peer] of [
    ['a learner', 3],
    ['a voter', 1]
  ] as const) {
    it(`is let in again when it is back, though its process never stopped: ${who}`, async () => {
      const lines: string[] = []
      const { violation } = await simulateWhole({
        seed: 11,
        knobs: {
          peersCount: 4,
          isGrown: false,
          chaosMs: 8_500,
          dieAfterWriteRatio: 0,
          idlePeersCount: 0,
          timings: { ...PRESETS.loopback, forgetAfterMs: 1_000 }
        },
        faults: [
          { atMs: 2_000, type: 'isolate', target: { peer, preferOrchestrator: false }, ways: 'both' },
          { atMs: 8_000, type: 'heal' }
        ],
        trace: line => lines.push(line)
      })
      assert.equal(violation, undefined, lines.slice(-40).join('\n'))
      const isRemoved = (line: string): boolean => line.includes(`members changed peer="p${peer}" change="remove"`)
      assert.ok(lines.some(isRemoved), 'it was not counted out, so that nothing was tried')
      assert.equal(lines.filter(line => line.includes(`p${peer} starts its session`)).length, 1)
    })
  }
})

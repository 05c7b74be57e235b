import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { place } from '../../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../../src/core/scheduler/placement-table.ts'
import { STRATEGIES } from '../../../../src/core/scheduler/strategies/strategies.ts'
import { STRATEGY_NAMES, type StrategyName } from '../../../../src/model/placement.ts'
import { createRandom } from '../../../../src/model/random.ts'
import { FN, GIB, IMAGE, peerId, requestOf, type ViewFields, viewOf, warmStats } from '../cluster.ts'

const GOLDEN = new URL('../../../golden/scheduler/strategies.txt', import.meta.url)

const capacity = (cpus: number, memoryGib: number): { cpus: number; memoryBytes: number; diskBytes: number } => ({
  cpus,
  memoryBytes: memoryGib * GIB,
  diskBytes: 0
})

/** A cluster of unlike machines. */
const PEERS: Readonly<Record<string, ViewFields>> = {
  'idle-small': { profile: { capacity: capacity(2, 4), usdPerHour: 0.1 }, stats: { images: [IMAGE] } },
  'idle-large': { profile: { capacity: capacity(16, 64), usdPerHour: 0.8 }, stats: { images: [IMAGE] } },
  'warm-dear': { profile: { capacity: capacity(4, 8), usdPerHour: 0.6 }, stats: warmStats(2) },
  'no-image': { profile: { capacity: capacity(4, 8), usdPerHour: 0.2 } },
  'cores-busy': { profile: { capacity: capacity(4, 32), usdPerHour: 0.2 }, stats: { images: [IMAGE], cpusUsed: 4 } },
  'memory-full': { profile: { capacity: capacity(8, 8), usdPerHour: 0.2 }, stats: { images: [IMAGE], memoryReservedBytes: 6.5 * GIB } },
  'no-room': { profile: { capacity: capacity(8, 8), usdPerHour: 0.2 }, stats: { images: [IMAGE], memoryReservedBytes: 8 * GIB } }
}

/** Scores of one call, best first, and who gets the 12 calls of a burst. */
function transcript(name: StrategyName): string {
  const table = new PlacementTable(peerId('self'))
  table.sync(
    Object.entries(PEERS).map(([id, fields]) => viewOf(id, fields)),
    0
  )
  const strategy = STRATEGIES[name]
  const random = createRandom(1)
  const lines: string[] = [name]
  const burst = new Map<string, number>()
  for (let call = 0; call < 12; call++) {
    const { chosen, verdicts } = place(requestOf(), table, { random, strategy, kappa: 1 })
    if (call === 0) {
      for (const verdict of verdicts) {
        const score = verdict.fits ? (verdict.score ?? verdict.cost.total).toPrecision(5) : verdict.reason
        const mark = verdict.peer === chosen ? '*' : ' '
        lines.push(`  ${mark} ${verdict.peer.padEnd(12)} ${score.padStart(12)}${verdict.fits ? `  ${verdict.cost.total} ms` : ''}`)
      }
    }
    const verdict = verdicts[0]
    if (chosen === null || verdict?.fits !== true) break
    table.reserve({ worker: chosen, function: FN, cpus: 1, memoryBytes: GIB, start: verdict.start }, 0)
    burst.set(chosen, (burst.get(chosen) ?? 0) + 1)
  }
  const shares = [...burst].sort(([a], [b]) => (a < b ? -1 : 1)).map(([peer, count]) => `${peer} ${count}`)
  return [...lines, `  of 12: ${shares.join(', ')}`].join('\n')
}

describe('strategies on a cluster of unlike machines', () => {
  it('score and share as in test/golden/scheduler/strategies.txt', () => {
    const text = `${STRATEGY_NAMES.map(transcript).join('\n\n')}\n`
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, text)
    assert.equal(text, readFileSync(GOLDEN, 'utf8'))
  })
})

import assert from 'node:assert/strict'
import type { Preset } from '../../../src/model/presets.ts'
import { createRandom } from '../../../src/model/random.ts'
import { MembershipCluster } from './cluster.ts'
import { show } from './peers.ts'

const SEEDS = process.env['SEED'] === undefined ? Array.from({ length: 10 }, (_, i) => i) : [Number(process.env['SEED'])]

function settled(peers: number, preset: Preset, seed: number): MembershipCluster {
  const cluster = new MembershipCluster({ peers, preset, random: createRandom(seed), delayMs: 100 })
  cluster.elect('p0')
  cluster.run(20_000 + (seed % 10) * 97)
  assert.deepEqual(
    cluster.events.filter(({ event }) => event.type !== 'joined').map(({ by, event }) => `${by}: ${show(event)}`),
    [],
    `nothing happened, but (SEED=${seed})`
  )
  return cluster
}

describe('a failure', () => {
  const rows: {
    claim: string
    peers: number
    preset: Preset
    end: 'kill' | 'freeze'
    victim: string
    elected: string | null
    suspectMs: number
    goneMs: number
  }[] = [
    { claim: 'worker of three killed', peers: 3, preset: 'lan', end: 'kill', victim: 'p2', elected: null, suspectMs: 110, goneMs: 3_000 },
    {
      claim: 'orchestrator of three killed',
      peers: 3,
      preset: 'lan',
      end: 'kill',
      victim: 'p0',
      elected: 'p1',
      suspectMs: 110,
      goneMs: 3_000
    },
    { claim: 'worker of twenty killed', peers: 20, preset: 'lan', end: 'kill', victim: 'p7', elected: null, suspectMs: 110, goneMs: 5_500 },
    // 3 s without a report, one digest later on the others; 5 s until gone, one digest later on the others.
    {
      claim: 'worker of three frozen',
      peers: 3,
      preset: 'lan',
      end: 'freeze',
      victim: 'p2',
      elected: null,
      suspectMs: 4_300,
      goneMs: 6_300
    },
    {
      claim: 'orchestrator of three frozen',
      peers: 3,
      preset: 'lan',
      end: 'freeze',
      victim: 'p0',
      elected: 'p1',
      suspectMs: 4_300,
      goneMs: 6_300
    },
    {
      claim: 'worker of three killed far away',
      peers: 3,
      preset: 'wan',
      end: 'kill',
      victim: 'p2',
      elected: null,
      suspectMs: 110,
      goneMs: 8_000
    },
    {
      claim: 'worker of three killed on one machine',
      peers: 3,
      preset: 'loopback',
      end: 'kill',
      victim: 'p2',
      elected: null,
      suspectMs: 110,
      goneMs: 1_500
    }
  ]
  for (const { claim, peers, preset, end, victim, elected, suspectMs, goneMs } of rows) {
    it(`is seen by everyone in time, and seen in nobody else: ${claim}`, () => {
      // Twenty views cost fifty times as much as three.
      for (const seed of peers > 3 ? SEEDS.slice(0, 2) : SEEDS) {
        const cluster = settled(peers, preset, seed)
        const failedAtMs = cluster.nowMs
        const survivors = cluster.members.filter(({ name }) => name !== victim).map(({ name }) => name)
        cluster[end](victim)
        const runTo = (sinceMs: number): void => {
          const electedAtMs = 1_200
          const leftMs = failedAtMs + sinceMs - cluster.nowMs
          if (elected !== null && cluster.nowMs < failedAtMs + electedAtMs && sinceMs > electedAtMs) {
            cluster.run(failedAtMs + electedAtMs - cluster.nowMs)
            cluster.elect(elected)
            cluster.run(failedAtMs + sinceMs - cluster.nowMs)
          } else cluster.run(leftMs)
        }
        const states = (): string[] => survivors.map(by => `${by}: ${cluster.stateOf(victim, by)}`)
        runTo(suspectMs)
        assert.ok(
          states().every(state => /suspect|gone/.test(state)),
          `after ${suspectMs} ms (SEED=${seed}): ${states().join(', ')}`
        )
        runTo(goneMs)
        assert.ok(
          states().every(state => state.endsWith('gone')),
          `after ${goneMs} ms (SEED=${seed}): ${states().join(', ')}`
        )
        cluster.run(30_000)
        const others = cluster.events.filter(({ atMs, event }) => atMs > failedAtMs && (event.peer !== victim || event.type === 'returned'))
        assert.deepEqual(
          others.map(({ atMs, by, event }) => `${atMs - failedAtMs} ${by}: ${show(event)}`),
          [],
          `SEED=${seed}`
        )
      }
    })
  }

  it('does not look like one: a quiet cluster without an orchestrator, whatever its size', () => {
    for (const peers of [2, 9, 20]) {
      const cluster = new MembershipCluster({ peers, preset: 'lan', random: createRandom(peers), delayMs: 300 })
      cluster.run(40_000)
      assert.ok(
        cluster.events.every(({ event }) => event.type === 'joined'),
        `${peers} peers`
      )
      assert.equal(cluster.events.length, peers * (peers - 1))
    }
  })
})

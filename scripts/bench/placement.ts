/*
 * How long one placement takes, by size of the cluster: npx node scripts/bench/placement.ts
 *
 * Each figure is of single calls, ledger entry and release included; the verdicts of a receipt are not, as they are made
 * when somebody reads them. `candidates` is the normal case; `full scan` is the worst one, when no
 * candidate can have the work and everyone is looked at before it is refused; `update` is a word of one peer entering the table. Where other
 * work has the cores, believe p10: nothing is quicker than it can be, and only some calls are disturbed.
 */
import { place } from '../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../src/core/scheduler/placement-table.ts'
import { COST } from '../../src/core/scheduler/strategies/cost.ts'
import type { Digest, InvocationId, PeerId } from '../../src/model/ids.ts'
import type { PeerView } from '../../src/model/peer.ts'
import type { PlacementRequest } from '../../src/model/placement.ts'
import { createRandom, type Random } from '../../src/model/random.ts'

const SIZES = [10, 100, 1_000, 10_000]
const FUNCTIONS_COUNT = 50
const ROUNDS = 20_000
const GIB = 2 ** 30

interface Timing {
  readonly p10Us: number
  readonly p50Us: number
  readonly p99Us: number
}

function main(): void {
  const random = createRandom(1)
  const results = SIZES.map(peersCount => bench(peersCount, random))
  console.log(['peers', ...['candidates', 'full scan', 'update'].map(what => `${what} p10 / p50 / p99 us`.padStart(34))].join(' '))
  for (const { peersCount, candidates, scan, update } of results) {
    console.log([String(peersCount).padStart(5), ...[candidates, scan, update].map(timing => show(timing).padStart(34))].join(' '))
  }
  for (const [i, { peersCount, candidates, scan }] of results.entries()) {
    const smaller = results[i - 1]
    if (smaller === undefined) continue
    const ratio = (a: Timing, b: Timing): string => (a.p10Us / b.p10Us).toFixed(2)
    console.log(
      `${peersCount} / ${smaller.peersCount} peers: candidates x ${ratio(candidates, smaller.candidates)}, full scan x ${ratio(scan, smaller.scan)}`
    )
  }
}

function bench(peersCount: number, random: Random): { peersCount: number; candidates: Timing; scan: Timing; update: Timing } {
  const table = new PlacementTable(peerId(0))
  const views = Array.from({ length: peersCount }, (_, i) => viewOf(i, 1, random))
  table.sync(views, 0)
  const options = { random, strategy: COST, kappa: 1 }

  const candidates = time(ROUNDS, () => {
    const request = requestOf(Math.floor(random() * FUNCTIONS_COUNT), GIB / 4)
    return () => {
      const { chosen, expected } = place(request, table, options)
      if (chosen === null || expected == null) throw new Error('nobody was chosen')
      const { function: fn, cpus, memoryBytes } = request
      table.release(table.reserve({ worker: chosen, function: fn, cpus, memoryBytes, start: expected.start }, 0))
    }
  })
  const scan = time(Math.min(ROUNDS, Math.ceil(20_000_000 / peersCount / 10)), () => {
    const request = requestOf(FUNCTIONS_COUNT, 1_000 * GIB)
    return () => {
      if (place(request, table, options).chosen !== null) throw new Error('somebody was chosen')
    }
  })
  const update = time(ROUNDS, round => {
    const view = viewOf(round % peersCount, round, random)
    return () => table.update(view, round)
  })
  return { peersCount, candidates, scan, update }
}

/** Times single calls of what `prepare` returns, after a tenth as many that do not count. */
function time(rounds: number, prepare: (round: number) => () => void): Timing {
  const samplesUs = new Float64Array(rounds)
  for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
    const call = prepare(Math.abs(round))
    const startNs = process.hrtime.bigint()
    call()
    const tookUs = Number(process.hrtime.bigint() - startNs) / 1_000
    if (round >= 0) samplesUs[round] = tookUs
  }
  samplesUs.sort()
  const at = (share: number): number => samplesUs[Math.floor(rounds * share)] ?? 0
  return { p10Us: at(0.1), p50Us: at(0.5), p99Us: at(0.99) }
}

function show({ p10Us, p50Us, p99Us }: Timing): string {
  return `${p10Us.toFixed(1)} / ${p50Us.toFixed(1)} / ${p99Us.toFixed(1)}`
}

function peerId(i: number): PeerId {
  return `12D3KooWBenchmarkPeerNumber${String(i).padStart(25, '0')}` as PeerId
}

/** A machine that is half busy, with idle containers of 3 of the functions and images of 6. */
function viewOf(i: number, seq: number, random: Random): PeerView {
  const functions = Array.from({ length: 6 }, () => Math.floor(random() * FUNCTIONS_COUNT))
  const cpus = random() < 0.5 ? 4 : 8
  return {
    profile: {
      id: peerId(i),
      name: `peer-${i}`,
      session: 1,
      addresses: [],
      api: '',
      version: '',
      runtime: 'docker',
      arch: 'amd64',
      capacity: { cpus, memoryBytes: 16 * GIB, diskBytes: 0 },
      labels: {},
      usdPerHour: 0,
      startedAt: ''
    },
    stats: {
      seq,
      cpusUsed: random() * cpus,
      memoryUsedBytes: 0,
      diskUsedBytes: 0,
      cpusReserved: random() * cpus,
      memoryReservedBytes: random() * 12 * GIB,
      running: Math.floor(random() * cpus),
      succeeded: 0,
      failed: 0,
      warm: functions.slice(0, 3).map(fn => ({ function: `f${fn}@1`, idle: 1 + Math.floor(random() * 2), busy: 0 })),
      images: [...new Set(functions)].map(fn => `sha256:${fn}` as Digest),
      draining: false,
      runtimeReady: true,
      term: 1,
      seenOrders: {}
    },
    state: 'alive',
    ageMs: 0
  }
}

function requestOf(fn: number, memoryBytes: number): PlacementRequest {
  return {
    invocation: 'i-bench' as InvocationId,
    function: `f${fn}@1`,
    digest: `sha256:${fn}` as Digest,
    imageBytes: 100_000_000,
    arch: 'amd64',
    cpus: 0.5,
    memoryBytes,
    inputBytes: 1_000,
    exclude: [],
    deadlineMs: 60_000,
    estimate: { runMs: 100, coldStartMs: 300, warmStartMs: 3, outputBytes: 1_000, samples: 10 }
  }
}

main()

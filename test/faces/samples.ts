import { alertRules } from '../../src/model/alerts.ts'
import type { AlertList, StatsHistoryBody } from '../../src/model/rest-telemetry.ts'
import type { Cluster, FunctionItem, Peer, Stats } from '../../src/model/rest.ts'
import type { Explanation, Invocation, PlacementItem } from '../../src/model/rest-invocations.ts'

/** The time at which the samples are looked at. */
export const NOW = '2026-11-22T12:00:00.000Z'
export const NOW_MS = Date.parse(NOW)

const GI = 2 ** 30
const MI = 2 ** 20

/** A peer like those of the pages of the manual. */
export function samplePeer(name: string, changes: Partial<Peer> = {}): Peer {
  return {
    id: `12D3KooWQx7f3a${name.padEnd(8, 'x')}`,
    name,
    state: 'alive',
    role: 'worker',
    capacity: { cpus: 4, memoryBytes: 8 * GI, diskBytes: 100 * GI },
    used: { cpus: 1, memoryBytes: 2.4 * GI, diskBytes: 27 * GI },
    reserved: { cpus: 1.6, memoryBytes: 1 * GI },
    running: 2,
    succeeded: 1190,
    failed: 11,
    ageMs: 400,
    voter: true,
    term: 3,
    version: '0.1.0',
    runtime: 'docker',
    runtimeReady: true,
    arch: 'amd64',
    labels: {},
    addresses: ['/ip4/10.0.0.5/tcp/4001'],
    api: '10.0.0.5:7070',
    warm: [{ function: 'thumb@1', idle: 1, busy: 0 }],
    images: 2,
    usdPerHour: 0,
    startedAt: '2026-11-22T10:00:00.000Z',
    ...changes
  }
}

/** Five unlike peers: the orchestrator, a busy one, a fresh one, an idle one, and one that is gone. */
export const PEERS: readonly Peer[] = [
  samplePeer('atlas', { role: 'orchestrator', running: 3, succeeded: 998, failed: 2, reserved: { cpus: 1.6, memoryBytes: 2 * GI } }),
  samplePeer('birch', { labels: { zone: 'attic' }, usdPerHour: 0.12 }),
  samplePeer('elm', {
    used: { cpus: 0.36, memoryBytes: 1.4 * GI, diskBytes: 9 * GI },
    reserved: { cpus: 0, memoryBytes: 0 },
    running: 0,
    succeeded: 0,
    failed: 0,
    startedAt: '2026-11-22T11:59:48.000Z'
  }),
  samplePeer('dogwood', {
    state: 'draining',
    used: { cpus: 3.5, memoryBytes: 7.5 * GI, diskBytes: 70 * GI },
    reserved: { cpus: 3.9, memoryBytes: 7.7 * GI },
    running: 9,
    succeeded: 741,
    failed: 10,
    voter: false
  }),
  samplePeer('cedar', { state: 'gone', running: 0, succeeded: 500, failed: 13, ageMs: 41 * 60_000, voter: false })
]

export const PEER_LIST = { items: PEERS, view: { peer: PEERS[0]?.id ?? '', name: 'atlas' } }

const ref = (name: string) => ({ id: samplePeer(name).id, name })

export const CLUSTER: Cluster = {
  id: `/ip4/10.0.0.5/tcp/4001/p2p/${samplePeer('atlas').id}#k7Qm`,
  secretHidden: false,
  uid: 'c-1',
  private: true,
  self: ref('atlas'),
  orchestrator: ref('atlas'),
  reason: '',
  term: 3,
  voters: ['atlas', 'birch', 'elm'].map(name => ref(name).id),
  learners: [ref('dogwood').id, ref('cedar').id],
  quorum: 2,
  faultTolerance: 1,
  lastIndex: 12,
  commitIndex: 12,
  appliedIndex: 12,
  strategy: { name: 'cost', objective: 'balanced', agreed: false },
  fenced: null
}

export const THUMB: FunctionItem = {
  name: 'thumb',
  image: 'acme/thumb:1.4',
  digest: `sha256:9f2c81d0${'0'.repeat(56)}`,
  imageBytes: 412 * MI,
  contract: 'http',
  port: 8080,
  cpus: 0.5,
  memoryBytes: 256 * MI,
  timeoutMs: 30_000,
  concurrency: 8,
  prewarm: 0,
  idempotent: false,
  env: { SECRET: 'not to be shown' },
  network: 'none',
  revision: 1,
  updatedAt: '2026-11-22T11:55:00.000Z',
  url: 'http://127.0.0.1:7070/fn/thumb'
}

export const UPPER: FunctionItem = {
  ...THUMB,
  name: 'upper',
  image: 'registry.example.com/tools/text/uppercase-filter:2026.11',
  contract: 'stdio',
  port: 0,
  concurrency: 1,
  prewarm: 2,
  idempotent: true,
  env: {},
  revision: 12,
  url: 'http://127.0.0.1:7070/fn/upper'
}

export const INVOCATION_ID = 'i-ark8hk64k53wn327j164h8y0kw'

export const INVOCATION: Invocation = {
  id: INVOCATION_ID,
  function: 'thumb',
  revision: 1,
  state: 'succeeded',
  gateway: ref('atlas'),
  acceptedAt: '2026-11-22T11:59:41.000Z',
  method: 'POST',
  path: '/',
  worker: ref('birch'),
  start: 'warm',
  placement: 'orchestrator',
  status: 200,
  error: null,
  usage: { queueMs: 2, pullMs: 0, startMs: 0, runMs: 42, bytesIn: 10, bytesOut: 20 },
  totalMs: 44,
  placements: 1,
  result: false
}

export const PLACEMENT: PlacementItem = {
  at: '2026-11-22T00:41:07.312Z',
  by: ref('atlas'),
  placement: 'orchestrator',
  strategy: 'least-cost',
  term: 3,
  round: 0,
  try: 0,
  viewAgeMs: 800,
  needs: { cpus: 0.5, memoryBytes: 256 * MI, imageBytes: 412 * MI },
  estimate: { runMs: 48, coldStartMs: 120, warmStartMs: 1, outputBytes: 20, samples: 31 },
  chosen: ref('birch'),
  verdicts: [
    {
      peer: ref('birch'),
      fits: true,
      chosen: true,
      why: 'chosen',
      start: 'warm',
      cost: { network: 1.2, start: 0.8, pull: 0, queue: 0, run: 48, total: 50 }
    },
    {
      peer: ref('atlas'),
      fits: true,
      chosen: false,
      why: 'no warm container',
      start: 'cold',
      cost: { network: 0, start: 120, pull: 0, queue: 0, run: 48, total: 168 }
    },
    {
      peer: ref('elm'),
      fits: true,
      chosen: false,
      why: 'image not there (412Mi)',
      start: 'cold',
      cost: { network: 1.2, start: 120, pull: 3600, queue: 0, run: 48, total: 3769.2 }
    },
    {
      peer: ref('dogwood'),
      fits: false,
      chosen: false,
      why: 'memory: needs 256Mi, 118Mi left',
      reason: 'memory',
      needed: 256 * MI,
      available: 118 * MI
    },
    { peer: ref('cedar'), fits: false, chosen: false, why: 'gone', reason: 'not_alive' }
  ],
  skipped: 0,
  rejected: { memory: 1, not_alive: 1 }
}

export const EXPLANATION: Explanation = { invocation: INVOCATION, placements: [PLACEMENT], predictedMs: 50, actualMs: 44 }

export const STATS: Stats = {
  at: NOW,
  view: PEER_LIST.view,
  items: PEERS.map(({ id, name, state, role, capacity, used, reserved, running, succeeded, failed, ageMs }) => ({
    id,
    name,
    state,
    role,
    capacity,
    used,
    reserved,
    running,
    succeeded,
    failed,
    ageMs
  })),
  totals: {
    peers: { alive: 3, suspect: 0, draining: 1, gone: 1 },
    capacity: { cpus: 16, memoryBytes: 32 * GI, diskBytes: 400 * GI },
    used: { cpus: 5.86, memoryBytes: 13.7 * GI, diskBytes: 133 * GI },
    reserved: { cpus: 7.1, memoryBytes: 10.7 * GI },
    running: 14,
    succeeded: 2929,
    failed: 23,
    usdPerHour: 0.12
  },
  functions: [{ name: 'thumb', revision: 1, peers: 4, idle: 4, busy: 0 }],
  gateway: { inFlight: 0, invocations: [], placements: [] }
}

const STEPS = 36

/** Three minutes in which birch got busy, and cedar went. */
export const HISTORY: StatsHistoryBody = {
  at: NOW,
  stepMs: 5_000,
  steps: STEPS,
  view: PEER_LIST.view,
  peers: PEERS.map(({ id, name, state, used, reserved, running }, at) => {
    const known = (value: (step: number) => number) =>
      Array.from({ length: STEPS }, (_, step) => (state === 'gone' && step > 12 ? null : value(step)))
    return {
      id,
      name,
      cpusUsed: known(step => (used.cpus * (at === 1 ? step : STEPS / 2)) / STEPS),
      memoryUsedBytes: known(() => used.memoryBytes),
      diskUsedBytes: known(() => used.diskBytes),
      cpusReserved: known(() => reserved.cpus),
      memoryReservedBytes: known(() => reserved.memoryBytes),
      running: known(step => (step === 20 ? running + 2 : running)),
      succeeded: known(step => step % 3),
      failed: known(step => Number(step === 7))
    }
  }),
  functions: [
    {
      name: 'thumb',
      calls: Array.from({ length: STEPS }, (_, step) => step),
      failed: Array.from({ length: STEPS }, (_, step) => Number(step % 9 === 0)),
      cold: Array.from({ length: STEPS }, (_, step) => Number(step === 1)),
      p50Ms: Array.from({ length: STEPS }, (_, step) => (step === 0 ? null : 40)),
      p95Ms: Array.from({ length: STEPS }, (_, step) => (step === 0 ? null : 40 + 10 * step)),
      p99Ms: Array.from({ length: STEPS }, (_, step) => (step === 0 ? null : 400)),
      overall: { calls: (STEPS * (STEPS - 1)) / 2, failed: Math.ceil(STEPS / 9), cold: 1, p50Ms: 40, p95Ms: 310, p99Ms: 400 }
    }
  ],
  missing: []
}

/** One thing is wrong, and one was. */
export const ALERTS: AlertList = {
  items: [
    {
      key: `peer_gone/${samplePeer('cedar').id}`,
      rule: 'peer_gone',
      severity: 'critical',
      subject: { kind: 'peer', id: samplePeer('cedar').id, name: 'cedar' },
      state: 'raised',
      raisedAt: '2026-11-22T11:59:50.000Z',
      value: 1,
      threshold: 1,
      unit: 'count',
      message: 'cedar is gone'
    }
  ],
  recent: [
    {
      key: 'function_failures/thumb',
      rule: 'function_failures',
      severity: 'warning',
      subject: { kind: 'function', id: 'thumb', name: 'thumb' },
      state: 'cleared',
      raisedAt: '2026-11-22T11:29:50.000Z',
      clearedAt: '2026-11-22T11:31:50.000Z',
      value: 0.35,
      threshold: 0.2,
      unit: 'ratio',
      message: '7 of the 20 calls of thumb within the last minute failed'
    }
  ],
  rules: alertRules(),
  webhook: null
}

import type { FunctionRecord } from '../../src/model/function.ts'
import type { ClusterUid, Digest, InvocationId, PeerId } from '../../src/model/ids.ts'
import type { AnswerHead, InvocationRecord, Usage } from '../../src/model/invocation.ts'
import type { PeerProfile, PeerStats } from '../../src/model/peer.ts'
import type { Receipt } from '../../src/model/placement.ts'
import type { ClusterStatus, InvocationAnswer, PeerListing } from '../../src/model/service.ts'

/** Ids that read well in assertions. */
export const ATLAS = '12D3KooWAtlas' as PeerId
export const BIRCH = '12D3KooWBirch' as PeerId
export const INVOCATION = 'i-aaaaaaaaaaaaaaaaaaaaaaaaaa' as InvocationId
export const CLUSTER_ID = `/ip4/10.0.0.5/tcp/4001/p2p/${ATLAS}#s3cret`

/** A function as the registry could hold it; `changes` make it another. */
export function sampleFunction(changes: Partial<FunctionRecord> = {}): FunctionRecord {
  return {
    name: 'thumb',
    image: 'acme/thumb:1.4',
    contract: 'stdio',
    port: 0,
    cpus: 0.5,
    memoryBytes: 128 * 2 ** 20,
    timeoutMs: 30_000,
    concurrency: 1,
    prewarm: 0,
    idempotent: false,
    env: { LOG: 'info' },
    network: 'none',
    digest: 'sha256:9f2c' as Digest,
    imageBytes: 1_000_000,
    revision: 1,
    updatedAt: '2026-01-02T03:04:05.000Z',
    ...changes
  }
}

/** A machine of 4 cores and 8 GiB. */
export function sampleProfile(changes: Partial<PeerProfile> = {}): PeerProfile {
  return {
    id: ATLAS,
    name: 'atlas',
    session: 7,
    addresses: ['/ip4/10.0.0.5/tcp/4001'],
    api: '10.0.0.5:7070',
    version: '0.1.0',
    runtime: 'docker',
    arch: 'amd64',
    capacity: { cpus: 4, memoryBytes: 8 * 2 ** 30, diskBytes: 100 * 2 ** 30 },
    labels: { rack: 'a' },
    usdPerHour: 0.1,
    startedAt: '2026-01-02T00:00:00.000Z',
    ...changes
  }
}

/** A peer that is half busy. */
export function sampleStats(changes: Partial<PeerStats> = {}): PeerStats {
  return {
    seq: 9,
    cpusUsed: 1,
    memoryUsedBytes: 2 * 2 ** 30,
    diskUsedBytes: 10 * 2 ** 30,
    cpusReserved: 2,
    memoryReservedBytes: 4 * 2 ** 30,
    running: 2,
    succeeded: 100,
    failed: 1,
    warm: [{ function: 'thumb@1', idle: 1, busy: 2 }],
    images: [],
    draining: false,
    runtimeReady: true,
    term: 3,
    seenOrders: {},
    ...changes
  }
}

/** Atlas, the orchestrator. */
export function sampleListing(changes: Partial<PeerListing> = {}): PeerListing {
  return { profile: sampleProfile(), stats: sampleStats(), state: 'alive', ageMs: 200, role: 'orchestrator', voter: true, ...changes }
}

/** A private cluster of two, led by atlas. */
export function sampleCluster(changes: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    id: CLUSTER_ID,
    uid: 'c-1' as ClusterUid,
    private: true,
    self: ATLAS,
    orchestrator: { id: ATLAS, name: 'atlas' },
    term: 3,
    voters: [ATLAS],
    learners: [BIRCH],
    quorum: 1,
    faultTolerance: 0,
    lastIndex: 12,
    commitIndex: 12,
    appliedIndex: 11,
    commandVersion: 1,
    reason: '',
    strategy: { name: 'cost', objective: 'balanced', agreed: false },
    fenced: null,
    ...changes
  }
}

/** What an execution took. */
export function sampleUsage(changes: Partial<Usage> = {}): Usage {
  return { queueMs: 2, pullMs: 0, startMs: 0.25, runMs: 42, bytesIn: 3, bytesOut: 4, ...changes }
}

/** A placement that took birch, since atlas was dearer. */
export function sampleReceipt(changes: Partial<Receipt> = {}): Receipt {
  const cost = { network: 1, start: 0, pull: 0, queue: 4, run: 45, total: 50 }
  return {
    invocation: INVOCATION,
    function: 'thumb@1',
    at: '2026-01-02T03:04:05.000Z',
    by: ATLAS,
    term: 3,
    placement: 'orchestrator',
    strategy: 'cost',
    round: 0,
    try: 0,
    cpus: 0.5,
    memoryBytes: 128 * 2 ** 20,
    imageBytes: 1_000_000,
    estimate: { runMs: 45, coldStartMs: 300, warmStartMs: 0, outputBytes: 10, samples: 8 },
    decision: {
      chosen: BIRCH,
      verdicts: [
        { peer: ATLAS, fits: true, start: 'cold', cost: { ...cost, start: 130, total: 180 } },
        { peer: BIRCH, fits: true, start: 'warm', cost }
      ],
      skipped: 0,
      rejected: {}
    },
    viewAgeMs: 800,
    ...changes
  }
}

/** One that birch has answered. */
export function sampleInvocation(changes: Partial<InvocationRecord> = {}): InvocationRecord {
  return {
    id: INVOCATION,
    function: 'thumb',
    revision: 1,
    gateway: ATLAS,
    state: 'succeeded',
    acceptedAt: '2026-01-02T03:04:05.000Z',
    method: 'POST',
    path: '/',
    worker: BIRCH,
    start: 'warm',
    placement: 'orchestrator',
    status: 200,
    usage: sampleUsage(),
    totalMs: 44,
    receipts: [sampleReceipt()],
    ...changes
  }
}

/** The head of an answer, with a length unless the test wants none. */
export function sampleHead(changes: Partial<AnswerHead> = {}): AnswerHead {
  return { status: 200, headers: [['content-type', 'text/plain']], start: 'warm', ...changes }
}

/** An answer that ends well. */
export function sampleAnswer(changes: Partial<InvocationAnswer> = {}): InvocationAnswer {
  return {
    invocation: INVOCATION,
    worker: BIRCH,
    placement: 'orchestrator',
    head: sampleHead(),
    body: bytes('done'),
    end: Promise.resolve({ usage: sampleUsage() }),
    ...changes
  }
}

/** A body of these chunks. */
export async function* bytes(...chunks: readonly string[]): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** All of a body, as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

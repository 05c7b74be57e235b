import { statsOf } from '../../support/peer-stats.ts'
import type { Digest, InvocationId, PeerId } from '../../../src/model/ids.ts'
import type { LlcMode, LlcState } from '../../../src/model/llc.ts'
import type { PeerProfile, PeerState, PeerStats, PeerView } from '../../../src/model/peer.ts'
import type { PlacementRequest } from '../../../src/model/placement.ts'

export const GIB = 2 ** 30
export const MIB = 2 ** 20
export const FN = 'thumb@1'
export const IMAGE = 'sha256:thumb' as Digest

export function peerId(name: string): PeerId {
  return name as PeerId
}

export interface ViewFields {
  profile?: Partial<PeerProfile>
  stats?: Partial<PeerStats>
  state?: PeerState
  ageMs?: number
}

/** An idle machine with 4 cores and 8 GiB, without the image. */
export function viewOf(name: string, { profile, stats, state = 'alive', ageMs = 0 }: ViewFields = {}): PeerView {
  return {
    profile: {
      id: peerId(name),
      name,
      session: 1,
      addresses: [],
      api: '',
      version: '',
      runtime: 'docker',
      arch: 'amd64',
      capacity: { cpus: 4, memoryBytes: 8 * GIB, diskBytes: 0 },
      labels: {},
      usdPerHour: 0,
      startedAt: '',
      ...profile
    },
    stats: statsOf(stats),
    state,
    ageMs
  }
}

/** A last-level cache of so many MiB, of which those that run there are expected to need so many. */
export function llcOf(mib: number, expectedMib: number, mode: LlcMode = 'advisory'): LlcState {
  return { mode, reason: 'no_kernel', bytes: mib * MIB, ways: 16, expectedBytes: expectedMib * MIB }
}

/** One core, 1 GiB, image of 100 MB; runs 1 s, starts in 3 ms warm and 200 ms cold, moves no bytes. */
export function requestOf(fields: Partial<PlacementRequest> = {}): PlacementRequest {
  return {
    invocation: 'i-test' as InvocationId,
    function: FN,
    digest: IMAGE,
    imageBytes: 100_000_000,
    cpus: 1,
    memoryBytes: GIB,
    inputBytes: 0,
    exclude: [],
    deadlineMs: 60_000,
    estimate: { runMs: 1_000, coldStartMs: 200, warmStartMs: 3, outputBytes: 0, samples: 10 },
    ...fields
  }
}

/** Statistics of a worker with idle containers of {@link FN}, and its image. */
export function warmStats(idle: number): Partial<PeerStats> {
  return { warm: [{ function: FN, idle, busy: 0 }], images: [IMAGE] }
}

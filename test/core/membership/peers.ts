import { statsOf as idleStats } from '../../support/peer-stats.ts'
import type { MembershipEvent } from '../../../src/core/membership/state.ts'
import type { ClusterUid, PeerId } from '../../../src/model/ids.ts'
import type { ClusterDigest, Heartbeat, PeerDigest, PeerProfile, PeerState, PeerStats } from '../../../src/model/peer.ts'

export function peerId(name: string): PeerId {
  return name as PeerId
}

export function profileOf(name: string, session = 1): PeerProfile {
  return {
    id: peerId(name),
    name,
    session,
    addresses: [],
    api: '',
    version: '',
    runtime: 'docker',
    arch: 'amd64',
    capacity: { cpus: 4, memoryBytes: 2 ** 33, diskBytes: 0 },
    labels: {},
    usdPerHour: 0,
    startedAt: ''
  }
}

export function statsOf(seq: number, fields: Partial<PeerStats> = {}): PeerStats {
  return idleStats({ seq, ...fields })
}

export interface HeartbeatFields {
  session?: number
  seq?: number
  nextWithinMs?: number
  leaving?: boolean
  draining?: boolean
}

export function heartbeatOf(
  name: string,
  { session = 1, seq = 1, nextWithinMs = 1_000, leaving = false, draining = false }: HeartbeatFields = {}
): Heartbeat {
  return { cluster: 'test' as ClusterUid, profile: profileOf(name, session), stats: statsOf(seq, { draining }), nextWithinMs, leaving }
}

export interface LineFields {
  session?: number
  seq?: number
  ageMs?: number
  state?: PeerState
}

export function lineOf(name: string, { session = 1, seq = 1, ageMs = 0, state = 'alive' }: LineFields = {}): PeerDigest {
  return { profile: profileOf(name, session), stats: statsOf(seq), ageMs, state }
}

export function digestFrom(
  name: string,
  { term = 1, seq = 1 }: { term?: number; seq?: number },
  peers: readonly PeerDigest[]
): ClusterDigest {
  return { cluster: 'test' as ClusterUid, orchestrator: peerId(name), term, seq, peers }
}

/** `suspected b (silent 3000ms)`: an event as tests read it. */
export function show(event: MembershipEvent): string {
  switch (event.type) {
    case 'returned':
      return `returned ${event.name}${event.restarted ? ' (restarted)' : ''}`
    case 'suspected':
      return `suspected ${event.name} (silent ${event.silentMs}ms)`
    case 'gone':
      return `gone ${event.name} (${event.reason})`
    case 'drain-changed':
      return `${event.draining ? 'draining' : 'resumed'} ${event.name}`
    case 'joined':
      return `joined ${event.name}`
  }
}

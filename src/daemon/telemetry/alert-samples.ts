import { majority } from '../../core/consensus/quorum.ts'
import type { AlertSubject } from '../../model/alerts.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import { formatDurationMs } from '../../model/units.ts'
import { lostVoters, votersLeft, votersNow } from '../agreement/voters-now.ts'
import type { AlertSample } from './alert-judge.ts'

/** Fewest calls for which a share of failures means anything. */
const CALLS_MIN = 10

/** What alerts are judged by. */
export interface AlertFacts {
  readonly views: readonly PeerView[]
  /** Of the log's configuration. */
  readonly members: readonly PeerId[]
  readonly voters: readonly PeerId[]
  /** How long no orchestrator has been known; 0 while there is one. */
  readonly leaderlessMs: number
  /** Changes of orchestrator lately. */
  readonly changes: number
  readonly orchestrator: string | null
  /** Addresses that this peer was given, at which peers of another cluster have answered. */
  readonly foreignSeeds: readonly string[]
  /** What a peer is called, be it one that has not been heard since this one started. */
  readonly nameOf: (peer: PeerId) => string
  /** How far the clock of a peer is from ours, by its newest word. */
  readonly skewMs: (peer: PeerId) => number
  /** Calls through this gateway that ended within the last minute, by function. */
  readonly calls: readonly { readonly function: string; readonly calls: number; readonly failed: number }[]
}

const CLUSTER: AlertSubject = { kind: 'cluster', id: 'cluster', name: 'cluster' }

/** What to do about voters that are not there. */
const QUORUM_CURE = 'start them again, or, if they are lost for good, go on from a survivor: cares recover'

/** What to do about seeds of another cluster. */
const SEEDS_CURE = 'to join theirs, start it with an empty data directory, else take them out of --bootstrap'

/** The samples of all rules. */
export function alertSamples(facts: AlertFacts): readonly AlertSample[] {
  return [...clusterSamples(facts), ...facts.views.flatMap(view => peerSamples(view, facts)), ...functionSamples(facts)]
}

function clusterSamples({ views, voters, leaderlessMs, changes, orchestrator, nameOf, foreignSeeds }: AlertFacts): readonly AlertSample[] {
  const now = votersNow(voters, views)
  const left = votersLeft(now)
  const needed = majority(voters.length)
  // One or two voters never survive a loss: that is how their cluster is, and no news.
  const isAtRisk = voters.length > 2 && left === needed
  // A peer that has not heard the log of its cluster yet knows of no voters.
  const isLost = voters.length > 0 && left < needed
  return [
    {
      rule: 'orchestrator_missing',
      subject: CLUSTER,
      value: leaderlessMs,
      message: `no orchestrator has been known for ${formatDurationMs(leaderlessMs)}`
    },
    {
      rule: 'orchestrator_changed',
      subject: CLUSTER,
      value: changes,
      message: `the orchestrator has changed ${changes === 1 ? 'once' : `${changes} times`} lately; now it is ${orchestrator ?? 'nobody'}`
    },
    {
      rule: 'quorum_at_risk',
      subject: CLUSTER,
      value: isAtRisk ? 1 : 0,
      message: `${left} of ${voters.length} voters are there, and ${needed} are needed`
    },
    {
      rule: 'quorum_lost',
      subject: CLUSTER,
      value: isLost ? 1 : 0,
      message: isLost ? `nothing can be agreed: ${lostVoters(now, nameOf)}; ${QUORUM_CURE}` : ''
    },
    {
      rule: 'other_cluster',
      subject: CLUSTER,
      value: foreignSeeds.length,
      message: `the peers at ${foreignSeeds.join(', ')} belong to another cluster; this one goes on with its own: ${SEEDS_CURE}`
    }
  ]
}

function peerSamples({ profile, stats, state }: PeerView, { members, skewMs }: AlertFacts): readonly AlertSample[] {
  const { id, name, capacity } = profile
  const subject: AlertSubject = { kind: 'peer', id, name }
  const isGone = state === 'gone'
  const gone: AlertSample = { rule: 'peer_gone', subject, value: isGone && members.includes(id) ? 1 : 0, message: `${name} is gone` }
  // What a peer that is gone said last is no news.
  if (isGone) return [gone]
  const used = (rule: 'cpu_high' | 'memory_high' | 'disk_low', what: string, part: number, whole: number): AlertSample => {
    const value = whole > 0 ? part / whole : 0
    return { rule, subject, value, message: `${name} uses ${Math.round(value * 100)} % of its ${what}` }
  }
  const skew = Math.abs(skewMs(id))
  return [
    gone,
    used('cpu_high', 'CPU', stats.cpusUsed, capacity.cpus),
    used('memory_high', 'memory', stats.memoryUsedBytes, capacity.memoryBytes),
    used('disk_low', 'disk', stats.diskUsedBytes, capacity.diskBytes),
    {
      rule: 'runtime_down',
      subject,
      value: profile.runtime !== 'none' && stats.seq > 0 && !stats.runtimeReady ? 1 : 0,
      message: `the container engine of ${name} does not answer`
    },
    {
      rule: 'snapshot_failed',
      subject,
      value: stats.snapshotFailure === undefined ? 0 : 1,
      message: `${name} ${stats.snapshotFailure ?? ''}`
    },
    { rule: 'clock_skew', subject, value: skew, message: `the clock of ${name} is off by ${formatDurationMs(skew)}` }
  ]
}

function functionSamples({ calls }: AlertFacts): readonly AlertSample[] {
  return calls.map(({ function: name, calls: count, failed }) => ({
    rule: 'function_failures',
    subject: { kind: 'function', id: name, name },
    value: count < CALLS_MIN ? 0 : failed / count,
    message: `${failed} of the ${count} calls of ${name} within the last minute failed`
  }))
}

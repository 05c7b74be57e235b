import type { Peer } from '../../../model/rest.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { degradations, furtherAlerts } from '../../view-model.ts'
import { callsPerSecond, type ClusterData, isOrchestrator, ownPeer } from '../cluster-data.ts'
import { bold, dim, type Line, lineWidth, type Span } from '../lines.ts'
import { shownData, type TuiState } from '../state.ts'

/** The heading of every view of a cluster: whose it is, how it stands, and how new the picture is. Parts at the end give way. */
export function header(state: TuiState, width: number): { readonly title: Line; readonly right: Line } {
  const data = shownData(state)
  const { link } = data
  const right: Line = [clock(state.nowMs)]
  const parts: Line[] = [[{ text: 'CARES', bold: true, tone: 'accent' }]]
  if (state.settings.readOnly) parts.push([{ text: 'read-only', tone: 'warn' }])
  if (state.frozen !== null) parts.push([{ text: 'PAUSED', tone: 'warn', bold: true }])
  if (link.state === 'connecting') parts.push([`connecting to ${data.api}`])
  else if (link.state === 'lost')
    parts.push([
      { text: `RECONNECTING to ${data.api} (${formatDurationMs(floorSeconds(state.nowMs - link.sinceMs))})`, tone: 'bad', bold: true }
    ])
  else parts.push(...liveParts(data))
  const own = state.own.state
  if (own === 'draining' || own === 'stopping') parts.push([{ text: own, tone: 'warn', bold: true }])
  return { title: joined(parts, width - lineWidth(right) - RULE_COLUMNS), right }
}

/** What is wrong with the cluster, a row each; none while all is well. */
export function problemRows(state: TuiState): readonly Line[] {
  const data = shownData(state)
  if (data.link.state === 'lost') return [[{ text: `! ${data.link.reason}`, tone: 'bad' }]]
  if (data.cluster === null) return []
  const problems = degradations(data.cluster, data.peers).map((text): Problem => ({ text, tone: 'bad' }))
  const alerts = furtherAlerts(data.alerts, data.cluster, data.peers).map(
    ({ severity, message }): Problem => ({ text: message, tone: severity === 'critical' ? 'bad' : 'warn' })
  )
  const all = [...problems, ...alerts]
  const shown = all.length <= PROBLEMS_MAX ? all : all.slice(0, PROBLEMS_MAX - 1)
  const more = all.length - shown.length
  return [
    ...shown.map(({ text, tone }): Line => [{ text: `! ${text}`, tone }]),
    ...(more === 0 ? [] : [[{ text: `! ${more} more: `, tone: 'warn' } as const, dim(':alerts')]])
  ]
}

/** Whether what is shown may be old, and is better dimmed. */
export function isStale({ data }: TuiState): boolean {
  return data.link.state === 'lost'
}

/** `00:41:12Z`: like all times of CARES, whose machines may be anywhere, in UTC. */
function clock(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(11, 19)}Z`
}

/** What the rule takes of a heading beside its two texts. */
const RULE_COLUMNS = 5

/** More rows would take the room of what they are about. */
const PROBLEMS_MAX = 2

interface Problem {
  readonly text: string
  readonly tone: 'warn' | 'bad'
}

function liveParts(data: ClusterData): Line[] {
  const { cluster, peers } = data
  const own = ownPeer(data)
  if (cluster === null) return []
  const role: Line = isOrchestrator(data)
    ? ['orchestrator ', bold(cluster.self.name), `, term ${cluster.term}`]
    : ['worker ', bold(cluster.self.name), '  ', ...orchestratorPart(data)]
  return [
    role,
    ...(own?.runtime === 'process' ? [[{ text: 'no isolation', tone: 'warn' } as const]] : []),
    [peersPart(peers)],
    [`${rate(callsPerSecond(data))} calls/s`]
  ]
}

function orchestratorPart({ cluster, peers }: ClusterData): Line {
  if (cluster?.orchestrator == null) return [{ text: 'no orchestrator, electing', tone: 'warn' }]
  const { id, name } = cluster.orchestrator
  const peer = peers.find(peer => peer.id === id)
  const heard = peer === undefined ? '' : peer.state === 'alive' ? ' ok' : ` ${peer.state}`
  return ['orchestrator ', bold(name), heard]
}

function peersPart(peers: readonly Peer[]): string {
  const gone = peers.filter(({ state }) => state === 'gone').length
  const there = peers.length - gone
  return `${there} ${there === 1 ? 'peer' : 'peers'}${gone === 0 ? '' : `, ${gone} gone`}`
}

/** `37`, and `0.4` below ten. */
export function rate(value: number): string {
  return value >= 10 || value === 0 ? String(Math.round(value)) : value.toFixed(1)
}

function floorSeconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1_000) * 1_000)
}

function joined(parts: readonly Line[], width: number): Line {
  const line: Span[] = []
  for (const part of parts) {
    const gap = line.length === 0 ? [] : [dim('  ')]
    if (line.length > 0 && lineWidth([...line, ...gap, ...part]) > width) break
    line.push(...gap, ...part)
  }
  return line
}

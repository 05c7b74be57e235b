import type { CheckList, Cluster, FunctionItem, LogItem, Peer, StrategyItem } from '../model/rest.ts'
import { assertNever } from '../model/errors.ts'
import type { AlertItem, EventItem } from '../model/rest-events.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { peersTable } from './peer-view.ts'
import { type Cell, renderTable, type TableView } from './table.ts'
import { shortId } from '../model/short-id.ts'
import { keyed, timeOfDay } from './text.ts'

/*
 * What the API answers, as rows of text: here the cluster, its checks, events and logs, and in `…-view.ts` beside it peers, functions and
 * placements. Pure: the same answer and the same time always give the same rows, whichever face shows them.
 * Names come before ids, ages come last, and a cell has no spaces where a program may split it.
 */

/** What is wrong with a cluster that still answers; empty when all is well. */
export function degradations(cluster: Cluster, peers: readonly Peer[]): string[] {
  const { orchestrator, reason, fenced, voters, quorum } = cluster
  const { lost, mute, left } = votersOf(cluster, peers)
  const nameOf = (id: string): string => nameIn(cluster, peers, id)
  return [
    orchestrator === null ? [`no orchestrator${reason === '' ? '' : `: ${reason}`}`] : [],
    fenced === null ? [] : [`this peer takes no part any more: ${fenced}`],
    lost.length === 0 ? [] : [`voters not there: ${lost.map(nameOf).join(', ')} (${left} of ${voters.length} left, ${quorum} needed)`],
    mute.length === 0
      ? []
      : [
          `voters that take no part any more: ${mute.map(({ name }) => name).join(', ')} (${left} of ${voters.length} left, ${quorum} needed)`
        ],
    peers.some(peer => peer.state === 'alive' && peer.runtime !== 'none') ? [] : ['no peer takes work'],
    peers
      .filter(peer => peer.state === 'alive' && peer.runtime !== 'none' && !peer.runtimeReady)
      .map(peer => `${peer.name}: its container engine does not answer`)
  ].flat()
}

/** Whether so few voters are left that nothing can be agreed. A peer that has not heard of any cannot tell. */
export function isStuck(cluster: Cluster, peers: readonly Peer[]): boolean {
  return cluster.voters.length > 0 && votersOf(cluster, peers).left < cluster.quorum
}

/** The alerts that say more than {@link degradations} does: which voters are missing, and how many are needed, stands there already. */
export function furtherAlerts(alerts: readonly AlertItem[], cluster: Cluster, peers: readonly Peer[]): readonly AlertItem[] {
  const { lost, mute } = votersOf(cluster, peers)
  return lost.length + mute.length === 0 ? alerts : alerts.filter(({ rule }) => rule !== 'quorum_at_risk')
}

/** The voters that are not there, those that are and take no part, and how many are left. */
function votersOf({ voters }: Cluster, peers: readonly Peer[]): { lost: readonly string[]; mute: readonly Peer[]; left: number } {
  const lost = voters.filter(voter => !peers.some(peer => peer.id === voter && (peer.state === 'alive' || peer.state === 'draining')))
  const mute = peers.filter(peer => peer.fenced === true && voters.includes(peer.id) && !lost.includes(peer.id))
  return { lost, mute, left: voters.length - lost.length - mute.length }
}

/** What a peer is called; one that the peer which answered has not heard since it started, by the name that it remembers. */
function nameIn({ names }: Cluster, peers: readonly Peer[], id: string): string {
  return peers.find(peer => peer.id === id)?.name ?? names?.[id] ?? shortId(id)
}

/**
 * How a cluster stands in a few words: what is wrong with itself comes before what its alerts say, and that nothing can be agreed before all else.
 * Nothing is healthy beside an alert.
 */
export function verdict(
  problems: readonly string[],
  alerts: readonly Pick<AlertItem, 'severity'>[],
  { stuck }: { stuck: boolean }
): Verdict {
  if (stuck) return { text: `degraded, nothing can be agreed: ${counted(problems.length, 'problem')}`, tone: 'bad' }
  if (problems.length > 0) return { text: `degraded: ${counted(problems.length, 'problem')}`, tone: 'bad' }
  const critical = alerts.filter(({ severity }) => severity === 'critical').length
  const warnings = alerts.length - critical
  if (critical === 0 && warnings === 0) return { text: 'healthy', tone: 'good' }
  const parts = [...(critical === 0 ? [] : [`${critical} critical`]), ...(warnings === 0 ? [] : [counted(warnings, 'warning')])]
  return { text: `working, with ${parts.join(' and ')}`, tone: critical === 0 ? 'warn' : 'bad' }
}

/** A word on how things are, and how serious it is. */
export interface Verdict {
  readonly text: string
  readonly tone: 'good' | 'warn' | 'bad'
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** How the cluster stands, on one screen. */
export function statusLines(
  cluster: Cluster,
  peers: readonly Peer[],
  functions: readonly FunctionItem[],
  alerts: readonly AlertItem[],
  nowMs: number,
  view: TableView
): string[] {
  const problems = degradations(cluster, peers)
  const members = new Set([...cluster.voters, ...cluster.learners])
  // One that was removed, or left, is known for some minutes still; `cares peers` shows it.
  const shown = peers.filter(({ id, state }) => state !== 'gone' || members.size === 0 || members.has(id))
  const there = shown.filter(peer => peer.state !== 'gone')
  const stuck = isStuck(cluster, peers)
  const nameOf = (id: string): string => nameIn(cluster, peers, id)
  return [
    ...keyed([
      [
        'Cluster',
        `${paint(verdict(problems, alerts, { stuck }), view)}, ${cluster.private ? 'private' : 'open'}, as ${cluster.self.name} sees it`
      ],
      ['Orchestrator', cluster.orchestrator === null ? '-' : `${cluster.orchestrator.name}, term ${cluster.term}`],
      [
        'Voters',
        `${cluster.voters.map(voter => `${nameOf(voter)}${behind(cluster.lag?.[voter])}`).join(' ') || '-'} (${cluster.quorum} needed, ${cluster.faultTolerance} may die)`
      ],
      ['Peers', `${there.length} there, ${shown.length - there.length} gone`],
      ['Functions', String(functions.length)],
      ['Strategy', strategyText(cluster.strategy)],
      ...versionRows(there)
    ]),
    ...problems.map(problem => `! ${problem}`),
    ...furtherAlerts(alerts, cluster, peers).map(({ severity, message }) => `! ${severity}: ${message}`),
    '',
    ...renderTable(peersTable(shown, nowMs), view)
  ]
}

/** Which versions the peers run, while they differ: what is new cannot be used until all of them have it. */
function versionRows(peers: readonly Peer[]): readonly (readonly [string, string])[] {
  const byVersion = Map.groupBy(peers, ({ version }) => version)
  if (byVersion.size < 2) return []
  const text = [...byVersion].map(([version, some]) => `${version} (${some.map(({ name }) => name).join(', ')})`).join(', ')
  const reads = new Set(peers.map(({ commandVersion = 1 }) => commandVersion))
  return [['Versions', reads.size === 1 ? text : `${text}; what is new in the newest can be used once all are upgraded`]]
}

/** A strategy by its name, with what it saves, and whose it is where the cluster has not agreed on it. */
export function strategyText({ name, objective, agreed = true }: Pick<StrategyItem, 'name' | 'objective'> & { agreed?: boolean }): string {
  return `${name}${objective === null ? '' : ` (${objective})`}${agreed ? '' : ', as each peer was started'}`
}

/** A peer that is so far behind takes more than one message to catch up; less is only what is on its way. */
const BEHIND_ENTRIES = 64

function behind(entries = 0): string {
  return entries < BEHIND_ENTRIES ? '' : `, ${entries} entries behind,`
}

/** The checks of a peer, each `ok` or what to do. */
export function checksLines({ items }: Pick<CheckList, 'items'>, { paint: painter }: TableView): string[] {
  const width = Math.max(...items.map(({ name }) => name.length), 0)
  return items.flatMap(({ name, ok, message, hint }) => [
    `${paint(ok ? { text: 'ok  ', tone: 'good' } : { text: 'FAIL', tone: 'bad' }, { paint: painter })}  ${name.padEnd(width)}  ${message}`,
    ...(hint === undefined || ok ? [] : [`${' '.repeat(6 + width)}  try: ${hint}`])
  ])
}

/**
 * One event in a line.
 *
 * @param names - names of peers by id, as far as they are known
 */
export function eventLine({ at, ...event }: EventItem, names: ReadonlyMap<string, string> = new Map()): string {
  const nameOf = (id: string): string => names.get(id) ?? shortId(id)
  return `${timeOfDay(at)}  ${event.type.padEnd(EVENT_TYPE_WIDTH)}  ${eventText(event, nameOf)}`
}

/** The longest event name, `runtime:state-changed`. */
const EVENT_TYPE_WIDTH = 21

/** An event without its time. */
export type EventBody = EventItem extends infer Item ? (Item extends EventItem ? Omit<Item, 'at'> : never) : never

/** What an event says, after its time and its type. */
export function eventText(event: EventBody, nameOf: (id: string) => string): string {
  switch (event.type) {
    case 'peer:joined':
    case 'peer:returned':
      return event.data.name
    case 'peer:suspected':
      return `${event.data.name}, silent for ${formatDurationMs(event.data.silentMs)}`
    case 'peer:gone':
      return `${event.data.name} (${event.data.reason})`
    case 'peer:drain-changed':
      return `${event.data.name} ${event.data.draining ? 'takes no new work' : 'takes work again'}`
    case 'orchestrator:changed':
      return `${event.data.name ?? 'nobody'}, term ${event.data.term}`
    case 'voters:changed':
      return event.data.voters.map(nameOf).join(' ')
    case 'strategy:changed':
      return event.data.name === null ? 'as each peer was started' : strategyText({ ...event.data, name: event.data.name })
    case 'function:uploaded':
      return `${event.data.name} revision ${event.data.revision} from ${event.data.image}`
    case 'function:removed':
      return event.data.name
    case 'invocation:placed':
      return `${event.data.invocation} ${event.data.function} -> ${nameOf(event.data.worker)}, cost ${formatDurationMs(event.data.costMs)}${event.data.placement === 'fallback' ? ' (fallback)' : ''}`
    case 'invocation:finished':
      return `${event.data.invocation} ${event.data.function} ${event.data.code ?? event.data.status} in ${formatDurationMs(event.data.totalMs)}`
    case 'task:submitted':
      return `${event.data.task} ${event.data.name}`
    case 'task:started':
      return `${event.data.task} ${event.data.name} -> ${nameOf(event.data.worker)}, attempt ${event.data.attempt}`
    case 'task:health-changed':
      return `${event.data.task} ${event.data.name} ${event.data.health} on ${nameOf(event.data.worker)}`
    case 'task:port-refused':
      return `${event.data.task} ${event.data.name}: ${event.data.reason}`
    case 'task:requeued':
      return `${event.data.task} ${event.data.name} attempt ${event.data.attempt}: ${event.data.code ?? 'handed back'}`
    case 'task:finished':
      return `${event.data.task} ${event.data.name} ${event.data.state}${event.data.code === null ? '' : ` (${event.data.code})`}`
    case 'image:progressed':
      return `${event.data.function} from ${nameOf(event.data.from)}, ${formatBytes(event.data.bytes)} of about ${formatBytes(event.data.imageBytes)}`
    case 'image:arrived':
      return `${event.data.function}, ${formatBytes(event.data.bytes)} in ${formatDurationMs(event.data.tookMs)}`
    case 'image:failed':
      return `${event.data.function}: ${event.data.reason}`
    case 'runtime:state-changed':
      return `${event.data.ready ? 'ready' : 'not ready'}${event.data.reason === '' ? '' : `: ${event.data.reason}`}`
    case 'alert:raised':
    case 'alert:cleared':
      return `${event.data.rule}: ${event.data.message}`
    default:
      return assertNever(event)
  }
}

/** One log line, with its origin before it when lines of several origins are mixed. */
export function logText({ peer, invocation, text }: LogItem, names: ReadonlyMap<string, string>, { prefix }: { prefix: boolean }): string {
  const origin = [names.get(peer) ?? shortId(peer), invocation].filter(part => part !== undefined).join(' ')
  return prefix ? `${origin} | ${text}` : text
}

function paint(value: Cell, { paint: painter = text => text }: TableView): string {
  return typeof value === 'string' ? value : painter(value.text, value.tone)
}

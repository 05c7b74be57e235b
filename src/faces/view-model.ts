import type { CheckList, Cluster, EventItem, FunctionItem, LogItem, Peer, PeerStatsItem, PutResultBody, Stats } from '../model/rest.ts'
import type { Cell, Table, TableView, Tone } from './table.ts'
import { assertNever } from '../model/errors.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { renderTable } from './table.ts'

/*
 * What the API answers, as rows of text. Pure: the same answer and the same time always give the same rows, whichever face shows them.
 * Names come before ids, ages come last, and a cell has no spaces where a program may split it.
 */

const STATE_TONES: Readonly<Record<PeerStatsItem['state'], Tone>> = { alive: 'good', suspect: 'warn', draining: 'warn', gone: 'bad' }

/** Every peer in a row. AGE is how long it has run, or, of one that is gone, has been silent. */
export function peersTable(peers: readonly Peer[], nowMs: number): Table {
  return {
    columns: [
      { title: 'NAME', shrinks: true },
      { title: 'ROLE' },
      { title: 'STATE' },
      { title: 'CPU', align: 'right' },
      { title: 'MEM', align: 'right' },
      { title: 'RESERVED', align: 'right' },
      { title: 'RUNNING', align: 'right' },
      { title: 'OK%', align: 'right' },
      { title: 'VOTER', wide: true },
      { title: 'RUNTIME', wide: true },
      { title: 'ARCH', wide: true },
      { title: 'VERSION', wide: true },
      { title: 'API', wide: true },
      { title: 'ID', wide: true },
      { title: 'AGE', align: 'right' }
    ],
    rows: peers.map(peer => [
      peer.name,
      peer.role,
      stateCell(peer.state),
      ...useCells(peer),
      String(peer.running),
      okRatio(peer),
      peer.voter ? 'yes' : 'no',
      runtimeCell(peer),
      peer.arch,
      peer.version,
      peer.api,
      peer.id,
      peer.state === 'gone' ? formatDurationMs(peer.ageMs) : formatAge(peer.startedAt, nowMs)
    ])
  }
}

/** One peer on a screen of its own. */
export function peerLines(peer: Peer, nowMs: number): string[] {
  const { capacity, used, reserved } = peer
  const warm = peer.warm.map(pool => `${pool.function} (${pool.idle} idle, ${pool.busy} busy)`)
  return keyed([
    [peer.name, `${peer.state}, ${peer.role}${peer.voter ? ', voter' : ''}`],
    ['id', peer.id],
    ['cpu', `${oneDecimal(used.cpus)} of ${oneDecimal(capacity.cpus)} cores used, ${oneDecimal(reserved.cpus)} reserved`],
    [
      'memory',
      `${formatBytes(used.memoryBytes)} of ${formatBytes(capacity.memoryBytes)} used, ${formatBytes(reserved.memoryBytes)} reserved`
    ],
    ['disk', `${formatBytes(used.diskBytes)} of ${formatBytes(capacity.diskBytes)} used`],
    ['work', `${peer.running} running, ${peer.succeeded} succeeded, ${peer.failed} failed`],
    ['warm', warm.length === 0 ? 'nothing' : warm.join(', ')],
    ['images', String(peer.images)],
    ['runtime', `${cell(runtimeCell(peer))}, ${peer.arch}${peer.runtime === 'process' ? '; gives no isolation' : ''}`],
    ['api', peer.api],
    ['addresses', peer.addresses.join(' ')],
    ['labels', pairs(peer.labels)],
    ['price', peer.usdPerHour === 0 ? 'not stated' : `${peer.usdPerHour} USD an hour`],
    ['version', peer.version],
    ['heard', `${formatDurationMs(peer.ageMs)} ago, up ${formatAge(peer.startedAt, nowMs)}`]
  ])
}

/** What each peer uses and has done. */
export function statsTable(peers: readonly PeerStatsItem[]): Table {
  return {
    columns: [
      { title: 'NAME', shrinks: true },
      { title: 'STATE' },
      { title: 'CPU', align: 'right' },
      { title: 'MEM', align: 'right' },
      { title: 'DISK', align: 'right', wide: true },
      { title: 'RESERVED', align: 'right' },
      { title: 'CPU-RESERVED', align: 'right', wide: true },
      { title: 'MEM-RESERVED', align: 'right', wide: true },
      { title: 'RUNNING', align: 'right' },
      { title: 'OK', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'ID', wide: true },
      { title: 'AGE', align: 'right' }
    ],
    rows: peers.map(({ name, state, capacity, used, reserved, running, succeeded, failed, id, ageMs }) => [
      name,
      stateCell(state),
      `${oneDecimal(used.cpus)}/${oneDecimal(capacity.cpus)}`,
      `${formatBytes(used.memoryBytes)}/${formatBytes(capacity.memoryBytes)}`,
      `${formatBytes(used.diskBytes)}/${formatBytes(capacity.diskBytes)}`,
      mostReserved(reserved, capacity),
      oneDecimal(reserved.cpus),
      formatBytes(reserved.memoryBytes),
      String(running),
      String(succeeded),
      String(failed),
      id,
      formatDurationMs(ageMs)
    ])
  }
}

/** The cluster's numbers, or one peer's, in one line: a sample of `stats -w` in a pipe. */
export function statsLine({ at, totals }: Pick<Stats, 'at' | 'totals'>): string {
  const { peers, used, capacity, reserved, running, succeeded, failed } = totals
  return [
    timeOfDay(at),
    `peers=${peers.alive}/${peers.alive + peers.suspect + peers.draining + peers.gone}`,
    `cpu=${percent(used.cpus, capacity.cpus)}`,
    `mem=${percent(used.memoryBytes, capacity.memoryBytes)}`,
    `reserved=${percent(reserved.memoryBytes, capacity.memoryBytes)}`,
    `running=${running}`,
    `ok=${succeeded}`,
    `failed=${failed}`
  ].join(' ')
}

/** One peer's numbers in one line. */
export function peerStatsLine(at: string, { name, state, used, capacity, reserved, running, succeeded, failed }: PeerStatsItem): string {
  return [
    timeOfDay(at),
    `peer=${name}`,
    `state=${state}`,
    `cpu=${percent(used.cpus, capacity.cpus)}`,
    `mem=${percent(used.memoryBytes, capacity.memoryBytes)}`,
    `reserved=${percent(reserved.memoryBytes, capacity.memoryBytes)}`,
    `running=${running}`,
    `ok=${succeeded}`,
    `failed=${failed}`
  ].join(' ')
}

/** Every function in a row. */
export function functionsTable(functions: readonly FunctionItem[], nowMs: number): Table {
  return {
    columns: [
      { title: 'NAME' },
      { title: 'CONTRACT' },
      { title: 'REV', align: 'right' },
      { title: 'CPU', align: 'right' },
      { title: 'MEM', align: 'right' },
      { title: 'TIMEOUT', align: 'right' },
      { title: 'IMAGE', shrinks: true },
      { title: 'NETWORK', wide: true },
      { title: 'CALLS', align: 'right', wide: true },
      { title: 'PREWARM', align: 'right', wide: true },
      { title: 'URL', wide: true },
      { title: 'DIGEST', wide: true },
      { title: 'AGE', align: 'right' }
    ],
    rows: functions.map(fn => [
      fn.name,
      fn.contract,
      String(fn.revision),
      String(fn.cpus),
      formatBytes(fn.memoryBytes),
      formatDurationMs(fn.timeoutMs),
      fn.image,
      fn.network,
      String(fn.concurrency),
      String(fn.prewarm),
      fn.url,
      fn.digest,
      formatAge(fn.updatedAt, nowMs)
    ])
  }
}

/** One function on a screen of its own. */
export function functionLines(fn: FunctionItem, nowMs: number): string[] {
  return keyed([
    [fn.name, `revision ${fn.revision}, ${formatAge(fn.updatedAt, nowMs)} ago`],
    ['image', `${fn.image} (${formatBytes(fn.imageBytes)})`],
    ['digest', fn.digest],
    ['contract', contractText(fn)],
    ['limits', `cpu ${fn.cpus}, memory ${formatBytes(fn.memoryBytes)}, timeout ${formatDurationMs(fn.timeoutMs)}`],
    ['calls', `${fn.concurrency} at once in a container${fn.prewarm > 0 ? `, ${fn.prewarm} prewarmed` : ''}`],
    ['network', fn.network],
    ['retries', fn.idempotent ? 'idempotent: may be run again' : 'only while it has not started'],
    // Values are often secrets; whoever needs them asks for JSON.
    ['env', Object.keys(fn.env).join(' ') || 'none'],
    ['url', fn.url]
  ])
}

/** What `cares upload` says when the function is there. */
export function uploadLines({ result, dryRun, because, function: fn }: PutResultBody): string[] {
  const did = dryRun && result !== 'unchanged' ? `would be ${result}` : result
  return [
    `${fn.name} ${did}  revision ${fn.revision}`,
    ...keyed([
      ['  image', `${fn.image}@${shortDigest(fn.digest)} (${formatBytes(fn.imageBytes)})`],
      ['  contract', contractText(fn) + evidence(because, fn)],
      ['  url', fn.url],
      ['  try', `cares invoke ${fn.name} -d DATA`]
    ])
  ]
}

/** What is wrong with a cluster that still answers; empty when all is well. */
export function degradations({ orchestrator, reason, fenced, voters, quorum }: Cluster, peers: readonly Peer[]): string[] {
  const lost = voters.filter(voter => !peers.some(peer => peer.id === voter && (peer.state === 'alive' || peer.state === 'draining')))
  const nameOf = (id: string): string => peers.find(peer => peer.id === id)?.name ?? shortId(id)
  return [
    orchestrator === null ? [`no orchestrator${reason === '' ? '' : `: ${reason}`}`] : [],
    fenced === null ? [] : [`this peer takes no part any more: ${fenced}`],
    lost.length === 0
      ? []
      : [`voters not there: ${lost.map(nameOf).join(', ')} (${voters.length - lost.length} of ${voters.length} left, ${quorum} needed)`],
    peers.some(peer => peer.state === 'alive' && peer.runtime !== 'none') ? [] : ['no peer takes work'],
    peers
      .filter(peer => peer.state === 'alive' && peer.runtime !== 'none' && !peer.runtimeReady)
      .map(peer => `${peer.name}: its container engine does not answer`)
  ].flat()
}

/** How the cluster stands, on one screen. */
export function statusLines(
  cluster: Cluster,
  peers: readonly Peer[],
  functions: readonly FunctionItem[],
  nowMs: number,
  view: TableView
): string[] {
  const problems = degradations(cluster, peers)
  const there = peers.filter(peer => peer.state !== 'gone')
  const nameOf = (id: string): string => peers.find(peer => peer.id === id)?.name ?? shortId(id)
  const verdict: Cell = problems.length === 0 ? { text: 'healthy', tone: 'good' } : { text: 'degraded', tone: 'bad' }
  return [
    ...keyed([
      ['Cluster', `${paint(verdict, view)}, ${cluster.private ? 'private' : 'open'}, as ${cluster.self.name} sees it`],
      ['Orchestrator', cluster.orchestrator === null ? '-' : `${cluster.orchestrator.name}, term ${cluster.term}`],
      ['Voters', `${cluster.voters.map(nameOf).join(' ') || '-'} (${cluster.quorum} needed, ${cluster.faultTolerance} may die)`],
      ['Peers', `${there.length} there, ${peers.length - there.length} gone`],
      ['Functions', String(functions.length)]
    ]),
    ...problems.map(problem => `! ${problem}`),
    '',
    ...renderTable(peersTable(peers, nowMs), view)
  ]
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

type EventBody = EventItem extends infer Item ? (Item extends EventItem ? Omit<Item, 'at'> : never) : never

function eventText(event: EventBody, nameOf: (id: string) => string): string {
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
    case 'function:uploaded':
      return `${event.data.name} revision ${event.data.revision} from ${event.data.image}`
    case 'function:removed':
      return event.data.name
    case 'invocation:placed':
      return `${event.data.invocation} ${event.data.function} -> ${nameOf(event.data.worker)}, cost ${formatDurationMs(event.data.costMs)}${event.data.placement === 'fallback' ? ' (fallback)' : ''}`
    case 'invocation:finished':
      return `${event.data.invocation} ${event.data.function} ${event.data.code ?? event.data.status} in ${formatDurationMs(event.data.totalMs)}`
    case 'runtime:state-changed':
      return `${event.data.ready ? 'ready' : 'not ready'}${event.data.reason === '' ? '' : `: ${event.data.reason}`}`
    default:
      return assertNever(event)
  }
}

/** One log line, with its origin before it when lines of several origins are mixed. */
export function logText({ peer, invocation, text }: LogItem, names: ReadonlyMap<string, string>, { prefix }: { prefix: boolean }): string {
  const origin = [names.get(peer) ?? shortId(peer), invocation].filter(part => part !== undefined).join(' ')
  return prefix ? `${origin} | ${text}` : text
}

/** `00:41:07.312Z` of an RFC 3339 time, whose date the reader knows. */
export function timeOfDay(at: string): string {
  return /T(\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?)\d*(Z)?/.exec(at)?.slice(1).join('') ?? at
}

/** The end of an id, which tells peers apart: they all begin alike. */
export function shortId(id: string): string {
  return id.length <= SHORT_ID_CHARACTERS ? id : `…${id.slice(-SHORT_ID_CHARACTERS)}`
}

const SHORT_ID_CHARACTERS = 8

/** Rows of `key  value` with the values below each other. */
export function keyed(rows: readonly (readonly [key: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([key]) => key.length))
  return rows.map(([key, value]) => `${key.padEnd(width)}  ${value}`.trimEnd())
}

/** Why the contract was chosen, without saying the port twice. */
function evidence(because: string, { port }: FunctionItem): string {
  const reason = because.replace(`port ${port} from`, 'from')
  return reason === '' ? '' : ` (${reason})`
}

function contractText({ contract, port, readyPath }: FunctionItem): string {
  return contract === 'stdio' ? 'stdio' : `http, port ${port}${readyPath === undefined ? '' : `, ready at ${readyPath}`}`
}

function useCells({ capacity, used, reserved, state }: PeerStatsItem): Cell[] {
  if (state === 'gone') return ['-', '-', '-']
  return [percent(used.cpus, capacity.cpus), percent(used.memoryBytes, capacity.memoryBytes), mostReserved(reserved, capacity)]
}

/** Of cpu and memory the scarcer one: it is what limits the work that a peer can still take. */
function mostReserved(reserved: PeerStatsItem['reserved'], capacity: PeerStatsItem['capacity']): string {
  return `${Math.round(100 * Math.max(ratio(reserved.cpus, capacity.cpus), ratio(reserved.memoryBytes, capacity.memoryBytes)))}%`
}

function stateCell(state: PeerStatsItem['state']): Cell {
  return { text: state, tone: STATE_TONES[state] }
}

function runtimeCell({ runtime, runtimeReady }: Peer): Cell {
  return runtimeReady || runtime === 'none' ? runtime : { text: `${runtime}(down)`, tone: 'bad' }
}

function cell(value: Cell): string {
  return typeof value === 'string' ? value : value.text
}

function paint(value: Cell, { paint: painter = text => text }: TableView): string {
  return typeof value === 'string' ? value : painter(value.text, value.tone)
}

function okRatio({ succeeded, failed }: PeerStatsItem): string {
  return succeeded + failed === 0 ? '-' : ((100 * succeeded) / (succeeded + failed)).toFixed(1)
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${Math.round(100 * ratio(part, whole))}%`
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

/** Clocks of machines differ: a start in the future is now. */
function formatAge(at: string, nowMs: number): string {
  const ageMs = nowMs - Date.parse(at)
  return Number.isNaN(ageMs) ? '-' : formatDurationMs(Math.max(0, Math.floor(ageMs / 1_000) * 1_000))
}

function shortDigest(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{8})[0-9a-f]+$/, '$1')
}

function oneDecimal(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}

function pairs(labels: Readonly<Record<string, string>>): string {
  const shown = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return shown.length === 0 ? 'none' : shown.join(' ')
}

/** What differs between two revisions of a function, as the user would write it: `memory 256Mi -> 512Mi`. */
export function functionChanges(before: FunctionItem, after: FunctionItem): string[] {
  const change = (what: string, read: (fn: FunctionItem) => string): string[] =>
    read(before) === read(after) ? [] : [`${what} ${read(before)} -> ${read(after)}`]
  const env = JSON.stringify(Object.entries(before.env).sort()) === JSON.stringify(Object.entries(after.env).sort()) ? [] : ['env']
  return [
    ...change('image', fn => fn.image),
    ...change('digest', fn => shortDigest(fn.digest)),
    ...change('contract', contractText),
    ...change('cpu', fn => String(fn.cpus)),
    ...change('memory', fn => formatBytes(fn.memoryBytes)),
    ...change('timeout', fn => formatDurationMs(fn.timeoutMs)),
    ...change('concurrency', fn => String(fn.concurrency)),
    ...change('prewarm', fn => String(fn.prewarm)),
    ...change('idempotent', fn => String(fn.idempotent)),
    ...change('network', fn => fn.network),
    ...env
  ]
}

import { llcText } from '../model/llc.ts'
import { PRESETS } from '../model/presets.ts'
import type { Peer, PeerStatsItem, Stats } from '../model/rest.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { type Cell, cellText, type Table, type Tone } from './table.ts'
import { formatAge, keyed, oneDecimal, percent, ratio, timeOfDay } from './text.ts'

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
      peer.fenced === true ? { text: 'fenced', tone: 'bad' } : peer.voter ? 'yes' : 'no',
      runtimeCell(peer),
      peer.arch,
      peer.version,
      peer.api,
      peer.id,
      peer.state === 'gone' ? formatDurationMs(peer.ageMs) : formatAge(peer.startedAt, nowMs)
    ])
  }
}

/** What it means for a peer that it is fenced. */
export const FENCED = 'takes no part in what is agreed any more: its disk failed, or is not what it was'

/** One peer on a screen of its own. */
export function peerLines(peer: Peer, nowMs: number): string[] {
  const { capacity, used, reserved } = peer
  const warm = peer.warm.map(pool => `${pool.function} (${pool.idle} idle, ${pool.busy} busy)`)
  return keyed([
    [peer.name, `${peer.state}, ${peer.role}${peer.voter ? ', voter' : ''}`],
    ...(peer.fenced === true ? [['fenced', FENCED] as const] : []),
    ['id', peer.id],
    ['cpu', `${oneDecimal(used.cpus)} of ${oneDecimal(capacity.cpus)} cores used, ${oneDecimal(reserved.cpus)} reserved`],
    [
      'memory',
      `${formatBytes(used.memoryBytes)} of ${formatBytes(capacity.memoryBytes)} used, ${formatBytes(reserved.memoryBytes)} reserved`
    ],
    ['disk', `${formatBytes(used.diskBytes)} of ${formatBytes(capacity.diskBytes)} used`],
    ['work', `${runningText(peer)}, ${peer.succeeded} succeeded, ${peer.failed} failed`],
    ['warm', warm.length === 0 ? 'nothing' : warm.join(', ')],
    ['images', String(peer.images)],
    ['runtime', `${cellText(runtimeCell(peer))}, ${peer.arch}${peer.runtime === 'process' ? '; gives no isolation' : ''}`],
    ...(peer.llc == null ? [] : [['cache', llcText(peer.llc)] as const]),
    ...(peer.gpuRefusal === undefined ? [] : [['gpus', peer.gpuRefusal] as const]),
    ['api', peer.api],
    ['addresses', peer.addresses.join(' ')],
    ['labels', pairs(peer.labels)],
    ['price', peer.usdPerHour === 0 ? 'not stated' : `${peer.usdPerHour} USD an hour`],
    ['version', peer.version],
    ['heard', `${formatDurationMs(peer.ageMs)} ago, up ${formatAge(peer.startedAt, nowMs)}`],
    ...(peer.state === 'gone'
      ? [
          [
            'member',
            `until one orchestrator has missed it for ${formatDurationMs(PRESETS.lan.forgetAfterMs)}; a new one counts anew`
          ] as const
        ]
      : [])
  ])
}

/** How much runs on a peer, and how much of that may run for long. */
export function runningText({ running, tasks = 0 }: Pick<Peer, 'running' | 'tasks'>): string {
  if (tasks === 0) return `${running} running`
  return `${running} running (${tasks === running ? '' : `${tasks} of them `}${tasks === 1 ? 'a task or service' : 'tasks or services'})`
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
      { title: 'HEARD', align: 'right' }
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
  const { alive, suspect, draining, gone } = totals.peers
  return [timeOfDay(at), `peers=${alive}/${alive + suspect + draining + gone}`, ...numbers(totals)].join(' ')
}

/** One peer's numbers in one line. */
export function peerStatsLine(at: string, peer: PeerStatsItem): string {
  return [timeOfDay(at), `peer=${peer.name}`, `state=${peer.state}`, ...numbers(peer)].join(' ')
}

/** What lines tell of one peer as of all. */
function numbers({
  used,
  capacity,
  reserved,
  running,
  succeeded,
  failed
}: Pick<PeerStatsItem, 'used' | 'capacity' | 'reserved' | 'running' | 'succeeded' | 'failed'>): readonly string[] {
  return [
    `cpu=${percent(used.cpus, capacity.cpus)}`,
    `mem=${percent(used.memoryBytes, capacity.memoryBytes)}`,
    `reserved=${percent(reserved.memoryBytes, capacity.memoryBytes)}`,
    `running=${running}`,
    `ok=${succeeded}`,
    `failed=${failed}`
  ]
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

function okRatio({ succeeded, failed }: PeerStatsItem): string {
  return succeeded + failed === 0 ? '-' : ((100 * succeeded) / (succeeded + failed)).toFixed(1)
}

function pairs(labels: Readonly<Record<string, string>>): string {
  const shown = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return shown.length === 0 ? 'none' : shown.join(' ')
}

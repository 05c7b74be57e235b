import { HISTORY, newest } from '../../../model/history.ts'
import type { Peer } from '../../../model/rest.ts'
import { formatDurationMs } from '../../../model/units.ts'
import { historyScope } from '../../history-scope.ts'
import { percent } from '../../text.ts'
import { chartRows, sparkline } from '../charts.ts'
import { callsPerSecond, type ClusterData, SAMPLES_MAX, useOf, waitingCalls } from '../cluster-data.ts'
import { type Area, type Page, type Section } from '../frame.ts'
import { bold, cell, dim, type Line, type Span, spread } from '../lines.ts'
import { listedPeers } from '../listed.ts'
import { shownData, type TuiState } from '../state.ts'
import { header, problemRows, rate } from './header.ts'

/** Five minutes of the cluster: calls, cpu and memory of every peer, and how each function does. */
export function monitorPage(state: TuiState, area: Area, top: number): Page {
  const data = shownData(state)
  const problems = problemRows(state)
  const functions = functionSection(data, area, top)
  const peers = data.peers.filter(({ state }) => state !== 'gone').length
  const waiting = waitingSection(data)
  const heights = shares(area.height - 3 - problems.length - (waiting === null ? 0 : waiting.height + 1), peers, functions.rows.length)
  const { title, right } = header(state, area.width)
  return {
    sections: [
      { title, right, rows: [...problems, ...callRows(data, area, heights.calls)], height: heights.calls + problems.length },
      ...(waiting === null ? [] : [waiting]),
      peerSection(state, data, { ...area, height: heights.peers }, heights.peerRows),
      { ...functions, height: heights.functions }
    ],
    keys: [
      ['up/down', 'scroll'],
      ['s', 'sort'],
      ['p', 'pause'],
      [':', 'command'],
      ['?', 'help'],
      ['esc', 'back'],
      ['q', 'quit']
    ]
  }
}

/** Rows of the chart of all calls, with its line of numbers: at least, and at most. */
const CALLS_HEIGHT = { min: 4, max: 14 }

/** Rows of one peer at most: a blank one, which tells its charts from those above, and the charts. */
const PEER_HEIGHT_MAX = 3

/** Who gets how many rows: functions and peers what they need, while there is room, and the charts what is left. */
function shares(
  height: number,
  peerRows: number,
  functionRows: number
): { readonly calls: number; readonly peers: number; readonly peerRows: number; readonly functions: number } {
  const room = height - CALLS_HEIGHT.min
  const functions = Math.max(2, Math.min(functionRows, Math.max(Math.floor(room / 2), room - peerRows)))
  const listed = Math.max(1, Math.min(peerRows, room - functions))
  const each = Math.max(1, Math.min(PEER_HEIGHT_MAX, Math.floor((height - CALLS_HEIGHT.max - functions) / listed)))
  const peers = listed * each
  const calls = Math.min(CALLS_HEIGHT.max, height - peers - functions)
  return { calls, peers, peerRows: each, functions: Math.max(functions, height - calls - peers) }
}

/** Which functions have calls that wait for a worker, and why; null while none has. */
function waitingSection(data: ClusterData): Section | null {
  const waiting = waitingCalls(data)
  if (waiting.length === 0) return null
  const calls = waiting.reduce((sum, each) => sum + each.calls, 0)
  return {
    title: [{ text: 'Queue', bold: true, tone: 'warn' }, ` ${calls} ${calls === 1 ? 'call waits' : 'calls wait'}`],
    right: data.invocations === null ? [] : [dim(historyScope(data.invocations))],
    rows: waiting.map(
      ({ name, calls, longestMs, why }): Line => [
        bold(cell(name, FUNCTION)),
        cell(String(calls), 5, 'right'),
        cell(formatDurationMs(Math.round(longestMs / 100) * 100), 8, 'right'),
        '  ',
        why === '' ? dim('for its turn') : why
      ]
    ),
    height: Math.min(WAITING_ROWS_MAX, waiting.length)
  }
}

/** More functions than that rarely wait; the peers below are of use to the reader, too. */
const WAITING_ROWS_MAX = 4
const FUNCTION = 16

function callRows(data: ClusterData, { width, glyphs }: Area, height: number): readonly Line[] {
  const values = data.endedPerSecond
  const max = Math.max(1, ...values)
  const running = data.peers.reduce((sum, peer) => sum + (peer.state === 'gone' ? 0 : peer.running), 0)
  const title = spread(
    [bold('Calls'), `  ${rate(callsPerSecond(data))}/s now, ${rate(max)}/s at most, ${running} running`],
    [dim('5 minutes')],
    width
  )
  return [
    title,
    ...chartRows(values, { width, height: height - 1, max, span: SAMPLES_MAX }, glyphs).map((row): Line => [{ text: row, tone: 'accent' }])
  ]
}

function peerSection(state: TuiState, data: ClusterData, { width, height, glyphs }: Area, peerRows: number): Section {
  const peers = listedPeers(data, { ...state.list, filter: '' }).filter(({ state }) => state !== 'gone')
  const chart = Math.max(0, Math.floor((width - NAME - 2 * (PERCENT + 3)) / 2))
  const listed = Math.floor(height / peerRows)
  const charts = { chart, height: Math.max(1, peerRows - 1), glyphs }
  const apart: readonly Line[] = peerRows === 1 ? [] : [[]]
  const rows = peers.slice(0, listed).flatMap(peer => apart.concat(rowsOfPeer(data, peer, charts)))
  const more = peers.length > listed ? ` ${listed} of ${peers.length}` : ''
  return {
    title: [bold('Peers'), dim(`  by ${state.list.sort}${more}`)],
    right: [dim('left cpu, right memory')],
    rows,
    height
  }
}

/** The charts of one peer, with its name and numbers in their last row, where the newest samples end. */
function rowsOfPeer(
  data: ClusterData,
  { id, name, used, capacity }: Peer,
  { chart, height, glyphs }: { chart: number; height: number; glyphs: Area['glyphs'] }
): readonly Line[] {
  const { cpu, memory } = useOf(data, id)
  const drawn = (values: readonly number[]): readonly Span[] =>
    chartRows(values, { width: chart, height, max: 1, span: SAMPLES_MAX }, glyphs).map(text => ({ text, tone: 'accent' }))
  const [cpuRows, memoryRows] = [drawn(cpu), drawn(memory)]
  return Array.from({ length: height }, (_, row): Line => {
    const isLast = row === height - 1
    return [
      bold(cell(isLast ? name : '', NAME)),
      ' ',
      cpuRows[row] ?? '',
      cell(isLast ? percent(used.cpus, capacity.cpus) : '', PERCENT, 'right'),
      '  ',
      memoryRows[row] ?? '',
      cell(isLast ? percent(used.memoryBytes, capacity.memoryBytes) : '', PERCENT, 'right')
    ]
  })
}

const NAME = 12
const PERCENT = 5

function functionSection({ calls: history }: ClusterData, { width, glyphs }: Area, top: number): Section {
  const functions = (history?.functions ?? [])
    .filter(({ overall }) => overall.calls > 0)
    .toSorted((a, b) => b.overall.calls - a.overall.calls || (a.name < b.name ? -1 : 1))
  const chart = Math.max(0, Math.min(40, width - 66))
  const head = `${cell('FUNCTION', 16)} ${cell('CALLS/S', 8, 'right')}${cell('CALLS', 8, 'right')}${cell('P50', 8, 'right')}${cell('P95', 8, 'right')}${cell('ERRORS', 8, 'right')}${cell('COLD', 7, 'right')}`
  const rows = functions
    .slice(Math.min(top, Math.max(0, functions.length - 1)))
    .map(({ name, calls, overall: { calls: all, failed, cold, p50Ms, p95Ms } }): Line => {
      const series = newest(calls, SAMPLES_MAX / STEP_S, 0)
      return [
        bold(cell(name, 16)),
        ' ',
        cell(rate(all / secondsSinceFirst(calls)), 8, 'right'),
        cell(String(all), 8, 'right'),
        cell(p50Ms === null ? '-' : formatDurationMs(p50Ms), 8, 'right'),
        cell(p95Ms === null ? '-' : formatDurationMs(p95Ms), 8, 'right'),
        failed === 0 ? cell('0', 8, 'right') : { text: cell(String(failed), 8, 'right'), tone: 'bad' },
        cell(percent(cold, all), 7, 'right'),
        '  ',
        { text: sparkline(series, { width: chart, max: Math.max(1, ...series), span: series.length }, glyphs), tone: 'accent' }
      ]
    })
  const empty = history === null ? 'asking the peers' : 'no calls in the last 5 minutes'
  return {
    title: [bold('Functions')],
    right: history === null ? [] : [dim(historyScope(history))],
    rows: rows.length === 0 ? [[dim(empty)]] : [[dim(head)], ...rows],
    height: rows.length + 1
  }
}

const STEP_S = HISTORY.fine.stepMs / 1_000

/** A function that is new is as busy as it was since it came, not as it would have been all the while. */
function secondsSinceFirst(calls: readonly number[]): number {
  const first = calls.findIndex(count => count > 0)
  return STEP_S * Math.max(1, calls.length - Math.max(0, first))
}

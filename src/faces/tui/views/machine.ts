import type { Peer } from '../../../model/rest.ts'
import { formatBytes } from '../../../model/units.ts'
import { oneDecimal } from '../../text.ts'
import { bar, shareNumbers } from '../bars.ts'
import { sparkline } from '../charts.ts'
import { ownPeer, SAMPLES_MAX, useOf } from '../cluster-data.ts'
import { type Area, type Page } from '../frame.ts'
import { bold, cell, dim, type Line, styled } from '../lines.ts'
import { okRatio } from '../listed.ts'
import { shownData, type TuiState } from '../state.ts'
import { header, isStale, problemRows } from './header.ts'
import { logSection } from './home.ts'

/** One peer by itself: what it uses and has used, what it did, and who the orchestrator is. */
export function machinePage(state: TuiState, area: Area): Page {
  const data = shownData(state)
  const own = ownPeer(data)
  const problems = problemRows(state)
  const rows = [...problems, ...(own === undefined ? [[dim('waiting for the first statistics')]] : useRows(state, own, area))]
  const { title, right } = header(state, area.width)
  return {
    sections: [
      { title, right, rows: isStale(state) ? rows.map(row => styled(row, { tone: 'dim' })) : rows, height: rows.length },
      logSection(state, { ...area, height: Math.max(0, area.height - rows.length - 2) }, { always: true, title: 'Activity' })
    ],
    keys: [
      ['m', 'monitor'],
      ['i', 'invoke'],
      ['f', 'functions'],
      ['t', 'tasks'],
      ['d', own?.state === 'draining' ? 'resume' : 'drain'],
      ['v', 'cluster'],
      ['/', 'filter'],
      [':', 'command'],
      ['?', 'help'],
      ['q', 'quit']
    ]
  }
}

/** Bars, numbers and history of one peer's use. */
export function useRows(state: TuiState, peer: Peer, { width, glyphs }: Area): readonly Line[] {
  const data = shownData(state)
  const { capacity, used, reserved } = peer
  const series = useOf(data, peer.id)
  const barWidth = glyphs.bar === null || width < 60 ? 0 : Math.min(30, Math.floor(width / 5))
  const chartWidth = glyphs.levels.length === 0 ? 0 : Math.max(0, Math.min(60, width - LABEL - barWidth - NUMBERS - 7))
  const history = (values: readonly number[], max: number): string =>
    sparkline(values, { width: chartWidth, max, span: SAMPLES_MAX }, glyphs)
  const row = (label: string, use: number, promised: number, whole: number, text: string, values: readonly number[]): Line => {
    const share = { used: use, reserved: promised, capacity: whole }
    const drawn = bar(share, barWidth, glyphs)
    return [
      bold(cell(label, LABEL)),
      ...drawn,
      ...(drawn.length === 0 ? [] : [' ']),
      cell(`${shareNumbers(share)} ${text}`, NUMBERS),
      ...historySpans(history(values, 1))
    ]
  }
  const ended = peer.succeeded + peer.failed
  const network = data.cluster?.self.id === peer.id ? data.network : null
  return [
    row('CPU', used.cpus, reserved.cpus, capacity.cpus, `of ${oneDecimal(capacity.cpus)}`, series.cpu),
    row('Memory', used.memoryBytes, reserved.memoryBytes, capacity.memoryBytes, `of ${formatBytes(capacity.memoryBytes)}`, series.memory),
    row('Disk', used.diskBytes, 0, capacity.diskBytes, `of ${formatBytes(capacity.diskBytes)}`, series.disk),
    networkRow(network, { barWidth, history }),
    [
      bold(cell('Work', LABEL)),
      `${peer.running} running  `,
      dim(`${glyphs.dot}  `),
      `${peer.succeeded} done  `,
      dim(`${glyphs.dot}  `),
      peer.failed === 0 ? '0 failed' : { text: `${peer.failed} failed`, tone: 'warn' },
      dim(`  ${glyphs.dot}  `),
      `OK ${ended === 0 ? '-' : `${(100 * okRatio(peer)).toFixed(1)}%`}`,
      dim(`  ${glyphs.dot}  `),
      `warm ${peer.warm.reduce((sum, pool) => sum + pool.idle + pool.busy, 0)}`
    ]
  ]
}

const LABEL = 8
const NUMBERS = 19

function networkRow(
  network: { readonly inBytes: readonly number[]; readonly outBytes: readonly number[] } | null,
  { barWidth, history }: { barWidth: number; history: (values: readonly number[], max: number) => string }
): Line {
  if (network === null) return [bold(cell('Network', LABEL)), dim('measured on the machine itself only')]
  const { inBytes, outBytes } = network
  const text = `in ${formatBytes(inBytes.at(-1) ?? 0)}B/s  out ${formatBytes(outBytes.at(-1) ?? 0)}B/s`
  const both = inBytes.map((bytes, index) => bytes + (outBytes[index] ?? 0))
  const room = NUMBERS + (barWidth === 0 ? 0 : barWidth + 1)
  return [bold(cell('Network', LABEL)), cell(text, room), ...historySpans(history(both, Math.max(...both, 1)))]
}

function historySpans(chart: string): Line {
  return chart === '' ? [] : [dim('  5m '), { text: chart, tone: 'accent' }]
}

import type { Peer } from '../../../model/rest.ts'
import { formatDurationMs } from '../../../model/units.ts'
import type { Activity } from '../activity.ts'
import { bar, SHARE_WIDTH, shareNumbers } from '../bars.ts'
import { type Area, type Page, type Section } from '../frame.ts'
import { bold, cell, dim, fitLine, type Line, lineWidth, type Span, styled } from '../lines.ts'
import { listedLog, listedPeers, okRatio, windowAround } from '../listed.ts'
import { cursorIn } from '../press-view.ts'
import { offered } from '../read-only.ts'
import { shownData, type TuiState } from '../state.ts'
import { header, isStale, problemRows } from './header.ts'

/** The whole cluster: every peer, what happens, and what can be done. */
export function clusterPage(state: TuiState, area: Area): Page {
  const problems = problemRows(state)
  const menu = menuSection(state, area)
  // Two headings, the column titles, the menu with its heading.
  const room = area.height - 3 - problems.length - (menu === null ? 0 : 2)
  const peers = listedPeers(shownData(state), state.list)
  const peersHeight = Math.max(1, Math.min(peers.length, Math.max(3, Math.floor(room * PEERS_PART))))
  return {
    sections: [
      peersSection(state, peers, { ...area, height: peersHeight + 1 + problems.length }, problems),
      logSection(state, { ...area, height: Math.max(0, room - peersHeight) }),
      ...(menu === null ? [] : [menu])
    ],
    keys: [
      ['enter', state.list.focus === 'peers' ? 'peer' : 'explain'],
      ['tab', state.list.focus === 'peers' ? 'to log' : 'to peers'],
      ...(state.list.focus === 'peers' ? [['s', `by ${state.list.reversed ? '-' : ''}${state.list.sort}`] as const] : []),
      ['/', 'filter'],
      [':', 'command'],
      ['?', 'help'],
      ['q', 'quit']
    ]
  }
}

/** The log with its cursor. */
export function logSection(state: TuiState, { width, height, glyphs }: Area, { always = false, title = 'Log' } = {}): Section {
  const { list } = state
  const focused = always || list.focus === 'log'
  const lines = listedLog(shownData(state), list, always)
  const at = cursorIn(lines, list.line)
  const follows = list.line === null
  const { from, to } = follows ? { from: Math.max(0, lines.length - height), to: lines.length } : windowAround(lines.length, at, height)
  const rows = lines.slice(from, to).map((line, index): Line => {
    const row = fitLine(activityRow(line), width)
    return focused && !follows && from + index === at ? styled(row, { inverse: true }) : isStale(state) ? styled(row, { tone: 'dim' }) : row
  })
  const filter = focused && list.filter !== '' ? [' ', { text: `/${list.filter}`, tone: 'accent' } as const, dim(` ${lines.length}`)] : []
  return {
    title: [focused ? { text: title, bold: true, tone: 'accent' } : bold(title), ...filter],
    right: [dim(follows ? 'following' : `${at + 1} of ${lines.length} ${glyphs.dash} end follows`)],
    rows: rows.length === 0 ? [[dim(list.filter !== '' && focused ? 'no line has these words' : 'nothing has happened yet')]] : rows,
    height
  }
}

/** Of the rows that peers and log share, at most so many are for the peers. */
const PEERS_PART = 0.6

function activityRow({ at, kind, text, tone }: Activity): Line {
  return [
    dim(`${at} `),
    tone === undefined ? cell(kind, KIND_WIDTH) : { text: cell(kind, KIND_WIDTH), tone, bold: tone === 'bad' },
    ' ',
    text
  ]
}

const KIND_WIDTH = 8

function menuSection(state: TuiState, { width, height }: Area): Section | null {
  if (height < MENU_HEIGHT_MIN) return null
  const menu = offered(state, MENU)
  const widthOf = (count: number): number => menu.slice(0, count).reduce((sum, [, word]) => sum + word.length + 4, count - 1)
  let count = menu.length
  while (count > 1 && widthOf(count) > width) count--
  const gap = ' '.repeat(Math.min(4, 1 + Math.floor((width - widthOf(count)) / Math.max(1, count - 1))))
  const row = menu
    .slice(0, count)
    .flatMap(([key, word], index): Span[] => [{ text: `${index === 0 ? '' : gap}[${key}]`, tone: 'accent', bold: true }, ` ${word}`])
  return { title: [bold('Menu')], rows: [row], height: 1 }
}

/** The first ones matter most: a narrow screen leaves the others to the help. */
const MENU = [
  ['u', 'Upload function'],
  ['m', 'Monitor status'],
  ['i', 'Invoke'],
  ['f', 'Functions'],
  ['t', 'Tasks'],
  ['n', 'Run task'],
  ['e', 'Explain'],
  ['l', 'Log']
] as const

/** On a lower screen the keys are still in the help. */
const MENU_HEIGHT_MIN = 14

function peersSection(state: TuiState, peers: readonly Peer[], area: Area, problems: readonly Line[]): Section {
  const { list } = state
  const height = area.height - 1 - problems.length
  const layout = peerLayout(area.width)
  const at = Math.min(list.peer, Math.max(0, peers.length - 1))
  const { from, to } = windowAround(peers.length, at, height)
  const focused = list.focus === 'peers'
  const rows = peers.slice(from, to).map((peer, index): Line => {
    const marked = focused && from + index === at
    const row = fitLine(peerRow(state, peer, layout, area, marked), area.width)
    return isStale(state) ? styled(row, { tone: 'dim' }) : row
  })
  const filter = focused && list.filter !== '' ? [' ', { text: `/${list.filter}`, tone: 'accent' } as const] : []
  const more = to - from < peers.length ? [dim(`${from + 1}-${to} of ${peers.length}  `)] : []
  const { title, right } = header(state, area.width - lineWidth([...filter, ...more]))
  return {
    title: [...title, ...filter],
    right: [...more, ...right],
    rows: [...problems, peerTitles(layout, focused), ...rows],
    height: area.height
  }
}

/** How wide the columns of the peers are: on a narrow screen bars give way to their numbers. */
interface PeerLayout {
  readonly name: number
  readonly bar: number
  readonly price: boolean
}

function peerLayout(width: number): PeerLayout {
  const price = width >= 100
  const name = width >= 100 ? 18 : 11
  const numbers = RUN + OK + COST + (price ? PRICE : 0)
  const fixed = 2 + name + 2 + 2 * (SHARE_WIDTH + 3) + numbers
  const bar = Math.min(BAR_MAX, Math.floor((width - fixed) / 2))
  return { name, bar: bar < BAR_MIN ? 0 : bar, price }
}

/** Columns of numbers, with the blanks before them. */
const RUN = 4
const OK = 7
const COST = 9
const PRICE = 9
/** A shorter bar says less than its number. */
const BAR_MIN = 5
const BAR_MAX = 28

function peerTitles({ name, bar, price }: PeerLayout, focused: boolean): Line {
  const share = (title: string): string => `${cell(title, bar === 0 ? SHARE_WIDTH : bar + SHARE_WIDTH + 1, bar === 0 ? 'right' : 'left')}  `
  const titles = `  ${cell('PEER', name)}  ${share('CPU')}${share('MEMORY')}${cell('RUN', RUN, 'right')}${cell('OK%', OK, 'right')}${cell('COST', COST, 'right')}${price ? cell('USD/H', PRICE, 'right') : ''}`
  return [{ text: titles, tone: 'dim', bold: focused }]
}

function peerRow(state: TuiState, peer: Peer, { name, bar: barWidth, price }: PeerLayout, { glyphs }: Area, marked: boolean): Line {
  const { costs, cluster } = shownData(state)
  const isOrchestrator = cluster?.orchestrator?.id === peer.id
  const shown = cell(`${peer.name}${isOrchestrator ? ` ${glyphs.orchestrator}` : ''}`, name)
  const label: Span = {
    text: `${marked ? glyphs.cursor : ' '} ${shown}`,
    bold: marked || isOrchestrator,
    tone: marked ? 'accent' : undefined
  }
  if (peer.state === 'gone')
    return [{ ...label, tone: marked ? 'accent' : 'dim' }, dim(`  gone, last heard ${formatDurationMs(floorSeconds(peer.ageMs))} ago`)]
  const share = (used: number, reserved: number, capacity: number): Line => {
    const drawn = bar({ used, reserved, capacity }, barWidth, glyphs)
    return [...drawn, ...(drawn.length === 0 ? [] : [' ']), shareNumbers({ used, reserved, capacity }), '  ']
  }
  const { used, reserved, capacity } = peer
  const ended = peer.succeeded + peer.failed
  const ok = ended === 0 ? '-' : (100 * okRatio(peer)).toFixed(ended > 0 && okRatio(peer) === 1 ? 0 : 1)
  const cost = costs.get(peer.id)
  return [
    label,
    '  ',
    ...share(used.cpus, reserved.cpus, capacity.cpus),
    ...share(used.memoryBytes, reserved.memoryBytes, capacity.memoryBytes),
    cell(String(peer.running), RUN, 'right'),
    ended > 0 && okRatio(peer) < OK_WARN_RATIO ? { text: cell(ok, OK, 'right'), tone: 'warn' } : cell(ok, OK, 'right'),
    peer.state === 'alive'
      ? cell(cost === undefined ? '-' : formatDurationMs(cost), COST, 'right')
      : { text: cell(peer.state === 'draining' ? 'draining' : 'suspect', COST, 'right'), tone: 'warn' },
    ...(price ? [cell(peer.usdPerHour === 0 ? '-' : String(peer.usdPerHour), PRICE, 'right')] : [])
  ]
}

/** Below this part of successes a peer is worth a look. */
const OK_WARN_RATIO = 0.95

function floorSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}

import type { TaskItem } from '../../../model/rest-tasks.ts'
import { renderTable, type Table } from '../../table.ts'
import { tasksTable } from '../../task-view.ts'
import { functionsTable } from '../../function-view.ts'
import { peerLines } from '../../peer-view.ts'
import { type Area, type Page } from '../frame.ts'
import { bold, dim, type Line } from '../lines.ts'
import { windowAround } from '../listed.ts'
import { shownData, type TuiState } from '../state.ts'
import { header, problemRows } from './header.ts'
import { logSection } from './home.ts'
import { useRows } from './machine.ts'

/** The functions of the cluster. */
export function functionsPage(state: TuiState, area: Area, selected: number): Page {
  const { functions, nowMs } = shownData(state)
  const problems = problemRows(state)
  const height = area.height - 1 - problems.length
  const [titles = '', ...lines] = renderTable(functionsTable(functions, nowMs), { width: area.width - 2 })
  const { from, to } = windowAround(lines.length, selected, height - 1)
  const rows = lines.slice(from, to).map((line, index): Line => {
    const marked = from + index === selected
    return [{ text: `${marked ? area.glyphs.cursor : ' '} ${line}`, bold: marked, tone: marked ? 'accent' : undefined }]
  })
  const empty: Line[] = [[dim('There are no functions yet.')], [], ['Press ', bold('u'), ' to upload one.']]
  const { title, right } = header(state, area.width)
  return {
    sections: [
      {
        title,
        right,
        rows: [...problems, ...(lines.length === 0 ? empty : [[dim(`  ${titles}`)], ...rows])],
        height: height + problems.length
      }
    ],
    keys: [
      ['enter', 'show'],
      ['i', 'invoke'],
      ['l', 'logs'],
      ['e', 'explain'],
      ['c', 'copy url'],
      ['u', 'upload'],
      ['x', 'remove'],
      ['esc', 'back'],
      ['?', 'help']
    ]
  }
}

/** The newest tasks of the cluster, and how many there are in each state. */
export function tasksPage(state: TuiState, area: Area, selected: number): Page {
  const { tasks, nowMs } = shownData(state)
  const problems = problemRows(state)
  const items = tasks?.items ?? []
  const height = area.height - 1 - problems.length
  const [titles = '', ...lines] = renderTable(shortTasksTable(items, nowMs), { width: area.width - 2 })
  const { from, to } = windowAround(lines.length, selected, height - 2)
  const rows = lines.slice(from, to).map((line, index): Line => {
    const marked = from + index === selected
    const tone = items[from + index]?.state === 'dead' ? 'bad' : undefined
    return [{ text: `${marked ? area.glyphs.cursor : ' '} ${line}`, bold: marked, tone: marked ? 'accent' : tone }]
  })
  const counts = Object.entries(tasks?.counts ?? {}).map(([name, count]) => `${count} ${name}`)
  const none: Line[] =
    tasks === null
      ? [[dim('asking for the tasks')]]
      : [[dim('There are no tasks yet.')], [], ['Press ', bold('n'), ' to run one, or: ', bold(':run IMAGE')]]
  const { title, right } = header(state, area.width)
  return {
    sections: [
      {
        title,
        right,
        rows: [...problems, [counts.join(`  ${area.glyphs.dot}  `)], ...(lines.length === 0 ? none : [[dim(`  ${titles}`)], ...rows])],
        height: height + problems.length
      }
    ],
    keys: [
      ['enter', 'show'],
      ['l', 'logs'],
      ['e', 'explain'],
      ['n', 'new'],
      ['x', 'cancel'],
      ['esc', 'back'],
      ['?', 'help'],
      ['q', 'quit']
    ]
  }
}

/** What tells tasks apart on a narrow screen: the name, without the id, which the view behind Enter shows. */
function shortTasksTable(tasks: readonly TaskItem[], nowMs: number): Table {
  const { columns, rows } = tasksTable(tasks, nowMs)
  const at = columns.findIndex(({ title }) => title === 'ID')
  return { columns: columns.filter((_, index) => index !== at), rows: rows.map(row => row.filter((_, index) => index !== at)) }
}

/** All that is known of one peer. */
export function peerPage(state: TuiState, area: Area, id: string): Page {
  const data = shownData(state)
  const peer = data.peers.find(peer => peer.id === id)
  const { title, right } = header(state, area.width)
  const height = area.height - 1
  const rows: Line[] =
    peer === undefined
      ? [[dim('This peer is not known any more.')]]
      : [...useRows(state, peer, area), [], ...peerLines(peer, data.nowMs).map((line): Line => [line])]
  return {
    sections: [{ title, right, rows, height }],
    keys: [
      ['d', peer?.state === 'draining' ? 'resume' : 'drain'],
      [':', 'command'],
      ['?', 'help'],
      ['esc', 'back'],
      ['q', 'quit']
    ]
  }
}

/** The log on the whole screen. */
export function logPage(state: TuiState, area: Area): Page {
  const { title, right } = header(state, area.width)
  return {
    sections: [{ title, right, rows: [], height: 0 }, logSection(state, { ...area, height: area.height - 2 }, { always: true })],
    keys: [
      ['up/down', 'move'],
      ['enter', 'explain the call'],
      ['/', 'filter'],
      ['p', 'pause'],
      ['G', 'follow'],
      ['esc', 'back'],
      ['?', 'help']
    ]
  }
}

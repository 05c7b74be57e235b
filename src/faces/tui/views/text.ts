import { type Area, type Page } from '../frame.ts'
import { bold, dim, type Line, wrapped } from '../lines.ts'
import { findings, pagerWindow } from '../pager.ts'
import type { Pager } from '../state.ts'

/** What a command wrote, and what can be done with it. */
export function pagerPage(pager: Pager, { height }: Area): Page {
  const room = height - 1
  const found = findings(pager)
  const state =
    pager.exitCode === null
      ? [{ text: 'running', tone: 'accent' } as const]
      : pager.exitCode === 0
        ? [{ text: 'done', tone: 'good' } as const]
        : [{ text: `failed, exit code ${pager.exitCode}`, tone: 'bad' } as const]
  const window = pagerWindow(pager, room).map((line): Line => [line])
  const place = pager.lines.length > room ? [dim(`${Math.min(pager.top + 1, pager.lines.length)} of ${pager.lines.length}  `)] : []
  return {
    sections: [
      {
        title: [bold(pager.title)],
        right: [...place, ...state],
        rows: pager.lines.length === 0 && pager.exitCode === 0 ? [[dim('it wrote nothing')]] : window,
        height: room
      }
    ],
    keys: [
      ...(found.function === undefined ? [] : [['i', 'invoke now'] as const]),
      ...(found.url === undefined ? [] : [['c', 'copy url'] as const]),
      ...(found.invocation === undefined || pager.title.startsWith('cares explain') ? [] : [['e', 'explain'] as const]),
      ...(pager.lines.length > room ? [['up/down', 'scroll'] as const] : []),
      ['esc', pager.exitCode === null ? 'cancel' : 'back'],
      ['?', 'help'],
      ['q', 'quit']
    ]
  }
}

/** What every key does, and what the marks mean. */
export function helpPage({ width, height, glyphs }: Area, top: number): Page {
  const { bar } = glyphs
  const group = (title: string, keys: readonly (readonly [key: string, does: string])[]): readonly Line[] => [
    [bold(title)],
    ...keys.flatMap(each => keyRows(each, width))
  ]
  const rows: readonly Line[] = [
    ...group('Everywhere', [
      ['esc', 'back; in a list with a filter, all of it again'],
      [':', 'any command of cares, as in a shell; Tab completes, up and down call back'],
      ['/', 'only what has these words'],
      ['p', 'stop the picture, and let it go on'],
      ['?', 'this help'],
      ['q, ctrl-c', 'quit; where this screen is a peer, it asks what becomes of it']
    ]),
    ...group('Cluster', [
      ['up down j k', 'move; PgUp PgDn a page, g G to the ends'],
      ['tab', 'from the peers to the log and back'],
      ['enter', 'of a peer, all that is known; of a call in the log, why it ran there'],
      ['s  r', 'sort by name, cpu, memory, running, success, cost; reverse'],
      ['v', 'this machine by itself, or the whole cluster'],
      ['d', 'drain this machine, or the peer that is shown'],
      ['u m i f t n', 'upload, monitor, invoke, functions, tasks, run a task'],
      ['e  l', 'explain the call under the cursor, or the newest; the log on the whole screen']
    ]),
    ...group('Marks', [
      ...(bar === null ? [] : [[`${bar.used}${bar.reserved}${bar.free}`, 'in use, promised but idle, free'] as const]),
      ['26/40%', 'in use / promised to executions and warm containers'],
      [glyphs.orchestrator, 'the orchestrator'],
      ['COST', 'what the last calls placed there were expected to take, from sending to answer']
    ])
  ]
  const room = height - 1
  return {
    sections: [
      {
        title: [{ text: 'Help', bold: true, tone: 'accent' }],
        rows: rows.slice(Math.min(top, Math.max(0, rows.length - room))),
        height: room
      }
    ],
    keys: [
      ['up/down', 'scroll'],
      ['esc', 'back']
    ]
  }
}

function keyRows([key, does]: readonly [key: string, does: string], width: number): readonly Line[] {
  return wrapped(does, width - KEY_WIDTH - 2).map(
    (part, row): Line => ['  ', { text: (row === 0 ? key : '').padEnd(KEY_WIDTH), tone: 'accent' }, part.trimStart()]
  )
}

const KEY_WIDTH = 13

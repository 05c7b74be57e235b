import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { renderToString } from 'ink'
import { createElement as h } from 'react'
import { Rows } from '../../../src/faces/tui/app.ts'
import { lineWidth } from '../../../src/faces/tui/lines.ts'
import { ended, openPager, withOutput } from '../../../src/faces/tui/pager.ts'
import { screenLines } from '../../../src/faces/tui/screen.ts'
import type { Invocation } from '../../../src/model/rest-invocations.ts'
import type { TuiState } from '../../../src/faces/tui/state.ts'
import { update } from '../../../src/faces/tui/update.ts'
import { INVOCATION, INVOCATION_ID, samplePeer } from '../samples.ts'
import { lineText } from './line-text.ts'
import { assertGolden } from './golden.ts'
import { freshState, MACHINE, press, sampleLook, TASKS, watching } from './states.ts'

/** What stands on the terminal, as the drawing library puts it there. */
function drawn(state: TuiState): string {
  const { columns } = state.size
  const colour = state.settings.colour
  return renderToString(h(Rows, { lines: screenLines(state), columns, palette: colour ? 'dark' : null }), { columns })
}

const plain = { colour: false }
const SMALL = { columns: 80, rows: 24 }
const LARGE = { columns: 120, rows: 36 }

const withMachine = (settings = {}): TuiState =>
  update(update(freshState(SMALL, { ...plain, ...settings }), { type: 'probed', answers: false }).state, {
    type: 'machine',
    machine: MACHINE
  }).state

const pager = (state: TuiState): TuiState => {
  const output = `thumb created  revision 1\n  url  http://127.0.0.1:7070/fn/thumb\n* invocation ${INVOCATION_ID} on birch\n`
  return {
    ...state,
    views: [...state.views, ended(withOutput(openPager('cares upload acme/thumb:1.4', { run: 1, columns: 76 }), output), 0)]
  }
}

const lost = (state: TuiState): TuiState => {
  const reason = 'cannot reach a peer at http://127.0.0.1:7070: connection refused'
  const first = update(state, { type: 'unreachable', nowMs: state.nowMs, reason }).state
  return update(first, { type: 'unreachable', nowMs: state.nowMs + 12_000, reason }).state
}

const withTasks = (state: TuiState): TuiState => ({ ...state, data: { ...state.data, tasks: TASKS } })

const queued = (state: TuiState): TuiState => {
  const waits = (second: number, name: string): Invocation => ({
    ...INVOCATION,
    state: 'queued',
    function: name,
    acceptedAt: new Date(state.data.nowMs - second * 1_000).toISOString()
  })
  const invocations = { items: [waits(4.2, 'thumb'), waits(2, 'thumb'), waits(1, 'upper')], missing: [] }
  return { ...state, data: { ...state.data, invocations, waitingWhy: new Map([['thumb', 'memory: needs 256Mi, at most 118Mi left']]) } }
}

const asPeer = (state: TuiState): TuiState => ({ ...state, own: { state: 'running', name: 'atlas' } })

const SCREENS: readonly (readonly [name: string, state: () => TuiState])[] = [
  ['start-80', () => withMachine()],
  ['start-elsewhere-80', () => withMachine({ api: 'http://10.0.0.5:7070' })],
  ['create-80', () => press(withMachine(), 'enter', 'atlas', 'tab', 'right')],
  ['join-80', () => press(withMachine(), 'down', 'enter', '/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWQx7f3a#k7Qm')],
  [
    'join-refused-80',
    () => {
      const joining = press(withMachine(), 'down', 'enter', '/ip4/10.0.0.5/tcp/4001', 'enter')
      return update(joining, {
        type: 'peer-failed',
        lines: [
          'cannot start: cluster id is not valid: its peer id has the wrong length (cut while copying?)',
          'try: copy the whole line that `cares id` prints on a peer of the cluster'
        ]
      }).state
    }
  ],
  [
    'joining-80',
    () =>
      update(press(withMachine(), 'down', 'enter', '/ip4/10.0.0.5/tcp/4001', 'enter'), {
        type: 'peer-log',
        lines: [
          '12:00:01.000 info  cares: API listens',
          '12:00:02.000 warn  daemon: no peer of the cluster has let this one in yet reason="10.0.0.5:4001 does not answer" hint="check that its port can be reached from here" retryInMs=200',
          '12:00:02.200 warn  daemon: no peer of the cluster has let this one in yet reason="10.0.0.5:4001 does not answer" hint="check that its port can be reached from here" retryInMs=400'
        ]
      }).state
  ],
  ['cluster-80', () => watching('atlas', SMALL, plain)],
  ['cluster-120', () => watching('atlas', LARGE, plain)],
  ['cluster-60', () => watching('atlas', { columns: 60, rows: 20 }, plain)],
  ['cluster-ascii-80', () => watching('atlas', SMALL, { ...plain, unicode: false })],
  ['cluster-words-80', () => watching('atlas', SMALL, { ...plain, screenReader: true })],
  ['cluster-colour-80', () => watching('atlas', SMALL)],
  ['cluster-log-filtered-80', () => press(watching('atlas', SMALL, plain), 'tab', '/', 'thumb', 'enter', 'up')],
  ['worker-80', () => watching('birch', SMALL, plain)],
  ['worker-120', () => watching('birch', LARGE, plain)],
  ['worker-ascii-80', () => watching('birch', SMALL, { ...plain, unicode: false })],
  ['monitor-80', () => press(watching('atlas', SMALL, plain), 'm')],
  ['monitor-120', () => press(watching('atlas', LARGE, plain), 'm')],
  ['queue-80', () => queued(press(watching('atlas', SMALL, plain), 'm'))],
  ['tasks-80', () => withTasks(press(watching('atlas', SMALL, plain), 't', 'down'))],
  ['functions-80', () => press(watching('atlas', SMALL, plain), 'f')],
  ['functions-120', () => press(watching('atlas', LARGE, plain), 'f', 'down')],
  ['peer-80', () => press(watching('atlas', SMALL, plain), 'down', 'enter')],
  ['log-80', () => press(watching('atlas', SMALL, plain), 'l')],
  ['upload-80', () => press(watching('atlas', SMALL, plain), 'u', 'acme/thumb:1.4', 'tab', 'tab', 'right')],
  ['invoke-80', () => press(watching('atlas', SMALL, plain), 'i', 'right', 'tab', "it's me")],
  ['run-80', () => press(watching('atlas', SMALL, plain), 'n', 'acme/report:3', 'tab', '--month 2026-11')],
  ['pager-80', () => pager(watching('atlas', SMALL, plain))],
  [
    'command-80',
    () => update(press(watching('atlas', SMALL, plain), ':', 'pe'), { type: 'completed', candidates: ['peers', 'peer'] }).state
  ],
  ['help-80', () => press(watching('atlas', SMALL, plain), '?')],
  ['quit-80', () => press(asPeer(watching('atlas', SMALL, plain)), 'q')],
  ['lost-80', () => lost(watching('atlas', SMALL, plain))]
]

describe('the screens', () => {
  for (const [name, state] of SCREENS) {
    it(`look like test/golden/tui/${name}.txt`, () => {
      const screen = state()
      // A golden file is for people to read; one of them keeps its colours.
      assertGolden(name, `${screen.settings.colour ? drawn(screen) : stripVTControlCharacters(drawn(screen))}\n`)
    })
  }

  it('fill every size exactly, to the column', () => {
    for (const settings of [{}, { unicode: false }]) {
      const home = watching('atlas', SMALL, settings)
      const states = [
        home,
        watching('birch', SMALL, settings),
        press(home, 'm'),
        press(home, 'f'),
        withTasks(press(home, 't')),
        press(home, 'enter'),
        press(home, 'u'),
        press(home, '?'),
        press(home, ':'),
        press(asPeer(home), 'q')
      ]
      for (const columns of settings.unicode === false ? [80] : [40, 41, 59, 79, 80, 81, 104, 120, 200]) {
        for (const rows of [10, 15, 24, 60]) {
          for (const [index, state] of states.entries()) {
            const lines = screenLines({ ...state, size: { columns, rows } })
            assert.equal(lines.length, rows - 1, `view ${index} at ${columns}x${rows}`)
            for (const line of lines) assert.equal(lineWidth(line), columns, `view ${index} at ${columns}x${rows}: ${lineText(line)}`)
          }
        }
      }
    }
  })

  it('ask for a larger window where nothing fits', () => {
    assert.match(drawn(watching('atlas', { columns: 39, rows: 24 })), /enlarge the window/)
    assert.match(drawn(watching('atlas', { columns: 80, rows: 9 })), /enlarge the window to 40x10/)
  })

  it("use the terminal's own colours only, and none where none are wanted", () => {
    const codes = (text: string): Set<string> => new Set(text.match(/\[\d[0-9;]*m/g) ?? [])
    for (const code of codes(drawn(watching('atlas', SMALL)))) assert.doesNotMatch(code, /[34]8;|\[9\d|\[10\d/, JSON.stringify(code))
    assert.ok(codes(drawn(watching('atlas', SMALL))).size > 3)
    for (const code of codes(drawn(watching('atlas', SMALL, plain)))) assert.doesNotMatch(code, /3[0-7]|4[0-7]/, JSON.stringify(code))
  })

  it('use ASCII only in a terminal without UTF-8', () => {
    const narrow = { columns: 60, rows: 24 }
    const texts = [
      press(watching('atlas', narrow, { unicode: false }), 'f'),
      watching('atlas', narrow, { unicode: false }),
      watching('atlas', SMALL, { unicode: false }),
      press(watching('atlas', SMALL, { unicode: false }), 'm')
    ].flatMap(state => screenLines(state).map(lineText))
    for (const text of texts) assert.match(text, /^[\x20-\x7e]*$/)
  })

  it('show 100 peers and 2,000 lines with as many rows as fit', () => {
    const peers = Array.from({ length: 100 }, (_, index) => samplePeer(`p${index}`))
    const state = update(watching('atlas'), { type: 'tick', nowMs: 0, look: sampleLook('atlas', peers), events: [] }).state
    const text = drawn(press(state, ...Array.from({ length: 60 }, () => 'down')))
    assert.match(text, /of 100/)
    assert.match(text, /▸ p63/)
  })
})

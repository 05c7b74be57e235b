import type { EventItem } from '../../model/rest-events.ts'
import type { MachineFacts } from './environment.ts'
import type { Key } from './keys.ts'
import { assertNever } from '../../model/errors.ts'
import { emptyData, type Look, withEvents, withLook, withoutLink } from './cluster-data.ts'
import { pasteInForm } from './form.ts'
import { ended, withOutput } from './pager.ts'
import { completed, press } from './press.ts'
import { currentView, type Size, type Step, type TuiState, type View } from './state.ts'
import { insertText } from './text-field.ts'

/** What can happen to the screen. */
export type Input =
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'paste'; readonly text: string }
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'tick'; readonly nowMs: number; readonly look?: Look | undefined; readonly events: readonly EventItem[] }
  | { readonly type: 'unreachable'; readonly nowMs: number; readonly reason: string }
  /** Whether a peer of this machine answers at the address of the settings. */
  | { readonly type: 'probed'; readonly answers: boolean }
  /** The cluster of the peer at this address is shown from now on. */
  | { readonly type: 'attached'; readonly api: string }
  | { readonly type: 'machine'; readonly machine: MachineFacts }
  | { readonly type: 'peer-started'; readonly api: string; readonly name: string }
  | { readonly type: 'peer-failed'; readonly lines: readonly string[] }
  | { readonly type: 'peer-left' }
  | { readonly type: 'peer-log'; readonly lines: readonly string[] }
  | { readonly type: 'output'; readonly run: number; readonly text: string }
  | { readonly type: 'ended'; readonly run: number; readonly exitCode: number }
  | { readonly type: 'completed'; readonly candidates: readonly string[] }

/** Lines of the own peer's log in memory; the file has them all. */
const OWN_LOG_MAX = 200

/** The screen after an input. Same state and input always give the same step. */
export function update(state: TuiState, input: Input): Step {
  switch (input.type) {
    case 'key':
      return press(state, input.key)
    case 'paste':
      return only(pasted(state, input.text))
    case 'resize':
      return only({ ...state, size: input.size })
    case 'tick':
      return only(ticked(state, input))
    case 'unreachable':
      return only({ ...state, nowMs: input.nowMs, data: withoutLink(state.data, input.reason, input.nowMs) })
    case 'probed':
      return input.answers
        ? { state: { ...state, views: [HOME] }, effects: [{ type: 'attach', api: state.settings.api }] }
        : { state, effects: [{ type: 'inspect-machine' }] }
    case 'attached':
      return only({ ...state, data: emptyData(input.api), frozen: null })
    case 'machine':
      return only({ ...state, machine: input.machine })
    case 'peer-started':
      return {
        state: { ...state, own: { state: 'running', name: input.name }, views: [HOME] },
        effects: [{ type: 'attach', api: input.api }]
      }
    case 'peer-failed':
      return only(startFailed(state, input.lines))
    case 'peer-left':
      return {
        state: {
          ...state,
          own: { state: 'none' },
          views: [{ name: 'start', selected: 0 }],
          notice: { text: 'this peer has left its cluster', tone: 'warn', untilMs: state.nowMs + NOTICE_MS }
        },
        effects: [{ type: 'inspect-machine' }]
      }
    case 'peer-log':
      return only({ ...state, ownLog: [...state.ownLog, ...input.lines].slice(-OWN_LOG_MAX) })
    case 'output':
      return only(changedPager(state, input.run, pager => withOutput(pager, input.text)))
    case 'ended':
      return only(changedPager(state, input.run, pager => ended(pager, input.exitCode)))
    case 'completed':
      return only(completed(state, input.candidates))
    default:
      return assertNever(input)
  }
}

const HOME: View = { name: 'home', shows: 'role' }

/** Long enough to be read, short enough to give the keys their place back. */
const NOTICE_MS = 5_000

function only(state: TuiState): Step {
  return { state, effects: [] }
}

function ticked(state: TuiState, { nowMs, look, events }: Extract<Input, { type: 'tick' }>): TuiState {
  // Lines come in the order of time: events are told at once, a look sums up. But the first look tells the names that events need.
  const named = look !== undefined && state.data.peers.length === 0 ? withLook(state.data, look) : state.data
  const told = withEvents(named, events)
  const data = look === undefined || named !== state.data ? told : withLook(told, look)
  const notice = state.notice !== null && nowMs > state.notice.untilMs ? null : state.notice
  return { ...state, nowMs, data, notice }
}

function startFailed(state: TuiState, lines: readonly string[]): TuiState {
  const form = state.own.state === 'starting' ? state.own.form : null
  const start: View = { name: 'start', selected: 0 }
  const own = { state: 'none' } as const
  if (form === null)
    return { ...state, own, views: [start], notice: { text: lines[0] ?? '', tone: 'bad', untilMs: state.nowMs + 2 * NOTICE_MS } }
  return { ...state, own, views: [start, { name: 'form', form: { ...form, problem: lines } }] }
}

function pasted(state: TuiState, text: string): TuiState {
  const { prompt } = state
  const view = currentView(state)
  if (prompt !== null) return { ...state, prompt: { ...prompt, field: insertText(prompt.field, text.trim()) } }
  if (view.name !== 'form') return state
  const behind = state.views.slice(0, -1)
  return { ...state, views: [...behind, { ...view, form: pasteInForm(view.form, text) }] as unknown as TuiState['views'] }
}

function changedPager(state: TuiState, run: number, change: (pager: Extract<View, { name: 'pager' }>) => View): TuiState {
  const changed = state.views.map(view => (view.name === 'pager' && view.run === run ? change(view) : view))
  return { ...state, views: changed as unknown as TuiState['views'] }
}

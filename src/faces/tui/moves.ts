import { FRAME_COLUMNS } from './frame.ts'
import { commandText } from './forms.ts'
import { openPager } from './pager.ts'
import type { Notice, Step, TuiState, View } from './state.ts'

/** How long a remark stays. */
const NOTICE_MS = 5_000

/** More views than people go deep; the oldest but the first is forgotten. */
const VIEWS_MAX = 12

/** The state with a view in front of the others. */
export function onTop(state: TuiState, view: View, effects: Step['effects'] = []): Step {
  const [first, ...others] = state.views
  return { state: { ...state, views: [first, ...others.slice(-VIEWS_MAX), view] }, effects }
}

/** The state with another view in place of the front one. */
export function replaced(state: TuiState, view: View): TuiState {
  return { ...state, views: [...state.views.slice(0, -1), view] as unknown as TuiState['views'] }
}

/** The state without its front view; the first one stays. */
export function back(state: TuiState): TuiState {
  return state.views.length === 1 ? state : { ...state, views: state.views.slice(0, -1) as unknown as TuiState['views'] }
}

/** The state with a remark at the bottom. */
export function say(state: TuiState, text: string, tone: Notice['tone'] = 'good'): Step {
  return { state: { ...state, notice: { text, tone, untilMs: state.nowMs + NOTICE_MS } }, effects: [] }
}

/** Runs a command line and shows what it writes. */
export function runCommand(state: TuiState, words: readonly string[]): Step {
  const run = state.run + 1
  return onTop({ ...state, run }, openPager(commandText(words), { run, columns: state.size.columns - FRAME_COLUMNS }), [
    { type: 'run', run, words }
  ])
}

import type { ClusterData } from './cluster-data.ts'
import type { MachineFacts, TuiSettings } from './environment.ts'
import type { Form } from './form.ts'
import { emptyData } from './cluster-data.ts'
import { type TextField } from './text-field.ts'

/** Everything that the screen shows. Changed by `update` alone. */
export interface TuiState {
  readonly settings: TuiSettings
  readonly version: string
  /** The wall clock of this machine. */
  readonly nowMs: number
  readonly size: Size
  readonly machine: MachineFacts | null
  readonly data: ClusterData
  /** What is shown instead of `data` while the user has stopped the picture. */
  readonly frozen: ClusterData | null
  /** The peer of this process. */
  readonly own: OwnState
  /** The newest lines of that peer's log. */
  readonly ownLog: readonly string[]
  /** The last one is shown, those before are behind it. */
  readonly views: readonly [View, ...View[]]
  readonly prompt: Prompt | null
  readonly dialog: Dialog | null
  readonly notice: Notice | null
  readonly list: ListState
  /** Commands that were entered, oldest first. */
  readonly history: readonly string[]
  /** The command whose output is awaited. */
  readonly run: number
}

/** The terminal, in characters. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** What this process does as a peer. */
export type OwnState =
  | { readonly state: 'none' }
  /** `form`: where its settings were given, to come back to; null: they are those of last time. */
  | { readonly state: 'starting'; readonly sinceMs: number; readonly form: Form | null }
  | { readonly state: 'running' | 'draining' | 'stopping'; readonly name: string }

/** One full screen. */
export type View =
  | { readonly name: 'start'; readonly selected: number }
  | { readonly name: 'form'; readonly form: Form }
  | { readonly name: 'starting' }
  | { readonly name: 'home'; readonly shows: 'role' | 'cluster' | 'machine' }
  | { readonly name: 'peer'; readonly id: string }
  | { readonly name: 'monitor'; readonly top: number }
  | { readonly name: 'functions'; readonly selected: number }
  | { readonly name: 'tasks'; readonly selected: number }
  | { readonly name: 'log' }
  | { readonly name: 'help'; readonly top: number }
  | Pager

/** Lines of text to scroll in: what a command wrote. */
export interface Pager {
  readonly name: 'pager'
  readonly title: string
  readonly lines: readonly string[]
  /** What came after the last end of line. */
  readonly rest: string
  readonly top: number
  /** Keeps the newest line in sight. */
  readonly follows: boolean
  readonly run: number
  /** Longer lines are wrapped. */
  readonly columns: number
  /** Null: it still runs. */
  readonly exitCode: number | null
}

/** A line that is written at the bottom of the screen. */
export type Prompt =
  | { readonly kind: 'filter'; readonly field: TextField }
  | {
      readonly kind: 'command'
      readonly field: TextField
      /** Which of the older commands it shows; `history.length`: none. */
      readonly past: number
      /** What could stand at the cursor. */
      readonly candidates: readonly string[]
    }

/** A question that must be answered first. */
export interface Dialog {
  /** A text, or one that follows what is known. */
  readonly question: string | ((state: TuiState) => string)
  readonly choices: readonly { readonly key: string; readonly label: string; readonly choice: DialogChoice }[]
}

/** What a dialog asks at this moment. */
export function questionOf({ question }: Dialog, state: TuiState): string {
  return typeof question === 'string' ? question : question(state)
}

/** What the answer to a dialog does. */
export type DialogChoice =
  | { readonly type: 'stay' }
  | { readonly type: 'quit' }
  | { readonly type: 'stop'; readonly drain: boolean }
  | { readonly type: 'command'; readonly words: readonly string[] }

/** A remark that goes away by itself. */
export interface Notice {
  readonly text: string
  readonly tone: 'good' | 'warn' | 'bad'
  readonly untilMs: number
}

/** How the lists of peers and activity are looked at. */
export interface ListState {
  readonly focus: 'peers' | 'log'
  /** Row of the cursor among the peers that are listed. */
  readonly peer: number
  /** The line under the cursor by its `seq`; null: the log follows what happens. */
  readonly line: number | null
  readonly sort: (typeof SORTS)[number]
  readonly reversed: boolean
  readonly filter: string
}

/** What peers can be ordered by. */
export const SORTS = ['name', 'cpu', 'memory', 'running', 'ok', 'cost'] as const

/** What only the world outside can do. Carried out in order by the store. */
export type Effect =
  | { readonly type: 'attach'; readonly api: string }
  | { readonly type: 'start-peer'; readonly flags: Readonly<Record<string, unknown>> }
  | { readonly type: 'cancel-start' }
  | { readonly type: 'stop-peer'; readonly drain: boolean }
  | { readonly type: 'inspect-machine' }
  | { readonly type: 'run'; readonly run: number; readonly words: readonly string[] }
  | { readonly type: 'cancel-run' }
  | { readonly type: 'complete'; readonly words: readonly string[] }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'quit' }

/** What came of one input. */
export interface Step {
  readonly state: TuiState
  readonly effects: readonly Effect[]
}

/** The screen before anything is known. */
export function initialState({ settings, version, nowMs, size }: Pick<TuiState, 'settings' | 'version' | 'nowMs' | 'size'>): TuiState {
  return {
    settings,
    version,
    nowMs,
    size,
    machine: null,
    data: emptyData(settings.api),
    frozen: null,
    own: { state: 'none' },
    ownLog: [],
    views: [{ name: 'start', selected: 0 }],
    prompt: null,
    dialog: null,
    notice: null,
    list: { focus: 'peers', peer: 0, line: null, sort: 'name', reversed: false, filter: '' },
    history: [],
    run: 0
  }
}

/** What the screen shows of the cluster. */
export function shownData({ data, frozen }: TuiState): ClusterData {
  return frozen ?? data
}

/** The view in front. */
export function currentView({ views }: TuiState): View {
  return views.at(-1) ?? views[0]
}

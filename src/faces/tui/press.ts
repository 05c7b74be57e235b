import { CaresError } from '../../model/errors.ts'
import { answer, type Form, pressInForm } from './form.ts'
import { formCommand, formProblem, peerFlags } from './forms.ts'
import type { Key } from './keys.ts'
import { onTop, replaced, runCommand, say } from './moves.ts'
import { pressInView } from './press-view.ts'
import { isRefused } from './read-only.ts'
import { shellWords } from '../shell-words.ts'
import { currentView, type Dialog, type DialogChoice, type Prompt, type Step, type TuiState } from './state.ts'
import { editField, textField } from './text-field.ts'

/** Commands that are kept to be called back. */
const HISTORY_MAX = 100

/** What a key does, wherever the user is: a question first, then what is being written, then the view. */
export function press(state: TuiState, key: Key): Step {
  if (key.ctrl && key.text === 'c') return askToQuit(state)
  if (state.dialog !== null) return pressInDialog(state, state.dialog, key)
  if (state.prompt !== null) return pressInPrompt(state, state.prompt, key)
  const view = currentView(state)
  if (view.name === 'form') return pressInOpenForm(state, view.form, key)
  if (key.name === 'char' && !key.ctrl) {
    if (key.text === 'q') return askToQuit(state)
    if (key.text === '?' && view.name !== 'help') return onTop(state, { name: 'help', top: 0 })
    if (view.name !== 'start' && view.name !== 'starting') {
      if (key.text === ':') return openPrompt(state, '')
      if (key.text === '/') return { state: { ...state, prompt: { kind: 'filter', field: textField(state.list.filter) } }, effects: [] }
      if (key.text === 'p') return { state: { ...state, frozen: state.frozen === null ? state.data : null }, effects: [] }
    }
  }
  if (isRefused(state, key) && view.name !== 'start') return say(state, 'read-only: nothing is changed from here', 'warn')
  return pressInView(state, view, key)
}

/** Ends at once, or, where this process is a peer, asks what is to become of it. */
function askToQuit(state: TuiState): Step {
  const { own } = state
  if (own.state === 'none') return { state, effects: [{ type: 'quit' }] }
  if (own.state === 'starting') return { state, effects: [{ type: 'cancel-start' }, { type: 'quit' }] }
  // Asked again while the peer stops: the user does not want to wait for what runs.
  if (own.state !== 'running') return { state: { ...state, dialog: hurry() }, effects: [] }
  return {
    state: {
      ...state,
      dialog: {
        question: ({ data }) => `This screen is peer ${own.name}. ${workOf(data)} Stop it?`,
        choices: [
          { key: 'd', label: 'drain and stop', choice: { type: 'stop', drain: true } },
          { key: 'n', label: 'stop now', choice: { type: 'stop', drain: false } },
          { key: 'esc', label: 'stay', choice: { type: 'stay' } }
        ]
      }
    },
    effects: []
  }
}

/** What the peer of this screen does, as it last said. */
function workOf({ peers, cluster }: TuiState['data']): string {
  const running = peers.find(({ id }) => id === cluster?.self.id)?.running ?? 0
  return running === 0 ? 'Nothing runs here.' : `${running} ${running === 1 ? 'execution runs' : 'executions run'} here.`
}

function hurry(): Dialog {
  return {
    question: 'The peer is stopping, and waits for what runs.',
    choices: [
      { key: 'n', label: 'end at once', choice: { type: 'quit' } },
      { key: 'esc', label: 'wait', choice: { type: 'stay' } }
    ]
  }
}

function pressInDialog(state: TuiState, dialog: Dialog, key: Key): Step {
  const pressed = key.name === 'escape' ? 'esc' : key.text
  const chosen = dialog.choices.find(({ key }) => key === pressed)?.choice
  return chosen === undefined ? { state, effects: [] } : choose({ ...state, dialog: null }, chosen)
}

function choose(state: TuiState, choice: DialogChoice): Step {
  switch (choice.type) {
    case 'stay':
      return { state, effects: [] }
    case 'quit':
      return { state, effects: [{ type: 'quit' }] }
    case 'command':
      return runCommand(state, choice.words)
    case 'stop': {
      const name = state.own.state === 'none' || state.own.state === 'starting' ? '' : state.own.name
      const own = { state: choice.drain ? 'draining' : 'stopping', name } as const
      return { state: { ...state, own }, effects: [{ type: 'stop-peer', drain: choice.drain }] }
    }
  }
}

/** Opens the command line with something written already. */
function openPrompt(state: TuiState, text: string): Step {
  return {
    state: { ...state, prompt: { kind: 'command', field: textField(text), past: state.history.length, candidates: [] } },
    effects: []
  }
}

function pressInPrompt(state: TuiState, prompt: Prompt, key: Key): Step {
  if (key.name === 'escape') {
    const list = prompt.kind === 'filter' ? { ...state.list, filter: '', line: null } : state.list
    return { state: { ...state, list, prompt: null }, effects: [] }
  }
  if (prompt.kind === 'filter') {
    if (key.name === 'enter') return { state: { ...state, prompt: null }, effects: [] }
    const field = editField(prompt.field, key)
    return {
      state: { ...state, prompt: { ...prompt, field }, list: { ...state.list, filter: field.text, peer: 0, line: null } },
      effects: []
    }
  }
  switch (key.name) {
    case 'enter':
      return entered({ ...state, prompt: null }, prompt.field.text)
    case 'up':
      return recalled(state, prompt, -1)
    case 'down':
      return recalled(state, prompt, 1)
    case 'tab':
      return completing(state, prompt)
    case 'backspace':
      // Backspace in the empty line leaves it, as in other programs.
      if (prompt.field.text === '') return { state: { ...state, prompt: null }, effects: [] }
      return edited(state, prompt, key)
    default:
      return edited(state, prompt, key)
  }
}

function entered(state: TuiState, text: string): Step {
  const line = text.trim().replace(/^cares\s+/, '')
  if (line === '') return { state, effects: [] }
  const history = [...state.history.filter(each => each !== line), line].slice(-HISTORY_MAX)
  if (line === 'q' || line === 'quit') return askToQuit({ ...state, history })
  try {
    return runCommand({ ...state, history }, shellWords(line))
  } catch (error) {
    if (!(error instanceof CaresError)) throw error
    return say({ ...state, history }, error.message, 'bad')
  }
}

function edited(state: TuiState, prompt: CommandPrompt, key: Key): Step {
  return { state: { ...state, prompt: { ...prompt, field: editField(prompt.field, key), candidates: [] } }, effects: [] }
}

type CommandPrompt = Extract<Prompt, { kind: 'command' }>

function recalled(state: TuiState, prompt: CommandPrompt, step: number): Step {
  const past = Math.min(state.history.length, Math.max(0, prompt.past + step))
  return { state: { ...state, prompt: { ...prompt, past, field: textField(state.history[past] ?? ''), candidates: [] } }, effects: [] }
}

/** The first Tab asks what could stand here; with candidates known, each further one takes the next of them. */
function completing(state: TuiState, prompt: CommandPrompt): Step {
  const { field, candidates } = prompt
  const [before, current] = splitLast(field.text)
  if (candidates.length === 0) {
    const words = before.trim().split(/\s+/).filter(Boolean)
    return { state, effects: [{ type: 'complete', words: [...words, current] }] }
  }
  const next = candidates[(candidates.indexOf(current) + 1) % candidates.length] ?? current
  return { state: { ...state, prompt: { ...prompt, field: textField(before + next) } }, effects: [] }
}

/** The command line once it is known what could stand there: the only one is taken at once. */
export function completed(state: TuiState, found: readonly string[]): TuiState {
  const { prompt } = state
  if (prompt?.kind !== 'command') return state
  const [before, current] = splitLast(prompt.field.text)
  // The user may have written on meanwhile.
  const candidates = found.filter(word => word.startsWith(current))
  const [first] = candidates
  if (candidates.length === 1 && first !== undefined) {
    return { ...state, prompt: { ...prompt, field: textField(`${before}${first} `), candidates: [] } }
  }
  return { ...state, prompt: { ...prompt, field: textField(before + sharedStart(candidates, current)), candidates } }
}

function sharedStart(words: readonly string[], atLeast: string): string {
  const [first = atLeast, ...others] = words
  let length = first.length
  for (const word of others) while (!word.startsWith(first.slice(0, length))) length--
  return first.slice(0, Math.max(atLeast.length, length))
}

function splitLast(text: string): readonly [before: string, current: string] {
  const current = /\S*$/.exec(text)?.[0] ?? ''
  return [text.slice(0, text.length - current.length), current]
}

function pressInOpenForm(state: TuiState, form: Form, key: Key): Step {
  const outcome = pressInForm(form, key)
  switch (outcome.type) {
    case 'changed':
      return { state: replaced(state, { name: 'form', form: outcome.form }), effects: [] }
    case 'cancel':
      return { state: { ...state, views: state.views.slice(0, -1) as unknown as TuiState['views'] }, effects: [] }
    case 'submit':
      return submitted(state, form)
  }
}

function submitted(state: TuiState, form: Form): Step {
  const problem = formProblem(form)
  const command = formCommand(form)
  if (problem !== null || command === null) {
    const focus = form.fields.findIndex(({ key }) => key === problem?.key)
    const told = { ...form, focus, problem: [problem?.text ?? ''] }
    return { state: replaced(state, { name: 'form', form: told }), effects: [] }
  }
  switch (form.kind) {
    case 'create':
    case 'join': {
      const starting = { ...state, own: { state: 'starting', sinceMs: state.nowMs, form }, ownLog: [] } as const
      return {
        state: { ...starting, views: [{ name: 'start', selected: 0 }, { name: 'starting' }] },
        effects: [{ type: 'start-peer', flags: peerFlags(form) }]
      }
    }
    case 'watch': {
      const api = apiAddress(answer(form, 'api'))
      return {
        state: {
          ...state,
          views: [
            { name: 'start', selected: 0 },
            { name: 'home', shows: 'role' }
          ]
        },
        effects: [{ type: 'attach', api }]
      }
    }
    case 'upload':
    case 'run':
    case 'invoke':
      return runCommand({ ...state, views: state.views.slice(0, -1) as unknown as TuiState['views'] }, command)
  }
}

/** `http://HOST:PORT` of what people write for it. */
function apiAddress(text: string): string {
  return /^https?:\/\//.test(text) ? text.replace(/\/+$/, '') : `http://${text}`
}

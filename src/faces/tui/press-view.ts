import type { Peer } from '../../model/rest.ts'
import { assertNever } from '../../model/errors.ts'
import type { Activity } from './activity.ts'
import { ownPeer } from './cluster-data.ts'
import { createForm, invokeForm, joinForm, runForm, uploadForm, watchForm } from './forms.ts'
import { type Key, movement } from './keys.ts'
import { listedLog, listedPeers } from './listed.ts'
import { back, onTop, replaced, runCommand, say } from './moves.ts'
import { findings, scrolled } from './pager.ts'
import { shownData, SORTS, type Step, type TuiState, type View } from './state.ts'
import { pageHeight } from './page.ts'
import { startChoices } from './start-choices.ts'

/** What a key does in the view in front. A key that means nothing there changes nothing. */
export function pressInView(state: TuiState, view: View, key: Key): Step {
  switch (view.name) {
    case 'start':
      return pressInStart(state, view.selected, key)
    case 'starting':
      return key.name === 'escape' ? { state, effects: [{ type: 'cancel-start' }] } : unchanged(state)
    case 'form':
      return unchanged(state)
    case 'home':
      return pressAtHome(state, view, key)
    case 'peer':
      return pressInPeer(state, view.id, key)
    case 'monitor':
    case 'help':
      return pressInText(state, view, key)
    case 'functions':
      return pressInFunctions(state, view.selected, key)
    case 'tasks':
      return pressInTasks(state, view.selected, key)
    case 'log':
      return leaves(key) ? done(back(state)) : pressInLog(state, key, true)
    case 'pager':
      return pressInPager(state, view, key)
    default:
      return assertNever(view)
  }
}

function pressInStart(state: TuiState, selected: number, key: Key): Step {
  const choices = startChoices(state)
  const delta = movement(key, choices.length)
  if (delta !== undefined) return done(replaced(state, { name: 'start', selected: clamped(selected + delta, choices.length) }))
  const chosen = choices[selected]
  if (key.name !== 'enter' || chosen === undefined || state.machine === null) return unchanged(state)
  switch (chosen.choice) {
    case 'restart': {
      const own = { state: 'starting', sinceMs: state.nowMs, form: null } as const
      return onTop({ ...state, own, ownLog: [] }, { name: 'starting' }, [{ type: 'start-peer', flags: { data: state.machine.knownData } }])
    }
    case 'create':
      return onTop(state, { name: 'form', form: createForm(state.machine) })
    case 'join':
      return onTop(state, { name: 'form', form: joinForm(state.machine) })
    case 'watch':
      return onTop(state, { name: 'form', form: watchForm('') })
    default:
      return assertNever(chosen.choice)
  }
}

function pressAtHome(state: TuiState, view: Extract<View, { name: 'home' }>, key: Key): Step {
  const { list } = state
  const isWorkerView = showsMachine(state, view.shows)
  if (key.name === 'tab')
    return done({ ...state, list: { ...list, focus: list.focus === 'peers' ? 'log' : 'peers', filter: '', line: null } })
  switch (letterOf(key)) {
    case 'u':
      return onTop(state, { name: 'form', form: uploadForm(ownPeer(state.data)?.runtime ?? 'docker') })
    case 'm':
      return onTop(state, { name: 'monitor', top: 0 })
    case 'i':
      return onTop(state, { name: 'form', form: invokeForm(state.data.functions) })
    case 'f':
      return onTop(state, { name: 'functions', selected: 0 })
    case 't':
      return onTop(state, { name: 'tasks', selected: 0 })
    case 'n':
      return newTask(state)
    case 'l':
      return onTop(state, { name: 'log' })
    case 'v':
      return done(replaced(state, { name: 'home', shows: isWorkerView ? 'cluster' : 'machine' }))
    case 'd':
      return isWorkerView ? askToDrain(state, ownPeer(state.data)) : unchanged(state)
    case 's':
    case 'r':
      return sorted(state, key)
    case 'e':
      return explain(state)
  }
  if (key.name === 'escape' && state.frozen !== null) return done({ ...state, frozen: null })
  if (key.name === 'escape' && list.filter !== '') return done({ ...state, list: { ...list, filter: '', line: null } })
  if (key.name === 'escape' && state.views.length > 1) return done(back(state))
  if (isWorkerView || list.focus === 'log') return pressInLog(state, key, isWorkerView)
  const peers = listedPeers(shownData(state), list)
  const delta = movement(key, pageHeight(state))
  if (delta !== undefined) return done({ ...state, list: { ...list, peer: clamped(list.peer + delta, peers.length) } })
  const peer = peers[list.peer]
  return key.name === 'enter' && peer !== undefined ? onTop(state, { name: 'peer', id: peer.id }) : unchanged(state)
}

function sorted(state: TuiState, key: Key): Step {
  const { list } = state
  const sort = letterOf(key) === 's' ? (SORTS[(SORTS.indexOf(list.sort) + 1) % SORTS.length] ?? 'name') : list.sort
  const reversed = letterOf(key) === 'r' ? !list.reversed : list.reversed
  return done({ ...state, list: { ...list, sort, reversed, peer: 0 } })
}

/** Whether the home view shows this one machine: as its role says, or as the user wants. */
export function showsMachine({ data }: Pick<TuiState, 'data'>, shows: 'role' | 'cluster' | 'machine'): boolean {
  if (shows !== 'role') return shows === 'machine'
  const { cluster } = data
  return cluster !== null && cluster.orchestrator?.id !== cluster.self.id
}

function pressInLog(state: TuiState, key: Key, always: boolean): Step {
  const { list } = state
  const lines = listedLog(shownData(state), list, always)
  const at = cursorIn(lines, list.line)
  const delta = movement(key, pageHeight(state))
  if (delta !== undefined) {
    const next = clamped(at + delta, lines.length)
    // At its end the log follows again.
    const line = next >= lines.length - 1 && delta > 0 ? null : (lines[next]?.seq ?? null)
    return done({ ...state, list: { ...list, line } })
  }
  if (key.name === 'enter' || letterOf(key) === 'e') {
    const invocation = lines[at]?.invocation
    if (invocation !== undefined && (list.line !== null || key.name === 'enter')) return runCommand(state, ['explain', invocation])
    return letterOf(key) === 'e' ? explain(state) : unchanged(state)
  }
  return unchanged(state)
}

/** Where the cursor stands in the log: on its line, or, when that is not listed, where it would be; at the end when the log follows. */
export function cursorIn(lines: readonly Activity[], seq: number | null): number {
  if (seq === null) return Math.max(0, lines.length - 1)
  const at = lines.findIndex(line => line.seq >= seq)
  return at === -1 ? Math.max(0, lines.length - 1) : at
}

/** Shows why the call under the cursor, or else the newest one, went where it went. */
function explain(state: TuiState): Step {
  const { log } = shownData(state)
  const marked = state.list.line === null ? undefined : log.find(({ seq }) => seq === state.list.line)
  const invocation = marked?.invocation ?? log.findLast(line => line.invocation !== undefined)?.invocation
  return invocation === undefined
    ? say(state, 'no call to explain yet: [i] invokes a function', 'warn')
    : runCommand(state, ['explain', invocation])
}

function pressInPeer(state: TuiState, id: string, key: Key): Step {
  const peer = shownData(state).peers.find(peer => peer.id === id)
  if (leaves(key)) return done(back(state))
  if (letterOf(key) === 'd') return askToDrain(state, peer)
  return unchanged(state)
}

function askToDrain(state: TuiState, peer: Peer | undefined): Step {
  if (peer === undefined) return unchanged(state)
  const drains = peer.state !== 'draining'
  const words = [drains ? 'drain' : 'resume', peer.name]
  const question = drains ? `Drain ${peer.name}? What runs there goes on; nothing new is sent.` : `Let ${peer.name} take work again?`
  return done({
    ...state,
    dialog: {
      question,
      choices: [
        { key: 'y', label: words[0] ?? '', choice: { type: 'command', words } },
        { key: 'esc', label: 'leave it', choice: { type: 'stay' } }
      ]
    }
  })
}

function pressInFunctions(state: TuiState, selected: number, key: Key): Step {
  if (leaves(key)) return done(back(state))
  const { functions } = shownData(state)
  const delta = movement(key, pageHeight(state))
  if (delta !== undefined) return done(replaced(state, { name: 'functions', selected: clamped(selected + delta, functions.length) }))
  if (letterOf(key) === 'u') return onTop(state, { name: 'form', form: uploadForm(ownPeer(state.data)?.runtime ?? 'docker') })
  const fn = functions[selected]
  if (fn === undefined) return unchanged(state)
  if (key.name === 'enter') return runCommand(state, ['functions', fn.name])
  switch (letterOf(key)) {
    case 'i':
      return onTop(state, { name: 'form', form: invokeForm(functions, fn.name) })
    case 'l':
      return runCommand(state, ['logs', fn.name, '--follow'])
    case 'e':
      return runCommand(state, ['explain', fn.name])
    case 'c':
      return { state: say(state, `copied ${fn.url}`).state, effects: [{ type: 'copy', text: fn.url }] }
    case 'x':
      return done({
        ...state,
        dialog: {
          question: `Remove the function ${fn.name}? Calls of it are refused from then on.`,
          choices: [
            { key: 'y', label: 'remove', choice: { type: 'command', words: ['remove', '--yes', fn.name] } },
            { key: 'esc', label: 'keep', choice: { type: 'stay' } }
          ]
        }
      })
    default:
      return unchanged(state)
  }
}

function pressInTasks(state: TuiState, selected: number, key: Key): Step {
  if (leaves(key)) return done(back(state))
  const tasks = shownData(state).tasks?.items ?? []
  const delta = movement(key, pageHeight(state))
  if (delta !== undefined) return done(replaced(state, { name: 'tasks', selected: clamped(selected + delta, tasks.length) }))
  if (letterOf(key) === 'n') return newTask(state)
  const task = tasks[selected]
  if (task === undefined) return unchanged(state)
  if (key.name === 'enter') return runCommand(state, ['tasks', task.id])
  switch (letterOf(key)) {
    case 'l':
      return runCommand(state, ['logs', task.id, '--follow'])
    case 'e':
      return runCommand(state, ['explain', task.id])
    case 'x':
      return done({
        ...state,
        dialog: {
          question: `Cancel the task ${task.name}? What it has done is lost.`,
          choices: [
            { key: 'y', label: 'cancel it', choice: { type: 'command', words: ['cancel', task.id] } },
            { key: 'esc', label: 'leave it', choice: { type: 'stay' } }
          ]
        }
      })
    default:
      return unchanged(state)
  }
}

function newTask(state: TuiState): Step {
  return onTop(state, { name: 'form', form: runForm(state.data.functions, ownPeer(state.data)?.runtime ?? 'docker') })
}

function pressInText(state: TuiState, view: Extract<View, { name: 'monitor' | 'help' }>, key: Key): Step {
  if (leaves(key)) return done(back(state))
  if (view.name === 'monitor' && /^[sr]$/.test(letterOf(key))) return sorted(state, key)
  const delta = movement(key, pageHeight(state))
  // How far it can go is known where it is drawn; no text of these views is longer than this.
  return delta === undefined ? unchanged(state) : done(replaced(state, { ...view, top: Math.min(TOP_MAX, Math.max(0, view.top + delta)) }))
}

const TOP_MAX = 300

function pressInPager(state: TuiState, view: Extract<View, { name: 'pager' }>, key: Key): Step {
  if (leaves(key)) return { state: back(state), effects: view.exitCode === null ? [{ type: 'cancel-run' }] : [] }
  const delta = movement(key, pageHeight(state))
  if (delta !== undefined) return done(replaced(state, scrolled(view, delta, pageHeight(state))))
  const found = findings(view)
  switch (letterOf(key)) {
    case 'c': {
      const text = found.url ?? found.invocation
      return text === undefined ? unchanged(state) : { state: say(state, `copied ${text}`).state, effects: [{ type: 'copy', text }] }
    }
    case 'i':
      return found.function === undefined
        ? unchanged(state)
        : onTop(back(state), { name: 'form', form: invokeForm(withName(state, found.function), found.function) })
    case 'e':
      return found.invocation === undefined ? unchanged(state) : runCommand(state, ['explain', found.invocation])
    default:
      return unchanged(state)
  }
}

/** The functions as they are known, with one that has only just been made. */
function withName({ data }: TuiState, name: string): Parameters<typeof invokeForm>[0] {
  const known = data.functions.find(fn => fn.name === name)
  return known === undefined ? [] : data.functions
}

function leaves({ name }: Key): boolean {
  return name === 'escape' || name === 'backspace' || name === 'left'
}

function letterOf({ name, text, ctrl }: Key): string {
  return name === 'char' && !ctrl ? text : ''
}

function clamped(at: number, length: number): number {
  return Math.max(0, Math.min(length - 1, at))
}

function done(state: TuiState): Step {
  return { state, effects: [] }
}

function unchanged(state: TuiState): Step {
  return { state, effects: [] }
}

import stringWidth from 'string-width'
import type { HealthCheck } from '../../../model/service.ts'
import { formatDurationMs } from '../../../model/units.ts'
import type { Form, FormField } from '../form.ts'
import { commandText, formCommand } from '../forms.ts'
import { type Area, type Page } from '../frame.ts'
import { cell, dim, type Line, type Span, wrapped } from '../lines.ts'
import { obstacleOf } from '../obstacle.ts'
import { startChoices } from '../start-choices.ts'
import type { TuiState } from '../state.ts'
import { fieldLine } from '../text-field.ts'

/** The first screen: no peer answers yet. */
export function startPage(state: TuiState, { width, height, glyphs }: Area, selected: number): Page {
  const { machine } = state
  const choices = startChoices(state)
  const rows: Line[] =
    machine === null
      ? [[], [dim(`looking for a peer at ${state.settings.api} …`)]]
      : [
          [],
          [nobodyAnswers(state.settings.api)],
          [],
          ...choices.map(({ label, about }, index): Line => {
            const marked = index === selected
            return [
              { text: `${marked ? glyphs.cursor : ' '} ${cell(label, LABEL)}`, bold: marked, tone: marked ? 'accent' : undefined },
              '  ',
              dim(about)
            ]
          }),
          [],
          ...machine.checks.flatMap(check => checkRows(check, width))
        ]
  return {
    sections: [{ title: [{ text: `CARES ${state.version}`, bold: true, tone: 'accent' }], rows, height: height - 1 }],
    keys: [
      ['up/down', 'choose'],
      ['enter', 'select'],
      ['?', 'help'],
      ['q', 'quit']
    ]
  }
}

function checkRows({ name, ok, message, hint }: HealthCheck, width: number): Line[] {
  const says: Line = [{ text: ok ? 'ok  ' : 'FAIL', tone: ok ? 'good' : 'bad', bold: !ok }, `  ${cell(name, 10)}  `, message]
  if (ok || hint === undefined) return [says]
  return [says, ...wrapped(`try: ${hint}`, width - HINT_INDENT).map((row): Line => [dim(' '.repeat(HINT_INDENT) + row)])]
}

/** Who has set another address than that of a peer of this machine must not be told that none runs here: nobody has looked. */
function nobodyAnswers(api: string): string {
  return api === LOCAL_API ? 'No peer is running on this machine.' : `No peer answers at ${api}.`
}

/** Where peers serve unless told otherwise. */
const LOCAL_API = 'http://127.0.0.1:7070'

const LABEL = 30
/** Below what a check says. */
const HINT_INDENT = 18

/** A form, and the command that would do the same. */
export function formPage(_: TuiState, { width, height, glyphs }: Area, form: Form): Page {
  const label = Math.max(...form.fields.map(field => field.label.length))
  const command = formCommand(form)
  const says: Line = command === null || form.kind === 'watch' ? [] : [dim('the same as  '), dim(commandText(command))]
  const rows: Line[] = [
    [],
    ...form.fields.map((field, index): Line => fieldRow(field, { focused: index === form.focus, label, width, cursor: glyphs.cursor })),
    [],
    ...form.problem.flatMap((line, index) =>
      wrapped(line, width - 2).map(
        (part, row): Line => [
          { text: `${index + row === 0 ? '! ' : '  '}${part}`, tone: index === 0 ? 'bad' : undefined, bold: index === 0 }
        ]
      )
    ),
    ...(form.problem.length > 0 ? [[]] : []),
    says
  ]
  const verb = { create: 'create', join: 'join', watch: 'watch', upload: 'upload', invoke: 'invoke', run: 'run' }[form.kind]
  return {
    sections: [{ title: [{ text: form.title, bold: true, tone: 'accent' }], rows, height: height - 1 }],
    keys: [
      ['tab', 'next field'],
      ['space', 'next choice'],
      ['enter', verb],
      ['esc', 'back']
    ]
  }
}

/** While the peer of this process comes up: how long already, and what it says. */
export function startingPage(state: TuiState, { width, height }: Area): Page {
  const since = state.own.state === 'starting' ? Math.max(0, state.nowMs - state.own.sinceMs) : 0
  const isJoining = state.own.state === 'starting' && state.own.form?.kind === 'join'
  const obstacle = obstacleOf(state.ownLog)
  const problem: Line[] =
    obstacle === undefined
      ? []
      : [
          ...wrapped(obstacle.reason, width - 2).map(
            (row, index): Line => [{ text: `${index === 0 ? '! ' : '  '}${row}`, tone: 'warn', bold: true }]
          ),
          ...wrapped(obstacle.hint ?? '', width - 2).map((row): Line => [dim(row === '' ? '' : `  ${row}`)]),
          [dim(`  asked ${obstacle.times} ${obstacle.times === 1 ? 'time' : 'times'}; esc gives up, and keeps what was written`)],
          []
        ]
  const room = height - 1 - 4 - problem.length
  // What is said above need not be read again.
  const log = state.ownLog.filter(line => obstacle === undefined || !line.includes('reason='))
  return {
    sections: [
      {
        title: [{ text: isJoining ? 'Joining' : 'Starting', bold: true, tone: 'accent' }],
        right: [dim(formatDurationMs(Math.floor(since / 1_000) * 1_000))],
        rows: [
          [],
          [isJoining ? 'The peer asks to be let in; it goes on until somebody answers.' : 'The peer of this machine is starting.'],
          [],
          ...problem,
          ...log
            .slice(-room)
            .flatMap(line => wrapped(line, width).map((part): Line => [{ text: part, tone: / (warn|error) /.test(line) ? 'warn' : 'dim' }]))
            .slice(-room)
        ],
        height: height - 1
      }
    ],
    keys: [
      ['esc', 'cancel'],
      ['q', 'quit']
    ]
  }
}

function fieldRow(
  field: FormField,
  { focused, label, width, cursor }: { focused: boolean; label: number; width: number; cursor: string }
): Line {
  const head: Span = {
    text: `${focused ? cursor : ' '} ${cell(field.label, label)}  `,
    bold: focused,
    tone: focused ? 'accent' : undefined
  }
  const room = Math.max(10, width - label - 6 - (field.hint === undefined ? 0 : Math.min(HINT_MAX, field.hint.length + 2)))
  const hint: Line = field.hint === undefined || !focused ? [] : [dim(`  ${field.hint}`)]
  if (field.choices !== undefined) {
    const choices = field.choices.length <= CHOICES_SHOWN_MAX ? field.choices : [field.value.text]
    const shown = choices.flatMap((each): Span[] => [each === field.value.text ? { text: `(${each})`, bold: true } : dim(` ${each} `), ' '])
    return [head, ...shown, ...hint]
  }
  if (focused) {
    const placeholder = field.value.text === '' && field.placeholder !== undefined ? [dim(field.placeholder)] : []
    return [head, ...fieldLine(field.value, room), ...placeholder, ...hint]
  }
  return [
    head,
    field.value.text === '' ? dim(field.placeholder ?? '') : cell(field.value.text, Math.min(room, stringWidth(field.value.text)))
  ]
}

const HINT_MAX = 30
const CHOICES_SHOWN_MAX = 4

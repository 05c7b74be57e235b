import { toCaresError } from '../../model/errors.ts'
import type { FunctionItem } from '../../model/rest.ts'
import type { MachineFacts } from './environment.ts'
import { shellLine, shellWords } from '../shell-words.ts'
import { answer, choice, type Form, type FormField, textual } from './form.ts'

/** The form that starts the first peer of a cluster. */
export function createForm(machine: MachineFacts): Form {
  return {
    kind: 'create',
    title: 'Create a cluster',
    focus: 0,
    problem: [],
    fields: [
      ...peerFields(machine, machine.freshData),
      choice('access', 'Access', ['private', 'open'], { hint: 'private: joining takes the secret in the cluster id' })
    ]
  }
}

/** The form that starts a peer which joins. */
export function joinForm(machine: MachineFacts): Form {
  return {
    kind: 'join',
    title: 'Join a cluster',
    focus: 0,
    problem: [],
    fields: [
      textual('bootstrap', 'Cluster id', { placeholder: 'what `cares id` prints on a peer of it' }),
      ...peerFields(machine, machine.freshData)
    ]
  }
}

/** The form that looks at a cluster through one of its peers. */
export function watchForm(api: string): Form {
  return {
    kind: 'watch',
    title: 'Watch a cluster',
    focus: 0,
    problem: [],
    fields: [textual('api', 'API address', { value: api, hint: 'of any of its peers' })]
  }
}

/** The form that makes a function. */
export function uploadForm(runtime: string): Form {
  const isProcess = runtime === 'process'
  return {
    kind: 'upload',
    title: 'Upload a function',
    focus: 0,
    problem: [],
    fields: [
      textual('image', isProcess ? 'Command' : 'Image', {
        placeholder: isProcess ? 'a command line, e.g. tr a-z A-Z' : 'as for docker run, e.g. acme/thumb:1.4'
      }),
      textual('name', 'Name', { placeholder: 'guessed from it' }),
      choice('contract', 'Contract', ['auto', 'stdio', 'http'], { hint: 'auto finds out' }),
      textual('cpu', 'CPU', { placeholder: '0.5', hint: 'cores for a container' }),
      textual('memory', 'Memory', { placeholder: '128Mi' }),
      choice('idempotent', 'Idempotent', ['no', 'yes'], { hint: 'yes: running a call twice does no harm' })
    ]
  }
}

/** The form that calls a function. */
export function invokeForm(functions: readonly FunctionItem[], name?: string): Form {
  const names = functions.map(fn => fn.name)
  return {
    kind: 'invoke',
    title: 'Invoke a function',
    focus: name === undefined ? 0 : 1,
    problem: [],
    fields: [
      names.length === 0
        ? textual('name', 'Function', { value: name ?? '' })
        : choice('name', 'Function', names, { value: name ?? names[0] ?? '', hint: `${names.length} there` }),
      textual('data', 'Body', { placeholder: 'text, or @FILE' }),
      textual('path', 'Path', { placeholder: '/', hint: 'below an http function' }),
      textual('on', 'On peer', { placeholder: 'whichever is cheapest' })
    ]
  }
}

/** Stands among the functions that a task can run. */
const AN_IMAGE = 'an image'

/** The form that runs a task: of an image, or of a function that reads stdin. */
export function runForm(functions: readonly FunctionItem[], runtime: string): Form {
  const isProcess = runtime === 'process'
  const names = functions.filter(({ contract }) => contract === 'stdio').map(({ name }) => name)
  return {
    kind: 'run',
    title: 'Run a task',
    focus: names.length === 0 ? 0 : 1,
    problem: [],
    fields: [
      ...(names.length === 0 ? [] : [choice('function', 'Run', [AN_IMAGE, ...names], { hint: 'or a function' })]),
      textual('image', isProcess ? 'Command' : 'Image', {
        placeholder: isProcess ? 'a command line, e.g. sort -n' : 'as for docker run, e.g. acme/report:3'
      }),
      textual('args', 'Arguments', { placeholder: "instead of the image's own command, as in a shell" }),
      textual('input', 'Input', { placeholder: 'what it finds on stdin: text, or @FILE' }),
      textual('name', 'Name', { placeholder: "the image's" }),
      textual('cpu', 'CPU', { placeholder: '0.5', hint: 'cores' }),
      textual('memory', 'Memory', { placeholder: '128Mi' }),
      textual('timeout', 'Timeout', { placeholder: '1h', hint: 'of one attempt' })
    ]
  }
}

/** Why a form cannot be sent yet, and the field that is to blame; null when it can. */
export function formProblem(form: Form): { readonly key: string; readonly text: string } | null {
  const needed = form.kind === 'join' ? 'bootstrap' : form.kind === 'invoke' ? 'name' : needsImage(form) ? 'image' : undefined
  const field = form.fields.find(({ key }) => key === needed)
  if (field !== undefined && answer(form, field.key) === '') return { key: field.key, text: `${field.label} is needed` }
  if (form.kind !== 'run') return null
  try {
    shellWords(answer(form, 'args'))
    return null
  } catch (error) {
    return { key: 'args', text: `Arguments: ${toCaresError(error).message}` }
  }
}

function needsImage(form: Form): boolean {
  return form.kind === 'upload' || (form.kind === 'run' && ['', AN_IMAGE].includes(answer(form, 'function')))
}

/** The command line that says the same as the form, without `cares`; null while it would not be whole. */
export function formCommand(form: Form): readonly string[] | null {
  if (formProblem(form) !== null) return null
  const value = (key: string): string => answer(form, key)
  const flag = (name: string, key: string): string[] => (value(key) === '' ? [] : [name, value(key)])
  switch (form.kind) {
    case 'upload': {
      const named = value('name') === '' ? [] : [value('name')]
      const contract = value('contract') === 'auto' ? [] : ['--contract', value('contract')]
      const idempotent = value('idempotent') === 'yes' ? ['--idempotent'] : []
      return ['upload', ...contract, ...flag('--cpu', 'cpu'), ...flag('--memory', 'memory'), ...idempotent, '--', value('image'), ...named]
    }
    case 'run': {
      const what = needsImage(form) ? [value('image')] : []
      const fn = needsImage(form) ? [] : ['--function', value('function')]
      const limits = [...flag('--cpu', 'cpu'), ...flag('--memory', 'memory'), ...flag('--timeout', 'timeout')]
      return ['run', ...fn, ...flag('--name', 'name'), ...limits, ...flag('--input', 'input'), '--', ...what, ...shellWords(value('args'))]
    }
    case 'invoke':
      return ['invoke', '-v', ...flag('-d', 'data'), ...flag('--path', 'path'), ...flag('--on', 'on'), '--', value('name')]
    case 'watch':
      return ['--api', value('api')]
    case 'create':
      return ['peer', ...peerWords(form), ...(value('access') === 'open' ? ['--open'] : [])]
    case 'join':
      return ['peer', '--bootstrap', value('bootstrap'), ...peerWords(form)]
  }
}

/** The settings that a form makes for a peer. */
export function peerFlags(form: Form): Readonly<Record<string, unknown>> {
  const value = (key: string): string => answer(form, key)
  const given = (key: string): Record<string, string> => (value(key) === '' ? {} : { [key]: value(key) })
  return {
    ...given('name'),
    ...given('cpus'),
    ...given('memory'),
    ...given('data'),
    runtime: value('runtime'),
    ...(form.kind === 'join' ? { bootstrap: [value('bootstrap')] } : {}),
    ...(value('access') === 'open' ? { open: true } : {})
  }
}

/** How the command of a form reads in a shell, its secret left out. */
export function commandText(words: readonly string[]): string {
  return `cares ${shellLine(words)}`.replace(/#[^\s']*/, '#…')
}

function peerFields({ runtime, cpus, memory }: MachineFacts, data: string): FormField[] {
  return [
    textual('name', 'Name', { placeholder: 'made from its id', hint: 'of this machine in the cluster' }),
    choice('runtime', 'Runtime', runtime === 'process' ? ['process', 'docker'] : ['docker', 'process'], {
      hint: 'process gives no isolation'
    }),
    textual('cpus', 'Share cpus', { placeholder: 'all', hint: `of ${cpus}` }),
    textual('memory', 'Share memory', { placeholder: 'most of it', hint: `of ${memory}` }),
    textual('data', 'Data', { value: data, hint: 'its identity and state' })
  ]
}

function peerWords(form: Form): string[] {
  return ['name', 'runtime', 'cpus', 'memory', 'data'].flatMap(key => (answer(form, key) === '' ? [] : [`--${key}`, answer(form, key)]))
}

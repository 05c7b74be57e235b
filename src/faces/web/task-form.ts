import type { TaskItem, TaskServiceItem } from '../../model/rest-tasks.ts'
import type { TaskRequest } from '../../model/task-service.ts'
import { parseBytes, parseDurationMs } from '../../model/units.ts'
import { shellLine, shellWords } from '../shell-words.ts'
import { optional, parseNumber, parseVariables, variableLines } from './form-values.ts'
import { exactBytes, exactDuration } from './function-form.ts'
import { EMPTY_POLICY, type PolicyFields, policyFieldsOf, policyOf } from './policy-form.ts'

/** What the form of a task holds; an empty text leaves the choice to the defaults, or to the function that is run. */
export interface TaskFields {
  /** Of a function; empty: the image is run. */
  readonly function: string
  readonly image: string
  /** As in a shell: separated by blanks, with quotes around those that hold some. */
  readonly args: string
  readonly name: string
  readonly cpus: string
  readonly memory: string
  readonly timeout: string
  readonly attempts: string
  readonly network: '' | 'none' | 'egress'
  /** One `NAME=value` a line. */
  readonly env: string
  /** What its program finds on stdin. */
  readonly input: string
  readonly policy: PolicyFields
  /** Of a service that is to run once more. */
  readonly service?: TaskRequest['service']
}

/** The form before anyone has written in it. */
export const EMPTY_TASK: TaskFields = {
  function: '',
  image: '',
  args: '',
  name: '',
  cpus: '',
  memory: '',
  timeout: '',
  attempts: '',
  network: '',
  env: '',
  input: '',
  policy: EMPTY_POLICY
}

/** The form for the same once more. What it read from stdin is not told by the API, and has to be given again. */
export function taskFieldsOf(task: TaskItem): TaskFields {
  return {
    function: task.function ?? '',
    image: task.function === null ? task.image : '',
    args: shellLine(task.args),
    name: task.name,
    cpus: String(task.cpus),
    memory: exactBytes(task.memoryBytes),
    timeout: task.timeoutMs === null ? '' : exactDuration(task.timeoutMs),
    attempts: task.attemptsMax === null ? '' : String(task.attemptsMax),
    network: task.network,
    env: variableLines(task.env),
    input: '',
    policy: policyFieldsOf(task.placement),
    service: task.service === null ? undefined : serviceRequestOf(task.service)
  }
}

/** What is submitted: a request with its input, as text or as any bytes. */
export type TaskSubmission = TaskRequest & { readonly input?: string; readonly inputBase64?: string }

/**
 * What the form asks the API for; the bytes of a file take the place of the input. Throws `invalid` with the field that cannot be read; what it means, the API
 * checks.
 */
export function taskRequestOf(fields: TaskFields, file?: Uint8Array): TaskSubmission {
  const args = shellWords(fields.args)
  const env = parseVariables(fields.env)
  const placement = policyOf(fields.policy)
  return {
    ...(fields.function === '' ? { image: fields.image.trim() } : { function: fields.function }),
    ...(args.length === 0 ? {} : { args }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(placement === undefined ? {} : { placement }),
    ...(fields.service === undefined ? {} : { service: fields.service }),
    ...(fields.network === '' ? {} : { network: fields.network }),
    ...(file !== undefined ? { inputBase64: base64(file) } : fields.input === '' ? {} : { input: fields.input }),
    ...optional('name', fields.name, text => text),
    ...optional('cpus', fields.cpus, parseNumber),
    ...optional('memoryBytes', fields.memory, parseBytes),
    ...optional('timeoutMs', fields.timeout, parseDurationMs),
    ...optional('attempts', fields.attempts, parseNumber)
  }
}

function serviceRequestOf({ publish, port, healthPath }: TaskServiceItem): TaskRequest['service'] {
  return {
    ...(publish === null ? {} : { publish }),
    ...(port === null ? {} : { port }),
    ...(healthPath === null ? {} : { health: healthPath })
  }
}

/** In pieces: a function takes only so many arguments. */
function base64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) binary += String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES))
  return btoa(binary)
}

const PIECE_BYTES = 8_192

import { CaresError } from '../../model/errors.ts'
import type { FunctionItem } from '../../model/rest.ts'
import type { FunctionRequest } from '../../model/service.ts'
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from '../../model/units.ts'

/** What the upload form holds; an empty text leaves the choice to the image and the defaults. */
export interface FunctionFields {
  readonly name: string
  readonly image: string
  readonly contract: 'auto' | 'stdio' | 'http'
  readonly port: string
  readonly cpus: string
  readonly memory: string
  readonly timeout: string
  readonly concurrency: string
  readonly prewarm: string
  readonly network: 'none' | 'egress'
  readonly idempotent: boolean
  /** One `NAME=value` a line. */
  readonly env: string
}

/** The form before anyone has written in it. */
export const EMPTY_FIELDS: FunctionFields = {
  name: '',
  image: '',
  contract: 'auto',
  port: '',
  cpus: '',
  memory: '',
  timeout: '',
  concurrency: '',
  prewarm: '',
  network: 'none',
  idempotent: false,
  env: ''
}

/** The form for another revision of a function: everything as it is now. */
export function fieldsOf(fn: FunctionItem): FunctionFields {
  return {
    name: fn.name,
    image: fn.image,
    contract: fn.contract,
    port: fn.contract === 'http' ? String(fn.port) : '',
    cpus: String(fn.cpus),
    memory: exactBytes(fn.memoryBytes),
    timeout: exactDuration(fn.timeoutMs),
    concurrency: fn.contract === 'http' ? String(fn.concurrency) : '',
    prewarm: fn.prewarm === 0 ? '' : String(fn.prewarm),
    network: fn.network,
    idempotent: fn.idempotent,
    env: Object.entries(fn.env)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')
  }
}

/** What the form asks the API for. Throws `invalid` with the field that cannot be read; what it means, the API checks. */
export function requestOf(fields: FunctionFields): FunctionRequest {
  return {
    name: fields.name.trim(),
    image: fields.image.trim(),
    contract: fields.contract,
    network: fields.network,
    idempotent: fields.idempotent,
    env: parseEnv(fields.env),
    ...optional('port', fields.port, number),
    ...optional('cpus', fields.cpus, number),
    ...optional('memoryBytes', fields.memory, parseBytes),
    ...optional('timeoutMs', fields.timeout, parseDurationMs),
    ...optional('concurrency', fields.concurrency, number),
    ...optional('prewarm', fields.prewarm, text => (text === 'auto' ? text : number(text)))
  }
}

function optional<Key extends string, Value>(key: Key, text: string, read: (text: string) => Value): Partial<Record<Key, Value>> {
  return text.trim() === '' ? {} : ({ [key]: read(text.trim()) } as Record<Key, Value>)
}

function number(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new CaresError('invalid', `not a number: ${text}`)
  return value
}

function parseEnv(text: string): Record<string, string> {
  const entries = text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const at = line.indexOf('=')
      if (at < 1) throw new CaresError('invalid', `not a variable: ${line}`, { hint: 'write one NAME=value a line' })
      return [line.slice(0, at).trim(), line.slice(at + 1)] as const
    })
  return Object.fromEntries(entries)
}

/** The short form where it loses nothing, else the number of bytes. */
function exactBytes(bytes: number): string {
  const text = formatBytes(bytes)
  return parseBytes(text) === bytes ? text : String(bytes)
}

function exactDuration(ms: number): string {
  const text = formatDurationMs(ms)
  return parseDurationMs(text) === ms ? text : `${ms}ms`
}

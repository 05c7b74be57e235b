import type { FunctionItem } from '../../model/rest.ts'
import type { FunctionRequest } from '../../model/service.ts'
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from '../../model/units.ts'
import { optional, parseNumber, parseVariables, variableLines } from './form-values.ts'

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
    env: variableLines(fn.env)
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
    env: parseVariables(fields.env),
    ...optional('port', fields.port, parseNumber),
    ...optional('cpus', fields.cpus, parseNumber),
    ...optional('memoryBytes', fields.memory, parseBytes),
    ...optional('timeoutMs', fields.timeout, parseDurationMs),
    ...optional('concurrency', fields.concurrency, parseNumber),
    ...optional('prewarm', fields.prewarm, text => (text === 'auto' ? text : parseNumber(text)))
  }
}

/** The short form where it loses nothing, else the number of bytes. */
export function exactBytes(bytes: number): string {
  const text = formatBytes(bytes)
  return parseBytes(text) === bytes ? text : String(bytes)
}

/** The short form where it loses nothing, else the number of milliseconds. */
export function exactDuration(ms: number): string {
  const text = formatDurationMs(ms)
  return parseDurationMs(text) === ms ? text : `${ms}ms`
}

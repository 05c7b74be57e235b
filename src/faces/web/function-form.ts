import type { FunctionItem } from '../../model/rest.ts'
import type { FunctionRequest } from '../../model/service.ts'
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from '../../model/units.ts'
import { optional, parseNumber, parseVariables, variableLines } from './form-values.ts'
import { EMPTY_POLICY, type PolicyFields, policyFieldsOf, policyOf } from './policy-form.ts'

/** What the upload form holds; an empty text leaves the choice to the image and the defaults. */
export interface FunctionFields {
  readonly name: string
  readonly image: string
  readonly contract: 'auto' | 'stdio' | 'http'
  readonly port: string
  readonly ready: string
  readonly cpus: string
  readonly memory: string
  readonly timeout: string
  readonly concurrency: string
  readonly prewarm: string
  readonly gpus: string
  readonly network: 'none' | 'egress'
  readonly idempotent: boolean
  /** One `NAME=value` a line. */
  readonly env: string
  readonly policy: PolicyFields
}

/** The form before anyone has written in it. */
export const EMPTY_FIELDS: FunctionFields = {
  name: '',
  image: '',
  contract: 'auto',
  port: '',
  ready: '',
  cpus: '',
  memory: '',
  timeout: '',
  concurrency: '',
  prewarm: '',
  gpus: '',
  network: 'none',
  idempotent: false,
  env: '',
  policy: EMPTY_POLICY
}

/** The form for another revision of a function: everything as it is now. */
export function fieldsOf(fn: FunctionItem): FunctionFields {
  return {
    name: fn.name,
    image: fn.image,
    contract: fn.contract,
    port: fn.contract === 'http' ? String(fn.port) : '',
    ready: fn.readyPath ?? '',
    cpus: String(fn.cpus),
    memory: exactBytes(fn.memoryBytes),
    timeout: exactDuration(fn.timeoutMs),
    concurrency: fn.contract === 'http' ? String(fn.concurrency) : '',
    prewarm: fn.prewarm === 0 ? '' : String(fn.prewarm),
    gpus: fn.gpus === undefined ? '' : String(fn.gpus),
    network: fn.network,
    idempotent: fn.idempotent,
    env: variableLines(fn.env),
    policy: policyFieldsOf(fn.placement)
  }
}

/** What the form asks the API for. Throws `invalid` with the field that cannot be read; what it means, the API checks. */
export function requestOf(fields: FunctionFields): FunctionRequest {
  const placement = policyOf(fields.policy)
  return {
    name: fields.name.trim(),
    image: fields.image.trim(),
    contract: fields.contract,
    network: fields.network,
    idempotent: fields.idempotent,
    env: parseVariables(fields.env),
    ...(placement === undefined ? {} : { placement }),
    ...optional('port', fields.port, parseNumber),
    ...optional('readyPath', fields.ready, text => text),
    ...optional('cpus', fields.cpus, parseNumber),
    ...optional('memoryBytes', fields.memory, parseBytes),
    ...optional('timeoutMs', fields.timeout, parseDurationMs),
    ...optional('concurrency', fields.concurrency, parseNumber),
    ...optional('gpus', fields.gpus, parseNumber),
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

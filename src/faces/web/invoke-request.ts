import { CaresError } from '../../model/errors.ts'
import type { FunctionItem } from '../../model/rest.ts'
import { policyHeaders } from '../policy-headers.ts'
import { EMPTY_POLICY, type PolicyFields, policyOf } from './policy-form.ts'

/** What the invoke box holds. */
export interface InvokeFields {
  readonly method: string
  /** Below the function; with or without its first `/`. */
  readonly path: string
  /** One `name: value` a line. */
  readonly headers: string
  readonly body: string
  /** What this call asks of its placement, on top of what its function does. */
  readonly policy: PolicyFields
}

/** The box before anyone has written in it. */
export const EMPTY_CALL: InvokeFields = { method: 'POST', path: '/', headers: '', body: '', policy: EMPTY_POLICY }

/** Methods that the box offers. */
export const METHODS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'] as const

/** Whether a request of this method carries a body (browsers refuse one with GET). */
export function hasBody(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** The path as it is sent: it starts with `/`. */
export function targetPath(path: string): string {
  const text = path.trim()
  return text.startsWith('/') ? text : `/${text}`
}

/** Headers from lines of `name: value`; empty lines are left out. Throws `invalid` with the line that is none. */
export function parseHeaders(text: string): readonly (readonly [name: string, value: string])[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .map(line => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*)$/.exec(line) ?? []
      if (name === undefined || value === undefined) {
        throw new CaresError('invalid', `not a header: ${line}`, { hint: 'write one name: value a line' })
      }
      return [name.toLowerCase(), value] as const
    })
}

/** All headers that the box sends. Throws `invalid` as {@link parseHeaders} and `policyOf` do. */
export function callHeaders({ headers, policy }: Pick<InvokeFields, 'headers' | 'policy'>): readonly (readonly [string, string])[] {
  return [...parseHeaders(headers), ...policyHeaders(policyOf(policy))]
}

/** The same call as a command line for `curl`; `file` is sent instead of the body. Throws as {@link callHeaders}. */
export function curlLine({ url }: Pick<FunctionItem, 'url'>, { method, path, body, ...asked }: InvokeFields, file?: string): string {
  const target = targetPath(path)
  const data = file !== undefined ? ['--data-binary', quoted(`@${file}`)] : body !== '' ? ['--data-raw', quoted(body)] : []
  const sent = hasBody(method) ? data : []
  return [
    'curl',
    ...(method === (sent.length > 0 ? 'POST' : 'GET') ? [] : ['-X', method]),
    ...callHeaders(asked).flatMap(([name, value]) => ['-H', quoted(`${name}: ${value}`)]),
    ...sent,
    quoted(target === '/' ? url : url + target)
  ].join(' ')
}

/** The phases of a `server-timing` header (https://www.w3.org/TR/server-timing/), in its order: name and milliseconds. */
export function parseServerTiming(header: string): readonly (readonly [name: string, ms: number])[] {
  return header.split(',').flatMap(entry => {
    const [name = '', ...params] = entry.split(';').map(part => part.trim())
    const ms = Number(params.find(param => param.startsWith('dur='))?.slice('dur='.length))
    return name === '' || Number.isNaN(ms) ? [] : [[name, ms] as const]
  })
}

function quoted(text: string): string {
  return /^[\w:/.=@,+-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`
}

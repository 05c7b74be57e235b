import { CaresError } from '../../model/errors.ts'
import { parseDurationMs } from '../../model/units.ts'

/** A whole number of at least 0, or `invalid`. */
export function parseCount(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new CaresError('invalid', `not a whole number: ${JSON.stringify(text)}`)
  return value
}

/** A whole number of at least 0, or `auto`. */
export function parseCountOrAuto(text: string): number | 'auto' {
  return text === 'auto' ? text : parseCount(text)
}

/** `PORT` or `PORT:INSIDE`, as in `docker run --publish`. */
export function parsePublish(text: string): { publish: number; port?: number } {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text)
  if (match === null) throw new CaresError('invalid', `not PORT or PORT:CONTAINER_PORT: ${JSON.stringify(text)}`)
  return { publish: Number(match[1]), ...(match[2] === undefined ? {} : { port: Number(match[2]) }) }
}

/** A revision: 1 and up, or 0 for "it must not exist". */
export const parseRevision = parseCount

/** A positive number, perhaps a fraction or with an exponent, or `invalid`. */
export function parsePositive(text: string): number {
  const value = Number(text)
  if (!/^\d*\.?\d+(?:e-?\d{1,2})?$/i.test(text) || !(value > 0))
    throw new CaresError('invalid', `not a positive number: ${JSON.stringify(text)}`)
  return value
}

/** A duration longer than nothing, in milliseconds, or `invalid`. */
export function parsePositiveDurationMs(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === 0)
    throw new CaresError('invalid', `not longer than nothing: ${JSON.stringify(text)}`, { hint: 'write a duration like 250ms or 30s' })
  return ms
}

/** `K=V` as a pair; the value may hold further `=`. */
export function parseAssignment(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new CaresError('invalid', `not KEY=VALUE: ${JSON.stringify(text)}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** What the label of a worker must be like: `zone=eu`, `zone!=us` or `gpu`. */
export function parseLabel(text: string): string {
  if (!/^[^\s=!]+(?:!?=(?!=)\S*)?$/.test(text)) {
    throw new CaresError('invalid', `not a label: ${JSON.stringify(text)}`, { hint: 'write it like zone=eu, zone!=us or gpu' })
  }
  return text
}

/** An HTTP method, as it is: methods that are not well known are spelled as their function wants them. */
export function parseMethod(text: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) {
    throw new CaresError('invalid', `not an HTTP method: ${JSON.stringify(text)}`, { hint: 'write it like PUT' })
  }
  return text
}

/** `Name: value` as a pair. */
export function parseHeader(text: string): readonly [name: string, value: string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text)
  if (match === null)
    throw new CaresError('invalid', `not a header: ${JSON.stringify(text)}`, { hint: 'write it like content-type: image/jpeg' })
  return [(match[1] ?? '').toLowerCase(), match[2] ?? '']
}

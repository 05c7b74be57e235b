import type { z } from 'zod'
import { CaresError } from './errors.ts'

/** One thing that is wrong with a value, in words for the one who wrote it. */
export interface ValidationIssue {
  /** Where, e.g. `env.LOG` or `items[2].name`; empty for the value as a whole. */
  readonly path: string
  readonly message: string
}

/** More would not be read, and the answer to a hostile body must stay small. */
const ISSUES_MAX = 16

/** A wrong key may come from anyone and be of any length. */
const KEY_CHARACTERS_MAX = 64

/** What zod found, flattened: at most 16 issues, unknown fields one by one. */
export function validationIssues(error: z.core.$ZodError): readonly ValidationIssue[] {
  return error.issues.flatMap(describe).slice(0, ISSUES_MAX)
}

/**
 * `value`, checked and with its defaults, or a CaresError `invalid` whose `details.issues` list what is wrong.
 *
 * @param what - what the value is, for the message: `function`, `query`
 */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: issueText })
  if (parsed.success) return parsed.data
  throw invalidValue(what, validationIssues(parsed.error))
}

/** Words for the issues that zod tells in those of its own types. Given to `safeParse` as `error`. */
export function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`
    default:
      return undefined
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list'
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' || origin === 'record' ? ' entries' : ''
}

/** The error for a value with these issues. Its message names the first of them. */
function invalidValue(what: string, issues: readonly ValidationIssue[]): CaresError {
  const first = issues[0]
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  return new CaresError('invalid', `${what} is not valid: ${where}${first?.message ?? 'not allowed'}${more}`, {
    details: { issues: issues.map(({ path, message }) => ({ path, message })) }
  })
}

function describe(issue: z.core.$ZodIssue): readonly ValidationIssue[] {
  const path = pathText(issue.path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => ({ path: pathText([...issue.path, key]), message: 'unknown field' }))
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message: `the name ${message}` }))
  return [{ path, message: issue.message }]
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part).slice(0, KEY_CHARACTERS_MAX)}`))
    .join('')
    .replace(/^\./, '')
}

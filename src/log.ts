import { type DestinationStream, destination as fileDestination, pino, stdTimeFunctions } from 'pino'
import { stripVTControlCharacters } from 'node:util'
import { CaresError } from './model/errors.ts'
import type { Logger } from './model/ports/logger.ts'

/** From the fewest lines to the most. `silent` writes none. */
const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** `pretty`: one short line for people. `json`: one JSON object a line, with everything. */
export type LogFormat = 'pretty' | 'json'

export interface LogInit {
  /** @default 'info' */
  level?: LogLevel
  /** Other levels for some scopes and all below them: `{ 'cares:libp2p': 'warn' }`. The longest that fits counts. @default {} */
  scopeLevels?: Readonly<Record<string, LogLevel>>
  /** @default 'json' */
  format?: LogFormat
  /** Where lines go, one call a line. @default stderr, written at once, so that the last line before a crash is there */
  destination?: { write(line: string): void }
  /** @default 'cares' */
  scope?: string
}

/** Longer texts in a field are cut: lines are for reading, and payloads do not belong in them. */
const TEXT_CHARACTERS_MAX = 1_000

/** Causes told of one error; what wraps deeper than this says nothing new. */
const CAUSES_MAX = 5

/** Errors told of one AggregateError. */
const ERRORS_MAX = 3

const STDERR = 2

/** The Logger port over pino. */
export function createLog({ level = 'info', scopeLevels = {}, format = 'json', destination, scope = 'cares' }: LogInit = {}): Logger {
  const out = destination ?? fileDestination({ dest: STDERR, sync: true })
  const root = pino(
    {
      // Each scope has its own level, given below; the root lets all through.
      level: 'debug',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }), log: fields => loggable(fields) },
      // pino's own would run after `loggable` and flatten the chain of causes into one text.
      serializers: { err: (err: unknown) => err }
    },
    format === 'json' ? out : prettyDestination(out)
  )
  const scoped = (scope: string): Logger => {
    // Children of the root, never of each other: a field that is bound twice would be written twice.
    const log = root.child({ scope }, { level: levelOf(scope, level, scopeLevels) })
    return {
      error: (fields, message) => log.error(fields, message),
      warn: (fields, message) => log.warn(fields, message),
      info: (fields, message) => log.info(fields, message),
      debug: (fields, message) => log.debug(fields, message),
      child: name => scoped(`${scope}:${name}`)
    }
  }
  return scoped(scope)
}

/** One JSON line of a log as a line for people: `03:04:05.678 warn runtime: container not removed id=c1 err=…`. */
export function formatPretty(line: string): string {
  const { time, level, scope, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const clock = String(time).slice(11, 23)
  const where = String(scope).replace(/^cares:/, '')
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${prettyValue(value)}`)
  return `${clock} ${String(level).padEnd(5)} ${where}: ${plain(String(msg))}${rest.join('')}\n`
}

/** An error as a log has it: its codes and messages down to the first cause, a stack where it is a defect, and never its details. */
function loggableError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return loggableValue(error)
  const code: unknown = 'code' in error ? error.code : undefined
  // The stack of a failure with a name of its own tells only where the name was given.
  const isDefect = !(error instanceof CaresError) && code === undefined
  return {
    ...(typeof code === 'string' ? { code } : { name: error.name }),
    message: cut(error.message),
    ...(error instanceof CaresError && error.hint !== undefined ? { hint: cut(error.hint) } : {}),
    ...(isDefect && depth === 0 && error.stack !== undefined ? { stack: error.stack } : {}),
    ...(error instanceof AggregateError ? { errors: error.errors.slice(0, ERRORS_MAX).map(each => loggableError(each, depth + 1)) } : {}),
    ...(error.cause !== undefined && depth < CAUSES_MAX ? { cause: loggableError(error.cause, depth + 1) } : {})
  }
}

function loggable(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, loggableValue(value)]))
}

function loggableValue(value: unknown): unknown {
  if (value instanceof Error) return loggableError(value)
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (typeof value === 'string') return cut(value)
  return value
}

function cut(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX)}… (${text.length} characters)`
}

function levelOf(scope: string, level: LogLevel, scopeLevels: Readonly<Record<string, LogLevel>>): LogLevel {
  const fitting = Object.keys(scopeLevels).filter(name => scope === name || scope.startsWith(`${name}:`))
  const longest = fitting.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? level : (scopeLevels[longest] ?? level)
}

function prettyDestination(out: { write(line: string): void }): DestinationStream {
  return { write: line => out.write(formatPretty(line)) }
}

function prettyValue(value: unknown): string {
  if (isErrorObject(value)) return prettyError(value)
  // Quoted where it would not read as one word; JSON also makes control characters harmless to a terminal.
  if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) && !value.includes('"')) return value
  return JSON.stringify(value)
}

/** `internal: cannot write the log <- ERR_SQLITE_ERROR: disk full`, then the stack, if there is one, on lines of its own. */
function prettyError(error: ErrorObject): string {
  const chain: string[] = []
  for (let each: unknown = error; isErrorObject(each); each = each.cause) chain.push(`${each.code ?? each.name}: ${plain(each.message)}`)
  const stack = error.stack === undefined ? '' : `\n${error.stack.split('\n').slice(1).map(plain).join('\n')}`
  return `${chain.join(' <- ')}${stack}`
}

interface ErrorObject {
  readonly code?: string
  readonly name?: string
  readonly message: string
  readonly stack?: string
  readonly cause?: unknown
}

function isErrorObject(value: unknown): value is ErrorObject {
  return typeof value === 'object' && value !== null && 'message' in value && ('code' in value || 'name' in value)
}

/** Text of unknown origin must not move the cursor, colour the screen or start a line of its own. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
}

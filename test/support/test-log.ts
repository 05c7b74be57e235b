import type { Logger } from '../../src/model/ports/logger.ts'

/** One call of a test log. */
export interface LogRecord {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly scope: string
  readonly fields: object
  readonly message: string
}

/** A log that keeps what it is told, in order. */
export interface TestLog extends Logger {
  /** Of this log and all its children. */
  readonly records: readonly LogRecord[]
}

/** Makes one. Nothing is printed. */
export function createTestLog(): TestLog {
  const records: LogRecord[] = []
  const scoped = (scope: string): Logger => {
    const record =
      (level: LogRecord['level']) =>
      (fields: object, message: string): void => {
        records.push({ level, scope, fields, message })
      }
    return {
      error: record('error'),
      warn: record('warn'),
      info: record('info'),
      debug: record('debug'),
      child: name => scoped(`${scope}:${name}`)
    }
  }
  return { ...scoped('cares'), records }
}

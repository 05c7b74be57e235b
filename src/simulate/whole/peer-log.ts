import type { Logger } from '../../model/ports/logger.ts'

type Level = 'error' | 'warn' | 'info' | 'debug'

/** A log that tells `onLine` each line as one text. */
export function createPeerLog(onLine: (level: Level, describe: () => string) => void, scope = 'cares'): Logger {
  const at =
    (level: Level) =>
    (fields: object, message: string): void =>
      onLine(level, () => `${scope}: ${message}${describeFields(fields)}`)
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: name => createPeerLog(onLine, `${scope}:${name}`)
  }
}

function describeFields(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${value instanceof Error ? String(value) : JSON.stringify(value)}`)
    .join('')
}

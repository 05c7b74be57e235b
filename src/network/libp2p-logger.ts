import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import type { Logger } from '../model/ports/logger.ts'

/** How much of libp2p's own log is wanted. At `debug` two idle peers write hundreds of lines a second. */
export type Libp2pLogLevel = 'none' | 'warn' | 'debug'

/** libp2p's log on CARES' logger. Its errors are warnings here: an ordinary close of a connection arrives as one. */
export function libp2pLogger(log: Logger, level: Libp2pLogLevel): ComponentLogger {
  return {
    forComponent: name =>
      scoped(
        once(() => log.child(name)),
        level
      )
  }
}

/** Every stream has a scope of its own, and next to none ever says anything: its logger is made when it does. */
function scoped(log: () => Logger, level: Libp2pLogLevel): Libp2pLogger {
  const debug = level === 'debug'
  const write = (formatter: unknown, args: unknown[]): void => {
    if (debug) log().debug({ text: format(formatter, args) }, 'libp2p')
  }
  return Object.assign((formatter: unknown, ...args: unknown[]) => write(formatter, args), {
    enabled: debug,
    trace: Object.assign((formatter: unknown, ...args: unknown[]) => write(formatter, args), { enabled: debug }),
    error: (formatter: unknown, ...args: unknown[]) => {
      if (level !== 'none') log().warn({ text: format(formatter, args) }, 'libp2p')
    },
    newScope: (name: string) =>
      scoped(
        once(() => log().child(name)),
        level
      )
  })
}

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined
  return () => (value ??= make())
}

/** `text` with each `%x` replaced by the next argument. */
function format(formatter: unknown, args: readonly unknown[]): string {
  const rest = [...args]
  return String(formatter).replaceAll(/%[a-zA-Z]/g, mark => (rest.length === 0 ? mark : String(rest.shift())))
}

/** A structured log with a scope (`cares:runtime`). Fields first, then a short constant message. Never payloads. */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
  /** The same log with a longer scope: `cares` and `runtime` make `cares:runtime`. */
  child(scope: string): Logger
}

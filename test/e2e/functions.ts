import { fileURLToPath } from 'node:url'

const WEB = fileURLToPath(new URL('../../scripts/images/web.ts', import.meta.url))

/** The same functions for both runtimes, by their names: what the upload says besides the name. */
export interface Functions extends Readonly<Record<string, FunctionWish>> {
  /** stdin to stdout, in upper case. */
  readonly upper: FunctionWish
  /** Reads nothing, writes to stderr and exits with 3. */
  readonly failing: FunctionWish
  /** Does nothing for longer than its timeout. */
  readonly hanging: FunctionWish
  /** Writes without end. */
  readonly flooding: FunctionWish
  /** Ends well without reading its stdin. */
  readonly deaf: FunctionWish
  /** A web server that does as it is told (`scripts/images/web.ts`). */
  readonly web: FunctionWish
}

/** The part of an upload that says what runs. */
export type FunctionWish = { readonly image: string; readonly contract: 'stdio' | 'http' } & Record<string, unknown>

/** Commands that the `process` runtime starts. */
export function processFunctions(): Functions {
  return {
    upper: { image: 'tr a-z A-Z', contract: 'stdio' },
    failing: { image: "sh -c 'echo the reason >&2; exit 3'", contract: 'stdio' },
    hanging: { image: 'sleep 3600', contract: 'stdio', timeoutMs: 700 },
    flooding: { image: 'yes', contract: 'stdio', timeoutMs: 2_000 },
    deaf: { image: 'echo no matter what', contract: 'stdio' },
    web: { image: `${process.execPath} ${WEB}`, contract: 'http', concurrency: 50 }
  }
}

/** Images of `scripts/images.ts`. */
export function dockerFunctions(): Functions {
  return {
    upper: { image: 'cares-example/upper', contract: 'stdio' },
    failing: { image: 'cares-example/fail', contract: 'stdio' },
    hanging: { image: 'cares-test/hang', contract: 'stdio', timeoutMs: 2_000 },
    flooding: { image: 'cares-test/flood', contract: 'stdio', timeoutMs: 3_000 },
    deaf: { image: 'cares-test/deaf', contract: 'stdio' },
    web: { image: 'cares-example/web', contract: 'http', concurrency: 50 }
  }
}

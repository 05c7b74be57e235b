import type { CaresError, Json } from '../../model/errors.ts'

/** How much of a failed function's stderr is shown: its last lines say what went wrong, the rest is a `cares logs` away. */
const STDERR_LINES_MAX = 10

/** A third remedy would not be read. */
const REMEDIES_MAX = 2

/**
 * An error as people read it: what failed and its first cause, the evidence, and at most two remedies that fit its code.
 *
 * @param remedies - remedies that only the command knows, e.g. the closest name; they take the place of the general ones
 */
export function errorLines(error: CaresError, { verbose = false, remedies = [] as readonly string[] } = {}): string[] {
  const general = error.hint === undefined ? remediesFor(error) : [error.hint]
  const known = (remedies.length > 0 ? remedies : general).slice(0, REMEDIES_MAX)
  return [
    `cares: ${error.message}`,
    ...evidence(error.details),
    ...known.map((remedy, index) => `${index === 0 ? '  try: ' : '       '}${remedy}`),
    ...(verbose ? causes(error) : [])
  ]
}

/** An error as programs read it: a problem document in one line. */
export function errorJson(error: CaresError, { remedies = [] as readonly string[] } = {}): string {
  const hint = remedies[0] ?? error.hint ?? remediesFor(error)[0]
  return JSON.stringify({
    ...error.details,
    code: error.code,
    detail: error.message,
    ...(hint === undefined ? {} : { hint }),
    retryable: error.retryable
  })
}

function remediesFor({ code, details }: CaresError): readonly string[] {
  const invocation = textOf(details['invocation'])
  switch (code) {
    case 'peer_unreachable':
      return details['api'] === undefined
        ? ['cares peers   (who is alive)']
        : ['cares peer   (none runs here)', 'cares --api http://HOST:7070 …   or set CARES_API']
    case 'unauthorized':
      return ['cares --token-file FILE …   or set CARES_TOKEN_FILE']
    case 'revision_mismatch':
      return ['cares functions NAME   (shows the revision it has)']
    case 'no_quorum':
    case 'no_orchestrator':
      return ['cares status   (functions are answered meanwhile)']
    case 'no_capacity':
    case 'busy':
    case 'overloaded':
      return [invocation === undefined ? 'cares peers   (what is free, and where)' : `cares explain ${invocation}`]
    case 'function_failed':
    case 'function_protocol':
      return invocation === undefined ? [] : [`cares logs ${invocation}`]
    case 'out_of_memory':
      return ['cares upload … --memory SIZE   (give it more)', ...(invocation === undefined ? [] : [`cares logs ${invocation}`])]
    case 'runtime_unavailable':
      return ['cares doctor']
    default:
      return []
  }
}

function evidence(details: { readonly [key: string]: Json }): readonly string[] {
  const stderr = textOf(details['stderr'])?.trimEnd() ?? ''
  const issues = Array.isArray(details['issues']) ? (details['issues'] as readonly Json[]) : []
  const tail = stderr === '' ? [] : stderr.split('\n').slice(-STDERR_LINES_MAX)
  // The message names the first.
  const wrong = issues.slice(1).map(issue => issueText(issue as { readonly [key: string]: Json }))
  return [...wrong, ...tail].map(line => `  ${line}`)
}

function issueText({ path, message }: { readonly [key: string]: Json }): string {
  return [textOf(path), textOf(message)].filter(part => part !== undefined && part !== '').join(': ')
}

/** What lies behind an error. Where in the program it arose is of use only when the program is at fault. */
function causes(error: CaresError): readonly string[] {
  const isFault = error.code === 'internal'
  const lines = isFault ? (error.stack ?? '').split('\n').slice(1) : []
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by ${(isFault ? cause.stack : undefined) ?? cause.message}`)
  }
  return lines.flatMap(line => line.split('\n')).map(line => `  ${line.trim()}`)
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

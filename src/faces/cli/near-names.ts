import { Option } from 'commander'
import { closest } from '../../model/closest.ts'
import type { CaresError } from '../../model/errors.ts'
import type { CaresClient } from '../client.ts'
import type { AnyCommand } from './command.ts'
import type { CliEnvironment } from './environment.ts'

/** Longest that an error waits for names to suggest: the error matters more than the remedy. */
const SUGGESTION_TIMEOUT_MS = 500

/** A longer command line is not repeated: it may hold a whole document. */
const MENDED_CHARACTERS_MAX = 70

/** A word of the command line, and what it names. */
export interface NamedWord {
  readonly word: string
  readonly kind: 'peer' | 'function'
}

/** The words of a command line that name peers and functions: where a mistyped one can be told from what exists. */
export function namedWords(spec: AnyCommand, args: readonly string[], flags: Readonly<Record<string, unknown>>): readonly NamedWord[] {
  const named: NamedWord[] = []
  const add = (word: unknown, kind: string | undefined): void => {
    if (typeof word === 'string' && (kind === 'peer' || kind === 'function')) named.push({ word, kind })
  }
  for (const [at, { completes, variadic }] of (spec.args ?? []).entries()) {
    for (const word of variadic === true ? args.slice(at) : args.slice(at, at + 1)) add(word, completes)
  }
  for (const { flags: notation, completes } of spec.options ?? []) add(flags[new Option(notation).attributeName()], completes)
  return named
}

/** For an error that says that something does not exist: the command line with the name that is nearest to one of its words, if that is had in time. */
export async function nearNames(
  error: CaresError,
  { client, named = [], argv }: { client?: CaresClient; named?: readonly NamedWord[]; argv: readonly string[] },
  environment: Pick<CliEnvironment, 'clock' | 'signal'>
): Promise<readonly string[]> {
  if (error.code !== 'not_found' || client === undefined) return []
  const options = { signal: AbortSignal.any([environment.signal, environment.clock.timeout(SUGGESTION_TIMEOUT_MS)]) }
  try {
    for (const { word, kind } of named) {
      const { items } = kind === 'peer' ? await client.peers(options) : await client.functions(options)
      const names = items.map(({ name }) => name)
      const near = names.includes(word) ? undefined : closest(word, names)
      if (near !== undefined) return [mended(argv, word, near)]
    }
  } catch {
    // A remedy is worth having only when it is there at once; the error itself is told either way.
  }
  return []
}

/** The command line with the wrong word mended, and without its `--yes`: what is only near may be asked about before it is gone. */
function mended(argv: readonly string[], word: string, near: string): string {
  const cautious = argv.filter(each => each !== '-y' && each !== '--yes')
  const line = ['cares', ...cautious.map(each => (each === word ? near : each.replace(`=${word}`, `=${near}`)))].join(' ')
  return line.length > MENDED_CHARACTERS_MAX ? `${near}   (closest name)` : `${line}   (closest name)`
}

import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../model/ports/clock.ts'
import type { CaresClient } from '../client.ts'
import type { Table, TableView } from '../table.ts'

/** What a value is printed as. `wide` is `table` with every column, `name` one name a line, for `xargs`. */
export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'jsonl', 'yaml', 'name'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** A stream that people or programs read. Only a terminal gets colour, redraws and questions. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** The three streams of a process. */
export interface Terminal {
  /** `piped`: a file or a program is behind it, so reading it comes to an end. */
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly piped: boolean }
  readonly stdout: Screen
  readonly stderr: Screen
}

/** What the shell can offer where an argument or an option's value stands. */
export type Completes = 'function' | 'peer' | 'invocation' | 'command' | 'file'

/** A positional argument of a command. */
export interface ArgumentSpec {
  /** In capitals, as the help shows it. */
  readonly name: string
  readonly description: string
  /** @default true */
  readonly required?: boolean
  /** Takes all that follows. @default false */
  readonly variadic?: boolean
  readonly choices?: readonly string[]
  readonly completes?: Completes
}

/** A flag of a command. Its key in the parsed options is the long name in camel case. */
export interface OptionSpec {
  /** In commander's notation: `-d, --data <DATA>`. */
  readonly flags: string
  readonly description: string
  /** What holds when the flag is not given, in words. */
  readonly defaultText?: string | undefined
  /** The environment variable that says the same, for the help. Only `config.ts` reads it. */
  readonly env?: string | undefined
  readonly choices?: readonly string[] | undefined
  /** May be given several times; the parsed value is an array. @default false */
  readonly repeats?: boolean
  /** Turns the text into a value; throws `invalid` for what it cannot read. */
  readonly parse?: (text: string) => unknown
  readonly completes?: Completes
}

/** What a command needs of the world around it. */
export interface CommandContext<Options> {
  readonly args: readonly string[]
  /** How many of `args`, the last ones, stand behind `--`. */
  readonly argsBehindDashes: number
  readonly options: Options
  readonly client: CaresClient
  readonly terminal: Terminal
  readonly clock: Clock
  readonly output: OutputSettings
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal
  /** Writes a line for the reader, not for a program, to stderr; nothing with `--quiet`. */
  readonly note: (line: string) => void
}

/** How the user wants to be told. */
export interface OutputSettings {
  readonly format: OutputFormat
  readonly quiet: boolean
  readonly verbose: boolean
  /** Take every question as answered by yes. */
  readonly yes: boolean
  /** Whether the locale lets a terminal show more than ASCII. */
  readonly unicode: boolean
  /** Whether stdout and stderr get colour. */
  readonly colour: { readonly stdout: boolean; readonly stderr: boolean }
}

/** What a command gives back; the wrapper prints it in the format that the user asked for. */
export type Result =
  | {
      readonly kind: 'list'
      /** What JSON and YAML show. */
      readonly data: { readonly items: readonly unknown[] }
      readonly table: Table
      readonly names: readonly string[]
      /** For stderr, when there is nothing to list: what would put something there. */
      readonly empty: string
      readonly exitCode?: number
    }
  | {
      readonly kind: 'item'
      readonly data: unknown
      readonly lines: (view: TableView) => readonly string[]
      readonly names: readonly string[]
      readonly exitCode?: number
    }
  | StreamResult
  /** The command has written its own output. */
  | { readonly kind: 'written'; readonly exitCode?: number }

/** Items that come one by one: one line each, in every format; those that come to an end are one document of `items` as JSON or YAML. */
export interface StreamResult {
  readonly kind: 'stream'
  /** Whether they come to an end by themselves. @default false */
  readonly ends?: boolean
  readonly items: AsyncIterable<StreamItem>
}

/** One item of a stream. */
export interface StreamItem {
  readonly data: unknown
  readonly name: string
  readonly line: string
  /** On a terminal, the whole picture that replaces the one before; absent: the line is added below. */
  readonly frame?: (view: TableView) => readonly string[]
}

/** One command: all that help, completion, parsing and printing need to know of it. */
export interface CommandSpec<Options = never> {
  readonly args?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  /** Two to four, each with a comment that says what it does. */
  readonly examples: readonly { readonly comment: string; readonly command: string }[]
  /** More than the summary says, for `--help`. */
  readonly description?: string
  /** It says itself that there is no orchestrator: no remark is needed that what it shows may be old. @default false */
  readonly tellsStale?: boolean
  run(context: CommandContext<Options>): Promise<Result>
}

/** A command whose options have been forgotten by the type system: the shape in which all commands are listed. */
export type AnyCommand = CommandSpec

/** Declares a command. `Options` must say what its `options` parse to. */
export function defineCommand<Options = Record<string, never>>(spec: CommandSpec<Options>): AnyCommand {
  return spec
}

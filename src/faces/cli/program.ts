import { Command, CommanderError, Help, InvalidArgumentError, Option } from 'commander'
import type { CaresClient } from '../client.ts'
import type { AnyCommand, ArgumentSpec, CommandContext, OptionSpec, OutputSettings } from './command.ts'
import type { CliEnvironment, ClientSettings, Flags } from './environment.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import { closest } from '../../model/closest.ts'
import { OUTPUT_FORMATS } from './command.ts'
import { COMMAND_GROUPS, COMMANDS, type CommandEntry, findCommand } from './commands.ts'
import { errorJson, errorLines } from './errors.ts'
import { EXIT, EXIT_BY_ERROR } from './exit-codes.ts'
import { type NamedWord, namedWords, nearNames } from './near-names.ts'
import { createNote, onceStale } from './notes.ts'

/** Flags that every command takes, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--api <URL>', description: 'the peer to ask', defaultText: 'http://127.0.0.1:7070', env: 'CARES_API' },
  {
    flags: '-o, --output <FORMAT>',
    description: 'how to print the answer; with -f or -w, json is an object a line',
    defaultText: 'table',
    env: 'CARES_OUTPUT',
    choices: OUTPUT_FORMATS
  },
  { flags: '--json', description: 'the same as -o json' },
  { flags: '-q, --quiet', description: 'no hints and remarks on stderr', env: 'CARES_QUIET' },
  { flags: '-v, --verbose', description: 'say more on stderr', env: 'CARES_VERBOSE' },
  {
    flags: '--color <WHEN>',
    description: 'colour the output',
    defaultText: 'auto: on a terminal, and NO_COLOR is not set',
    env: 'CARES_COLOR',
    choices: ['auto', 'always', 'never']
  },
  { flags: '--no-color', description: 'the same as --color never' },
  { flags: '--token-file <FILE>', description: 'the token for a protected API', env: 'CARES_TOKEN_FILE', completes: 'file' },
  { flags: '--config <FILE>', description: 'settings in YAML', env: 'CARES_CONFIG', completes: 'file' },
  { flags: '--read-only', description: 'refuse whatever would change something', env: 'CARES_READ_ONLY' },
  { flags: '-y, --yes', description: 'answer every question with yes' }
]

/** The heading of the flags that every command takes. */
const GLOBAL_GROUP = 'Global options:'

/** Help is laid out for the width that every terminal has. */
const HELP_COLUMNS = 80

/** With more choices than this a line of help is too short for them. */
const CHOICES_JOINED_MAX = 6

/** The flags that the screens know, too. */
const SCREEN_OPTIONS = /^--(api|color|no-color|token-file|config|read-only)\b/

/** The flags of a command line that names no command, and is therefore for the screens; undefined when it is for `runCli`. */
export function screenFlags(argv: readonly string[]): Flags | undefined {
  const command = new Command()
    .helpOption(false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  for (const option of GLOBAL_OPTIONS) if (SCREEN_OPTIONS.test(option.flags)) command.addOption(toOption(option))
  try {
    return writtenFlags(command.action(() => {}).parse(argv, { from: 'user' }))
  } catch (error) {
    // What it does not know is for `runCli` to do or to refuse.
    if (error instanceof CommanderError) return undefined
    throw error
  }
}

/** Runs one command line (without `node` and the script) and returns its exit code. Never throws; never ends the process. */
export async function runCli(argv: readonly string[], environment: CliEnvironment): Promise<number> {
  const { terminal, signal } = environment
  const failure: FailureContext = { argv, json: asksForJson(argv), verbose: argv.includes('-v') || argv.includes('--verbose') }
  let exitCode: number = EXIT.done
  const program = buildProgram(environment, failure, code => {
    exitCode = code
  })
  try {
    if (argv.length === 0) {
      terminal.stderr.write(program.helpInformation())
      return EXIT.usage
    }
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    const interruption: unknown = signal.aborted ? signal.reason : undefined
    if (interruption instanceof CaresError) return interruption.details['signal'] === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
    const known = error instanceof CommanderError ? usageError(error, failure) : toCaresError(error)
    const remedies = await nearNames(known, failure, environment)
    const text = failure.json ? [errorJson(known, { remedies })] : errorLines(known, { verbose: failure.verbose, remedies })
    terminal.stderr.write(text.map(line => `${line}\n`).join(''))
    return EXIT_BY_ERROR[known.code]
  }
}

/** What is known of the command when it fails, for the way to say so. */
interface FailureContext {
  json: boolean
  verbose: boolean
  /** The command line, to repeat it mended. */
  readonly argv: readonly string[]
  entry?: CommandEntry
  /** The command's own words for a peer or a function, and what they stand for. */
  named?: readonly NamedWord[]
  client?: CaresClient
}

function buildProgram(environment: CliEnvironment, failure: FailureContext, setExitCode: (code: number) => void): Command {
  const program = new Command('cares')
    .description('Turns any handful of machines with Docker into one serverless cluster.')
    .usage('[OPTIONS] COMMAND')
    .version(failure.json ? JSON.stringify({ version: environment.version }) : environment.version, '--version', 'print the version')
    .helpOption('-h, --help', 'show help; for one command: cares COMMAND --help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: text => void environment.terminal.stdout.write(text),
      // Errors are printed once, by runCli, in the form that was asked for.
      writeErr: () => {},
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS
    })
    .configureHelp({
      sortSubcommands: false,
      subcommandTerm: command => command.name(),
      // Choices and defaults stand in the description already, beside the environment name.
      optionDescription: option => option.description
    })
  for (const option of GLOBAL_OPTIONS) program.addOption(toOption(option))
  for (const group of COMMAND_GROUPS) {
    for (const entry of COMMANDS.filter(each => each.group === group)) {
      program.addCommand(
        new Command(entry.name)
          .copyInheritedSettings(program)
          .summary(entry.summary)
          .aliases(entry.aliases ?? [])
          .helpGroup(`${group}:`)
          .action(() => {}),
        { hidden: entry.hidden === true }
      )
    }
  }
  program
    .command('help [COMMAND]')
    .summary('Show help')
    .helpGroup('This machine:')
    .action(async (word: string | undefined) => {
      if (word === undefined) return program.outputHelp()
      const entry = findCommand(word)
      const command = program.commands.find(each => each.name() === entry?.name)
      if (entry === undefined || command === undefined) throw unknownCommand(word)
      describe(command, await entry.load(environment), entry)
      command.outputHelp()
    })
  program.hook('preSubcommand', async (_, command) => {
    const entry = findCommand(command.name())
    if (entry === undefined) return
    failure.entry = entry
    const spec = await entry.load(environment)
    describe(command, spec, entry)
    command.action(async () => {
      setExitCode(await runCommand(spec, command, environment, failure))
    })
  })
  program.on('beforeAllHelp', () => {
    const [word = ''] = program.args
    if (word !== '' && !word.startsWith('-') && !program.commands.some(each => each.name() === word || each.aliases().includes(word)))
      throw unknownCommand(word)
  })
  program.on('command:*', ([word = '']: string[]) => {
    throw unknownCommand(word)
  })
  return program
}

/** Gives the bare command that stands in the list its arguments, flags and examples. */
function describe(command: Command, spec: AnyCommand, { summary }: CommandEntry): void {
  command.addHelpOption(new Option('-h, --help', 'show help').helpGroup(GLOBAL_GROUP))
  command.description(spec.description === undefined ? `${summary}.` : `${summary}.\n\n${spec.description}`)
  for (const argument of spec.args ?? []) command.addArgument(toArgument(command, argument))
  for (const option of spec.options ?? []) command.addOption(toOption(option))
  const own = new Set(command.options.map(option => option.long))
  for (const option of GLOBAL_OPTIONS.map(toOption)) {
    if (!own.has(option.long)) command.addOption(option.helpGroup(GLOBAL_GROUP))
  }
  const examples = spec.examples.map(({ comment, command }) => `  # ${comment}\n  ${command}\n`)
  command.configureHelp({
    ...command.configureHelp(),
    // What all commands have comes last, so that the examples are not pushed out of sight.
    formatHelp: (each, helper) =>
      Help.prototype.formatHelp
        .call(helper, each, helper)
        .replace(`\n${GLOBAL_GROUP}\n`, () => `\nExamples:\n${examples.join('\n')}\n${GLOBAL_GROUP}\n`)
  })
}

function toArgument(command: Command, { name, description, required = true, variadic = false, choices }: ArgumentSpec) {
  const inner = variadic ? `${name}...` : name
  const argument = command.createArgument(required ? `<${inner}>` : `[${inner}]`, description)
  return choices === undefined ? argument : argument.choices(choices)
}

function toOption({ flags, description, defaultText, env, choices, repeats = false, parse }: OptionSpec): Option {
  const notes = [
    // A long row of them must be able to break.
    choices === undefined ? [] : [choices.join(choices.length > CHOICES_JOINED_MAX ? ' | ' : '|')],
    defaultText === undefined ? [] : [`default: ${defaultText}`],
    env === undefined ? [] : [`env: ${env}`],
    repeats ? ['may be repeated'] : []
  ].flat()
  const option = new Option(flags, notes.length === 0 ? description : `${description} (${notes.join('; ')})`)
  if (choices !== undefined) option.choices(choices)
  else if (parse !== undefined || repeats) {
    option.argParser((text: string, previous: unknown) => {
      const value = parse === undefined ? text : readFlag(parse, text)
      return repeats ? [...((previous as unknown[] | undefined) ?? []), value] : value
    })
  }
  return option
}

function readFlag(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw error instanceof CaresError
      ? new InvalidArgumentError(error.hint === undefined ? `${error.message}.` : `${error.message}; ${error.hint}.`)
      : error
  }
}

async function runCommand(spec: AnyCommand, command: Command, environment: CliEnvironment, failure: FailureContext): Promise<number> {
  const flags = { ...writtenFlags(command.parent), ...writtenFlags(command) }
  const settings = await environment.readClientSettings(flags)
  const output = outputSettings(flags, settings, environment)
  failure.json = output.format === 'json' || output.format === 'jsonl'
  failure.verbose = output.verbose
  failure.named = namedWords(spec, command.args, flags)
  const [{ CaresClient }, { nodeFetch }] = await Promise.all([import('../client.ts'), import('../node-fetch.ts')])
  const { terminal, clock, signal } = environment
  const note = createNote(terminal.stderr, { quiet: output.quiet, warnings: settings.warnings })
  const client = new CaresClient({
    api: settings.api,
    token: settings.token ?? undefined,
    readOnly: settings.readOnly,
    onStale: spec.tellsStale === true ? undefined : onceStale(note),
    fetch: nodeFetch,
    timeout: ms => clock.timeout(ms)
  })
  failure.client = client
  const { argv } = failure
  const argsBehindDashes = argv.includes('--') ? argv.length - argv.indexOf('--') - 1 : 0
  const context: CommandContext<unknown> = {
    args: command.args,
    argsBehindDashes,
    options: flags,
    client,
    terminal,
    clock,
    output,
    signal,
    note
  }
  const result = await spec.run(context as CommandContext<never>)
  if (result.kind === 'written') return result.exitCode ?? EXIT.done
  const { printResult } = await import('./output.ts')
  return await printResult(result, terminal, output, note)
}

/** What stands on the command line, and not what commander would assume where nothing does: that is for the settings to decide. */
function writtenFlags(command: Command | null): Record<string, unknown> {
  const flags = command?.opts<Record<string, unknown>>() ?? {}
  const written = Object.entries(flags).filter(([name]) => command?.getOptionValueSource(name) === 'cli')
  // commander's word for `--no-color`.
  return Object.fromEntries(written.map(([name, value]) => [name, name === 'color' && value === false ? 'never' : value]))
}

function outputSettings(flags: Readonly<Record<string, unknown>>, settings: ClientSettings, { terminal }: CliEnvironment): OutputSettings {
  const coloured = (isTTY: boolean | undefined): boolean => settings.color === 'always' || (settings.color === 'auto' && isTTY === true)
  return {
    format: settings.output,
    quiet: settings.quiet,
    verbose: settings.verbose,
    yes: flags['yes'] === true,
    unicode: settings.unicode === true,
    colour: { stdout: coloured(terminal.stdout.isTTY), stderr: coloured(terminal.stderr.isTTY) }
  }
}

/** For errors of a command line that could not even be parsed. */
function asksForJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, at) =>
      word === '--json' || /^(-o|--output=)jsonl?$/.test(word) || (/^(-o|--output)$/.test(word) && /^jsonl?$/.test(argv[at + 1] ?? ''))
  )
}

/** commander's message as an error of CARES: `unknown option '--memroy'; did you mean --memory?`. */
function usageError({ message, code }: CommanderError, { entry }: FailureContext): CaresError {
  const text = message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (?:one of )?(.*)\?\)$/s, '; did you mean $1?')
    .replace(/\.$/, '')
  const help = entry === undefined ? 'cares help' : `cares ${entry.name} --help`
  return new CaresError('invalid', code === 'commander.help' ? 'no command' : text, { hint: help })
}

function unknownCommand(word: string): CaresError {
  const names = COMMANDS.filter(({ hidden }) => hidden !== true).flatMap(({ name, aliases = [] }) => [name].concat(aliases))
  const near = closest(word, names)
  return new CaresError('invalid', `there is no command ${word}`, {
    hint: near === undefined ? 'cares help   (lists the commands)' : `cares ${near}   (closest name)`
  })
}

import type { AnyCommand, Completes, OptionSpec } from './command.ts'
import type { CommandEntry } from './commands.ts'

/** One thing that the shell may offer. */
export interface Candidate {
  readonly value: string
  readonly description: string
}

/** What a completion asks for: candidates, names that only a peer knows, or files. */
export interface Completion {
  readonly candidates: readonly Candidate[]
  readonly live?: Exclude<Completes, 'file' | 'command'> | undefined
  readonly files: boolean
}

/** All that can stand in a command line. A command's own arguments and options are only loaded for a line in which it stands. */
export interface CompletionTree {
  readonly commands: readonly CommandEntry[]
  readonly globalOptions: readonly OptionSpec[]
  readonly load: (entry: CommandEntry) => Promise<AnyCommand>
}

/**
 * What fits at the end of a command line.
 *
 * @param words - what stands behind `cares`; the last of them is being written, and may be empty
 */
export async function completeWords(words: readonly string[], { commands, globalOptions, load }: CompletionTree): Promise<Completion> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const at = commandPosition(before, globalOptions)
  const entry = commands.find(({ name, aliases = [] }) => at >= 0 && (name === before[at] || aliases.includes(before[at] ?? '')))
  const spec = entry === undefined ? undefined : await load(entry)
  const options = [...(spec?.options ?? []), ...globalOptions]

  const [, flag = '', started] = /^(--[a-z-]+)=(.*)$/.exec(current) ?? []
  const awaiting = optionNamed(options, flag === '' ? before.at(-1) : flag)
  if (awaiting !== undefined && takesValue(awaiting)) {
    return offer(awaiting.choices, awaiting.completes, started ?? current, value => (started === undefined ? value : `${flag}=${value}`))
  }
  if (current.startsWith('-')) {
    const flags = options.map(({ flags, description }) => ({ value: longName(flags), description }))
    return { candidates: flags.filter(({ value }) => value.startsWith(current)), files: false }
  }
  const listed = commands
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, summary }) => ({ value: name, description: summary }))
    .filter(({ value }) => value.startsWith(current))
  if (at < 0)
    return {
      candidates: [...listed, { value: 'help', description: 'Show help' }].filter(({ value }) => value.startsWith(current)),
      files: false
    }
  if (before[at] === 'help') return { candidates: listed, files: false }
  const args = spec?.args ?? []
  const place = positionals(before.slice(at + 1), options)
  const argument = args[place] ?? (args.at(-1)?.variadic === true ? args.at(-1) : undefined)
  return argument === undefined ? { candidates: [], files: false } : offer(argument.choices, argument.completes, current)
}

function offer(
  choices: readonly string[] | undefined,
  completes: Completes | undefined,
  started: string,
  shape = (value: string) => value
): Completion {
  if (choices !== undefined) {
    return {
      candidates: choices.filter(value => value.startsWith(started)).map(value => ({ value: shape(value), description: '' })),
      files: false
    }
  }
  const live = completes === 'file' || completes === 'command' ? undefined : completes
  return { candidates: [], live, files: completes === 'file' }
}

/** Where the command stands among the words, past the global flags and their values; -1: nowhere yet. */
function commandPosition(words: readonly string[], options: readonly OptionSpec[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) return at
    const option = optionNamed(options, word)
    if (option !== undefined && takesValue(option)) at++
  }
  return -1
}

function positionals(words: readonly string[], options: readonly OptionSpec[]): number {
  let count = 0
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (!word.startsWith('-')) count++
    else {
      const option = optionNamed(options, word)
      if (option !== undefined && takesValue(option)) at++
    }
  }
  return count
}

function optionNamed(options: readonly OptionSpec[], word: string | undefined): OptionSpec | undefined {
  return options.find(({ flags }) => word !== undefined && flags.split(/[ ,]+/).includes(word))
}

function takesValue({ flags }: OptionSpec): boolean {
  return /[<[]/.test(flags)
}

function longName(flags: string): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags
}

/** The scripts that shells read once; they ask `cares complete` for each word. A line `:file` asks the shell for its own file names. */
export const COMPLETION_SCRIPTS = {
  bash: `# cares completion for bash; in ~/.bashrc: source <(cares completion bash)
_cares() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :file ]]; then compopt -o default; return; fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(cares complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _cares cares
`,
  zsh: `#compdef cares
# cares completion for zsh; in ~/.zshrc, after compinit: source <(cares completion zsh)
_cares() {
  local line
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == :file ]]; then _files; return; fi
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(cares complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe cares candidates
}
compdef _cares cares
`,
  fish: `# cares completion for fish; in ~/.config/fish/config.fish: cares completion fish | source
function __cares_complete
    set -l words (commandline -opc)[2..-1] (commandline -ct)
    set -l lines (cares complete -- $words 2>/dev/null)
    if contains -- :file $lines
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $lines
    end
end
complete -c cares -f -a '(__cares_complete)'
`
} as const

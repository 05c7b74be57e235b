import type { CliEnvironment } from '../environment.ts'
import type { CaresClient } from '../../client.ts'
import { type AnyCommand, defineCommand } from '../command.ts'
import { type Candidate, COMPLETION_SCRIPTS, type Completion, completeWords } from '../completion.ts'
import { write } from '../output.ts'

/** A shell waits for this at every press of Tab. */
const LIVE_TIMEOUT_MS = 500

/** Of the newest calls, offered as ids. */
const INVOCATIONS_OFFERED = 20

const SHELLS = Object.keys(COMPLETION_SCRIPTS) as (keyof typeof COMPLETION_SCRIPTS)[]

export const completion = defineCommand({
  args: [{ name: 'SHELL', description: 'bash, zsh or fish', choices: SHELLS }],
  description: 'Completes commands, flags, and the names of functions and peers that the cluster knows at that moment.',
  examples: [
    { comment: 'In ~/.bashrc', command: 'source <(cares completion bash)' },
    { comment: 'In ~/.zshrc, after compinit', command: 'source <(cares completion zsh)' },
    { comment: 'In ~/.config/fish/config.fish', command: 'cares completion fish | source' }
  ],
  async run({ args: [shell], terminal, output }) {
    const script = COMPLETION_SCRIPTS[SHELLS.find(each => each === shell) ?? 'bash']
    if (output.format !== 'table')
      return { kind: 'item', data: { shell, script }, names: [shell ?? ''], lines: () => script.trimEnd().split('\n') }
    await write(terminal.stdout, script)
    return { kind: 'written' }
  }
})

/** The hidden command behind the scripts. */
export function complete(environment: CliEnvironment): AnyCommand {
  return defineCommand({
    args: [{ name: 'WORD', description: 'what stands behind cares; the last is being written', required: false, variadic: true }],
    description: 'Prints a candidate a line, a tab, and what it is; a line ":file" asks the shell for file names.',
    examples: [
      { comment: 'Commands that begin with up', command: 'cares complete -- up' },
      { comment: 'Functions to invoke', command: "cares complete -- invoke ''" }
    ],
    async run({ args, client, clock, signal }) {
      const [{ COMMANDS }, { GLOBAL_OPTIONS }] = await Promise.all([import('../commands.ts'), import('../program.ts')])
      const tree = {
        commands: COMMANDS,
        globalOptions: GLOBAL_OPTIONS,
        load: (entry: (typeof COMMANDS)[number]) => entry.load(environment)
      }
      const found = await completeWords(args, tree)
      const candidates = [
        ...found.candidates,
        ...(await liveCandidates(found, args.at(-1) ?? '', client, { signal: AbortSignal.any([signal, clock.timeout(LIVE_TIMEOUT_MS)]) }))
      ]
      return {
        kind: 'item',
        data: { items: candidates, files: found.files },
        names: candidates.map(({ value }) => value),
        lines: () => (found.files ? [':file'] : candidates.map(({ value, description }) => `${value}\t${description}`))
      }
    }
  })
}

async function liveCandidates(
  { live }: Completion,
  current: string,
  client: CaresClient,
  options: { signal: AbortSignal }
): Promise<readonly Candidate[]> {
  if (live === undefined) return []
  try {
    return (await liveNames(live, client, options)).filter(({ value }) => value.startsWith(current))
  } catch {
    // No peer, or a slow one: the shell offers nothing, and the command that the user then runs says why.
    return []
  }
}

async function liveNames(
  live: NonNullable<Completion['live']>,
  client: CaresClient,
  options: { signal: AbortSignal }
): Promise<readonly Candidate[]> {
  switch (live) {
    case 'function':
      return (await client.functions(options)).items.map(fn => ({ value: fn.name, description: fn.image }))
    case 'peer':
      return (await client.peers(options)).items.map(peer => ({ value: peer.name, description: `${peer.state} ${peer.role}` }))
    case 'invocation':
      return (await client.invocations({ limit: INVOCATIONS_OFFERED, ...options })).items.map(each => ({
        value: each.id,
        description: `${each.function} ${each.state}`
      }))
  }
}

import type { AnyCommand } from './command.ts'
import type { CliEnvironment } from './environment.ts'

/** Headings of the help, in its order. */
export const COMMAND_GROUPS = ['Functions', 'Tasks', 'Cluster', 'This machine'] as const

/** One line of the command list. The command itself is loaded when it is called for: starting `cares` must not load all of it. */
export interface CommandEntry {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly group: (typeof COMMAND_GROUPS)[number]
  /** One line, without a full stop. */
  readonly summary: string
  /** Not listed in the help. @default false */
  readonly hidden?: boolean
  readonly load: (environment: CliEnvironment) => Promise<AnyCommand>
}

/** Every command of `cares`, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'upload',
    group: 'Functions',
    summary: 'Make a function of a Docker image',
    load: async () => (await import('./commands/upload.ts')).upload
  },
  {
    name: 'apply',
    group: 'Functions',
    summary: 'Create or update the functions that files describe',
    load: async () => (await import('./commands/apply.ts')).apply
  },
  {
    name: 'functions',
    aliases: ['list'],
    group: 'Functions',
    summary: 'List the functions, or show one',
    load: async () => (await import('./commands/functions.ts')).functions
  },
  {
    name: 'remove',
    group: 'Functions',
    summary: 'Remove a function',
    load: async () => (await import('./commands/remove.ts')).remove
  },
  {
    name: 'invoke',
    group: 'Functions',
    summary: 'Call a function',
    load: async () => (await import('./commands/invoke.ts')).invoke
  },
  {
    name: 'run',
    group: 'Tasks',
    summary: 'Run a container to its end, whatever dies meanwhile',
    load: async () => (await import('./commands/run.ts')).run
  },
  {
    name: 'tasks',
    aliases: ['ps'],
    group: 'Tasks',
    summary: 'List the tasks, or show one',
    load: async () => (await import('./commands/tasks.ts')).tasks
  },
  {
    name: 'wait',
    group: 'Tasks',
    summary: 'Wait until tasks are over',
    load: async () => (await import('./commands/wait.ts')).wait
  },
  {
    name: 'cancel',
    aliases: ['stop'],
    group: 'Tasks',
    summary: 'Cancel tasks and invocations',
    load: async () => (await import('./commands/cancel.ts')).cancel
  },
  {
    name: 'logs',
    group: 'Functions',
    summary: 'Show what a function or one invocation of it logged',
    load: async () => (await import('./commands/logs.ts')).logs
  },
  {
    name: 'explain',
    group: 'Functions',
    summary: 'Show why an invocation was placed where it was',
    load: async () => (await import('./commands/explain.ts')).explain
  },
  {
    name: 'quote',
    group: 'Functions',
    summary: 'Show what a call would take and cost, and where it would run',
    load: async () => (await import('./commands/quote.ts')).quote
  },
  {
    name: 'bench',
    group: 'Functions',
    summary: 'Run a function with inputs of several sizes, and show the curve',
    load: async () => (await import('./commands/bench.ts')).bench
  },
  {
    name: 'costs',
    group: 'Functions',
    summary: 'Show what calls and tasks have cost, by function, caller or peer',
    load: async () => (await import('./commands/costs.ts')).costs
  },
  {
    name: 'peers',
    aliases: ['nodes', 'workers'],
    group: 'Cluster',
    summary: 'List the peers, or show one',
    load: async () => (await import('./commands/peers.ts')).peers
  },
  {
    name: 'status',
    group: 'Cluster',
    summary: 'Show how the cluster stands',
    load: async () => (await import('./commands/status.ts')).status
  },
  {
    name: 'stats',
    group: 'Cluster',
    summary: 'Show what the peers use and have done',
    load: async () => (await import('./commands/stats.ts')).stats
  },
  {
    name: 'events',
    group: 'Cluster',
    summary: 'Show what has happened',
    load: async () => (await import('./commands/events.ts')).events
  },
  {
    name: 'alerts',
    group: 'Cluster',
    summary: 'Show what is wrong in the cluster',
    load: async () => (await import('./commands/alerts.ts')).alerts
  },
  {
    name: 'id',
    group: 'Cluster',
    summary: 'Print the cluster id, which another peer needs to join',
    load: async () => (await import('./commands/id.ts')).id
  },
  {
    name: 'drain',
    group: 'Cluster',
    summary: 'Ask a peer to take no new work',
    load: async () => (await import('./commands/drain.ts')).drain
  },
  {
    name: 'resume',
    group: 'Cluster',
    summary: 'Let a drained peer take work again',
    load: async () => (await import('./commands/drain.ts')).resume
  },
  {
    name: 'strategy',
    group: 'Cluster',
    summary: 'Show or change how workers are chosen',
    load: async () => (await import('./commands/strategy.ts')).strategy
  },
  {
    name: 'leave',
    group: 'Cluster',
    summary: 'Take a peer out of the cluster for good',
    load: async () => (await import('./commands/leave.ts')).leave
  },
  {
    name: 'peer',
    group: 'This machine',
    summary: 'Run a peer: the first of a cluster, or one that joins',
    load: async environment => (await import('./commands/peer.ts')).peer(environment)
  },
  {
    name: 'recover',
    group: 'This machine',
    summary: 'Go on from this peer when a majority is lost for good',
    load: async environment => (await import('./commands/recover.ts')).recover(environment)
  },
  {
    name: 'doctor',
    group: 'This machine',
    summary: 'Check that a peer can work here, and say what to fix',
    load: async environment => (await import('./commands/doctor.ts')).doctor(environment)
  },
  {
    name: 'simulate',
    group: 'This machine',
    summary: 'Compare strategies of placement on a virtual cluster',
    load: async environment => (await import('./commands/simulate.ts')).simulate(environment)
  },
  {
    name: 'prune',
    group: 'This machine',
    summary: 'Remove containers that CARES made and nothing uses',
    load: async () => (await import('./commands/prune.ts')).prune
  },
  {
    name: 'token',
    group: 'This machine',
    summary: 'Make, list and try the tokens that open a protected API',
    load: async () => (await import('./commands/token.ts')).token
  },
  {
    name: 'completion',
    group: 'This machine',
    summary: 'Print the completion script of a shell',
    load: async () => (await import('./commands/completion.ts')).completion
  },
  {
    name: 'complete',
    group: 'This machine',
    summary: 'Complete a command line; what the completion scripts call',
    hidden: true,
    load: async environment => (await import('./commands/completion.ts')).complete(environment)
  }
]

/** The entry that `word` names, by its name or an alias. */
export function findCommand(word: string): CommandEntry | undefined {
  return COMMANDS.find(({ name, aliases = [] }) => name === word || aliases.includes(word))
}

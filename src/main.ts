import { existsSync, fstatSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { FlagDefinition } from './config/setting.ts'
import type { OptionSpec } from './faces/cli/command.ts'
import type { CliEnvironment, Flags, RunnablePeer } from './faces/cli/environment.ts'
import type { MachineFacts } from './faces/tui/environment.ts'
import { createSystemClock } from './daemon/system-clock.ts'
import { capturedTerminal } from './faces/cli/captured-terminal.ts'
import { runCli, screenFlags } from './faces/cli/program.ts'
import { CaresError } from './model/errors.ts'
import { VERSION } from './version.ts'

/**
 * Ctrl-C reaches every process of the terminal, and a launcher or `npm` that got it passes it on: what comes so soon after the first is the
 * same key press, not a second one.
 */
const SAME_KEY_PRESS_MS = 300

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * The process: runs one command line and resolves with its exit code, which the launcher sets. The first SIGINT or SIGTERM aborts the
 * command, which then ends in its own way; a second one ends the process at once.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const clock = createSystemClock()
  const interruption = interruptible(() => clock.nowMs())
  ignoreClosedPipes()
  const terminal = { stdin: Object.assign(process.stdin, { piped: isPiped(0) }), stdout: process.stdout, stderr: process.stderr }
  const environment = cliEnvironment({ terminal, clock, signal: interruption })
  const flags = process.stdin.isTTY && process.stdout.isTTY ? screenFlags(argv) : undefined
  if (flags !== undefined) return await openScreens(environment, flags)
  return await runCli(argv, environment)
}

/** What commands get of the process. `inherited`: flags that hold for every command line that does not give them itself. */
function cliEnvironment({
  terminal,
  clock,
  signal,
  inherited = {}
}: Pick<CliEnvironment, 'terminal' | 'clock' | 'signal'> & { inherited?: Flags }): CliEnvironment {
  return {
    version: VERSION,
    terminal,
    clock,
    signal,
    readClientSettings: async flags => {
      const { readClientConfig } = await import('./config.ts')
      const { config, warnings } = readClientConfig({ ...inherited, ...flags })
      return { ...config, warnings }
    },
    peerFlags: async () => {
      const { PEER_FLAGS } = await import('./config/peer-settings.ts')
      return PEER_FLAGS.flatMap(toOption)
    },
    readPeerSettings: async flags => {
      const { readPeerConfig } = await import('./config.ts')
      const { config, origins, warnings } = readPeerConfig(flags)
      return {
        ...config,
        runtime: config.work ? config.runtime : 'none',
        origins,
        warnings,
        inspect: async () => (await import('./inspect.ts')).inspect(config)
      }
    },
    openRecovery: async flags => {
      const [{ readPeerConfig }, { openRecovery }] = await Promise.all([import('./config.ts'), import('./recover.ts')])
      return await openRecovery(readPeerConfig(flags).config)
    },
    createPeer: async flags => await newPeer(flags),
    simulator: async () => {
      const [{ choosers, simulate }, { reportHtml }, { reportCsv }] = await Promise.all([
        import('./simulate/simulation.ts'),
        import('./simulate/report/html.ts'),
        import('./simulate/report/csv.ts')
      ])
      return { strategies: () => [...choosers().keys()], simulate, html: reportHtml, csv: reportCsv }
    }
  }
}

/** Builds a peer. Without `onLog` its log goes to stderr; with it, to a file in the data directory and, line by line, to `onLog`, in the format for people. */
async function newPeer(flags: Flags, { onLog }: { onLog?: (line: string) => void } = {}): Promise<RunnablePeer> {
  const [{ readPeerConfig }, { createLog }, { createPeer }, { takePrecedence }] = await Promise.all([
    import('./config.ts'),
    import('./log.ts'),
    import('./peer.ts'),
    import('./runtime/precedence.ts')
  ])
  const { config, warnings } = readPeerConfig(flags)
  const log = createLog({
    level: config.logLevel,
    format: onLog === undefined ? config.logFormat : 'pretty',
    scopeLevels: { 'cares:libp2p': config.logLevelLibp2p },
    ...(onLog === undefined ? {} : { destination: await loggedTo(config.data, onLog) })
  })
  for (const warning of warnings) log.warn({ warning }, 'check the settings')
  takePrecedence()
  return await createPeer(config, { log })
}

async function loggedTo(data: string, onLog: (line: string) => void): Promise<{ write: (line: string) => void }> {
  const { LogFile } = await import('./faces/tui/log-file.ts')
  const file = new LogFile(join(data, 'peer.log'))
  return {
    write: line => {
      file.write(line)
      onLog(line.trimEnd())
    }
  }
}

/** Bare `cares` on a terminal, perhaps with flags. What only the screens need is loaded here, so that commands start fast. */
async function openScreens(cli: CliEnvironment, flags: Flags): Promise<number> {
  const [{ openTui }, { readClientConfig }, { CaresClient }, { nodeFetch }, { startError }] = await Promise.all([
    import('./faces/tui/open.ts'),
    import('./config.ts'),
    import('./faces/client.ts'),
    import('./faces/node-fetch.ts'),
    import('./faces/start-error.ts')
  ])
  const { config } = readClientConfig(flags)
  const { clock, signal } = cli
  const timeout = (ms: number): AbortSignal => clock.timeout(ms)
  const { abandons } = await openTui({
    version: VERSION,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock,
    signal,
    settings: {
      api: config.api,
      colour: config.color !== 'never',
      unicode: config.unicode,
      screenReader: config.screenReader,
      readOnly: config.readOnly,
      named: flags['api'] !== undefined
    },
    connect: api => new CaresClient({ api, token: config.token ?? undefined, readOnly: config.readOnly, fetch: nodeFetch, timeout }),
    runCommand: async (words, { api, columns, colour, write, signal }) => {
      // A command that watches prints one line for each sample here; told of a terminal's width, it would redraw the lines above it.
      const isWatch = words.some(word => word === '-w' || word === '--watch')
      const terminal = capturedTerminal(write, { columns: isWatch ? undefined : columns })
      const argv = ['--api', api, '--color', colour ? 'always' : 'never', ...words]
      return await runCli(argv, cliEnvironment({ terminal, clock, signal: AbortSignal.any([signal, cli.signal]), inherited: flags }))
    },
    createPeer: async (flags, { log }) => {
      try {
        const peer = await newPeer(flags, { onLog: log })
        return Object.assign(peer, { start: withError(peer.start.bind(peer), startError) })
      } catch (error) {
        throw startError(error)
      }
    },
    inspectMachine: async () => await inspectMachine(cli)
  })
  if (abandons) process.exit(ABANDONED_EXIT)
  return signal.aborted && (signal.reason as CaresError).details['signal'] === 'SIGTERM' ? SIGNALS.SIGTERM : 0
}

/** The user did not want to wait for the peer of this process: as if the process had been interrupted. */
const ABANDONED_EXIT = SIGNALS.SIGINT

function withError(start: () => Promise<void>, explain: (error: unknown) => Error): () => Promise<void> {
  return async () => {
    try {
      await start()
    } catch (error) {
      throw explain(error)
    }
  }
}

async function inspectMachine({ readPeerSettings, clock, signal }: CliEnvironment): Promise<MachineFacts> {
  const [{ localChecks }, { formatBytes }] = await Promise.all([import('./faces/cli/local-checks.ts'), import('./model/units.ts')])
  const settings = await readPeerSettings({})
  const checks = await localChecks(settings, {
    nodeVersion: process.version,
    peerRuns: false,
    timeout: ms => clock.timeout(ms),
    signal
  })
  const isKnown = holdsPeer(settings.data)
  let fresh = settings.data
  for (let number = 2; holdsPeer(fresh); number++) fresh = `${settings.data}-${number}`
  return {
    checks,
    runtime: settings.runtime,
    cpus: availableParallelism(),
    memory: formatBytes(totalmem()),
    knownData: isKnown ? settings.data : null,
    freshData: fresh
  }
}

/** Whether a data directory is one of a peer that has run. */
function holdsPeer(data: string): boolean {
  return existsSync(join(data, 'cares.db'))
}

function interruptible(nowMs: () => number): AbortSignal {
  const controller = new AbortController()
  let firstMs: number | undefined
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (firstMs === undefined) {
        firstMs = nowMs()
        controller.abort(new CaresError('cancelled', `ended by ${name}`, { details: { signal: name } }))
      } else if (nowMs() - firstMs > SAME_KEY_PRESS_MS) process.exit(exitCode)
    })
  }
  return controller.signal
}

/** `cares peers | head -1` closes stdout early. That is the reader's right, and no error. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
}

/** Whether a file or a program is behind a descriptor: a terminal or /dev/null has nothing to send. */
function isPiped(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor)
    return found.isFIFO() || found.isFile() || found.isSocket()
  } catch {
    return false // Closed.
  }
}

/** The help of commands starts its lines in lower case. */
function toOption({ flags, env, description, defaultText, repeats, choices }: FlagDefinition): OptionSpec[] {
  return flags === null
    ? []
    : [{ flags, env, repeats, choices, defaultText, description: description.charAt(0).toLowerCase() + description.slice(1) }]
}

import { join } from 'node:path'
import type { FlagDefinition } from './config/setting.ts'
import type { OptionSpec } from './faces/cli/command.ts'
import type { CliEnvironment, Flags, RunnablePeer } from './faces/cli/environment.ts'
import { VERSION } from './version.ts'

/**
 * What commands get of the process. Whatever only some commands need is loaded when they ask for it, so that the others start fast.
 *
 * @param inherited - flags that hold for every command line that does not give them itself
 */
export function createCliEnvironment({
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
      const [{ choosers, simulate }, { ignoredBy }, { reportHtml }, { reportCsv }] = await Promise.all([
        import('./simulate/simulation.ts'),
        import('./simulate/workload/open-trace.ts'),
        import('./simulate/report/html.ts'),
        import('./simulate/report/csv.ts')
      ])
      return { strategies: () => [...choosers().keys()], ignoredBy, simulate, html: reportHtml, csv: reportCsv }
    }
  }
}

/** Builds a peer. Without `onLog` its log goes to stderr; with it, to a file in the data directory and, line by line, to `onLog`, in the format for people. */
export async function newPeer(flags: Flags, { onLog }: { onLog?: (line: string) => void } = {}): Promise<RunnablePeer> {
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

/** The help of commands starts its lines in lower case. */
function toOption({ flags, env, description, defaultText, repeats, choices }: FlagDefinition): OptionSpec[] {
  return flags === null
    ? []
    : [{ flags, env, repeats, choices, defaultText, description: description.charAt(0).toLowerCase() + description.slice(1) }]
}

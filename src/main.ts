import { fstatSync } from 'node:fs'
import type { FlagDefinition } from './config/setting.ts'
import type { OptionSpec } from './faces/cli/command.ts'
import type { CliEnvironment } from './faces/cli/environment.ts'
import { createSystemClock } from './daemon/system-clock.ts'
import { runCli } from './faces/cli/program.ts'
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
  const environment: CliEnvironment = {
    version: VERSION,
    terminal: { stdin: Object.assign(process.stdin, { piped: isPiped(0) }), stdout: process.stdout, stderr: process.stderr },
    clock,
    signal: interruption,
    readClientSettings: async flags => {
      const { readClientConfig } = await import('./config.ts')
      const { config, warnings } = readClientConfig(flags)
      return { ...config, warnings }
    },
    peerFlags: async () => {
      const { PEER_FLAGS } = await import('./config/peer-settings.ts')
      return PEER_FLAGS.flatMap(toOption)
    },
    readPeerSettings: async flags => {
      const { readPeerConfig } = await import('./config.ts')
      const { config, origins, warnings } = readPeerConfig(flags)
      return { ...config, runtime: config.work ? config.runtime : 'none', origins, warnings }
    },
    createPeer: async flags => {
      const [{ readPeerConfig }, { createLog }, { createPeer }] = await Promise.all([
        import('./config.ts'),
        import('./log.ts'),
        import('./peer.ts')
      ])
      const { config, warnings } = readPeerConfig(flags)
      const log = createLog({
        level: config.logLevel,
        format: config.logFormat,
        scopeLevels: { 'cares:libp2p': config.logLevelLibp2p }
      })
      for (const warning of warnings) log.warn({ warning }, 'check the settings')
      return await createPeer(config, { log })
    }
  }
  return await runCli(argv, environment)
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

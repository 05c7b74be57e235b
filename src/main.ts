import { fstatSync } from 'node:fs'
import { createCliEnvironment } from './cli-environment.ts'
import { createSystemClock } from './daemon/system-clock.ts'
import { runCli, screenFlags } from './faces/cli/program.ts'
import { CaresError } from './model/errors.ts'

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
  const environment = createCliEnvironment({ terminal, clock, signal: interruption })
  const flags = process.stdin.isTTY && process.stdout.isTTY ? screenFlags(argv) : undefined
  if (flags === undefined) return await runCli(argv, environment)
  // What only the screens need is loaded here, so that commands start fast.
  const { openScreens } = await import('./screens.ts')
  const { abandons } = await openScreens(environment, flags, process)
  // The user did not want to wait for the peer of this process: as if the process had been interrupted.
  if (abandons) process.exit(SIGNALS.SIGINT)
  return interruption.aborted && (interruption.reason as CaresError).details['signal'] === 'SIGTERM' ? SIGNALS.SIGTERM : 0
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

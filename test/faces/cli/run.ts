import { PassThrough, Readable, Writable } from 'node:stream'
import type { Screen } from '../../../src/faces/cli/command.ts'
import type { CliEnvironment } from '../../../src/faces/cli/environment.ts'
import type { Clock } from '../../../src/model/ports/clock.ts'
import { runCli } from '../../../src/faces/cli/program.ts'
import { NOW } from '../samples.ts'

/** How one command line ended. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly api?: string
  /** What is piped into stdin; absent: nothing is. */
  readonly stdin?: string | Readable
  /** Whether stdout and stderr, and stdin, are terminals. @default false */
  readonly tty?: boolean
  readonly signal?: AbortSignal
  readonly clock?: Partial<Clock>
  readonly environment?: Partial<CliEnvironment>
  /** Told of each piece of stdout as it is written. */
  readonly onStdout?: (text: string) => void
}

/** Runs `cares` in this process, with streams of its own. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { api = 'http://127.0.0.1:1', tty = false, signal = new AbortController().signal, onStdout } = options
  const stdout = capture(tty, onStdout)
  const stderr = capture(tty)
  const input = typeof options.stdin === 'string' ? Readable.from([Buffer.from(options.stdin)]) : (options.stdin ?? new PassThrough().end())
  const stdin = Object.assign(input, { isTTY: tty, piped: options.stdin !== undefined })
  const code = await runCli(argv, {
    version: '0.1.0',
    terminal: { stdin, stdout: stdout.screen, stderr: stderr.screen },
    clock: { ...FIXED_CLOCK, ...options.clock },
    signal,
    readClientSettings: async flags => ({
      api: typeof flags['api'] === 'string' ? flags['api'] : api,
      token: null,
      output: flags['json'] === true ? 'json' : ((flags['output'] ?? 'table') as 'table'),
      color: (flags['color'] ?? 'never') as 'never',
      verbose: flags['verbose'] === true,
      quiet: flags['quiet'] === true,
      readOnly: flags['readOnly'] === true,
      warnings: []
    }),
    peerFlags: async () => [{ flags: '--name <NAME>', description: 'how the peer is called', env: 'CARES_NAME' }],
    readPeerSettings: () => {
      throw new Error('not in this test')
    },
    createPeer: () => {
      throw new Error('not in this test')
    },
    openRecovery: () => {
      throw new Error('not in this test')
    },
    simulator: () => {
      throw new Error('not in this test')
    },
    ...options.environment
  })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** Stands still at the time of the samples; time-outs never come. */
export const FIXED_CLOCK: Clock = {
  nowMs: () => 0,
  timestamp: () => NOW,
  timeout: () => new AbortController().signal,
  sleep: async (_, { signal } = {}) => {
    signal?.throwIfAborted()
  },
  after: () => ({ [Symbol.dispose]: () => {} }),
  every: () => ({ [Symbol.dispose]: () => {} })
}

function capture(tty: boolean, onText: (text: string) => void = () => {}): { screen: Screen; text: () => string } {
  const chunks: Buffer[] = []
  const screen = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk)
      onText(chunk.toString())
      done()
    }
  })
  return { screen: Object.assign(screen, { isTTY: tty, columns: 80 }), text: () => Buffer.concat(chunks).toString() }
}

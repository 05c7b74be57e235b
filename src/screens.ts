import { existsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { createCliEnvironment, newPeer } from './cli-environment.ts'
import { readClientConfig } from './config.ts'
import { capturedTerminal } from './faces/cli/captured-terminal.ts'
import type { CliEnvironment, Flags } from './faces/cli/environment.ts'
import { localChecks } from './faces/cli/local-checks.ts'
import { runCli } from './faces/cli/program.ts'
import { CaresClient } from './faces/client.ts'
import { nodeFetch } from './faces/node-fetch.ts'
import { startError } from './faces/start-error.ts'
import type { MachineFacts, TuiEnvironment } from './faces/tui/environment.ts'
import { openTui } from './faces/tui/open.ts'
import type { Ending } from './faces/tui/store.ts'
import { formatBytes } from './model/units.ts'
import { VERSION } from './version.ts'

/** Bare `cares` on a terminal, perhaps with flags: the cockpit, until the user quits. */
export async function openScreens(
  cli: CliEnvironment,
  flags: Flags,
  { stdin, stdout, stderr }: Pick<TuiEnvironment, 'stdin' | 'stdout' | 'stderr'>
): Promise<Ending> {
  const { config } = readClientConfig(flags)
  const { clock, signal } = cli
  const timeout = (ms: number): AbortSignal => clock.timeout(ms)
  return await openTui({
    version: VERSION,
    stdin,
    stdout,
    stderr,
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
      return await runCli(argv, createCliEnvironment({ terminal, clock, signal: AbortSignal.any([signal, cli.signal]), inherited: flags }))
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
}

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

import type { HealthCheck } from '../../../model/service.ts'
import type { CaresClient } from '../../client.ts'
import type { CliEnvironment, PeerSettings } from '../environment.ts'
import { toCaresError } from '../../../model/errors.ts'
import { renderTable, type Table } from '../../table.ts'
import { checksLines } from '../../view-model.ts'
import { type AnyCommand, type CommandContext, defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { addressCheck } from '../address-check.ts'
import { clockCheck, localChecks } from '../local-checks.ts'
import { wallClockMs } from '../poll.ts'

/** `cares doctor`. Made for an environment: the settings that it shows are read as `cares peer` would read them. */
export function doctor({ readPeerSettings }: CliEnvironment): AnyCommand {
  return defineCommand<Readonly<Record<string, unknown>>>({
    description:
      'Checks this machine, and, when a peer answers at --api, what that peer says of itself. Shows the settings that are not at their default, with -v all of them, and where each comes from. Exits with 1 if something is to be fixed.',
    examples: [
      { comment: 'Before the first peer is started, and when one does not work', command: 'cares doctor' },
      { comment: 'What another peer says of itself', command: 'cares doctor --api http://10.0.0.7:7070' }
    ],
    async run(context) {
      const { options, clock, signal, output, note } = context
      const settings = await readPeerSettings({ config: options['config'] })
      const remote = await peerChecks(context)
      const timeout = (ms: number): AbortSignal => clock.timeout(ms)
      const local = await localChecks(settings, { nodeVersion: process.version, peerRuns: remote.reached, timeout, signal })
      const items = [...local, ...remote.checks]
      const ok = items.every(check => check.ok)
      for (const warning of settings.warnings) note(`cares: ${warning}`)
      const shown = settings.origins.filter(({ from }) => output.verbose || from !== 'default')
      return {
        kind: 'item',
        data: { ok, items, settings: settings.origins },
        names: items.filter(check => !check.ok).map(({ name }) => name),
        lines: view => [...checksLines({ items }, view), ...(shown.length === 0 ? [] : ['', ...renderTable(settingsTable(shown), view)])],
        exitCode: ok ? EXIT.done : EXIT.unexpected
      }
    }
  })
}

function settingsTable(origins: PeerSettings['origins']): Table {
  return {
    columns: [{ title: 'SETTING' }, { title: 'VALUE', shrinks: true }, { title: 'FROM' }],
    rows: origins.map(({ name, value, from }) => [name, value, from])
  }
}

/** What the peer at `--api` says of itself, or that there is none: before the first start that is as it should be. */
async function peerChecks({
  client,
  clock,
  signal
}: CommandContext<Readonly<Record<string, unknown>>>): Promise<{ reached: boolean; checks: readonly HealthCheck[] }> {
  try {
    const thereMs = await peerTimeMs(client, signal)
    const [{ items }, { self }, { items: peers }] = await Promise.all([
      client.checks({ signal }),
      client.cluster({ signal }),
      client.peers({ signal })
    ])
    const own = peers.find(({ id }) => id === self.id)
    const others = peers.filter(({ id, state }) => id !== self.id && state !== 'gone')
    const peer = { name: 'peer', ok: true, message: `answers at ${client.api}` }
    return {
      reached: true,
      checks: [peer, clockCheck(wallClockMs(clock), thereMs), ...(own === undefined ? [] : [addressCheck(own, others)]), ...items]
    }
  } catch (error) {
    const failure = toCaresError(error)
    if (signal.aborted) throw failure
    if (failure.code === 'peer_unreachable') {
      return { reached: false, checks: [{ name: 'peer', ok: true, message: `none answers at ${client.api}` }] }
    }
    return { reached: true, checks: [{ name: 'peer', ok: false, message: failure.message, hint: failure.hint }] }
  }
}

async function peerTimeMs(client: CaresClient, signal: AbortSignal): Promise<number> {
  return Date.parse((await client.stats({ signal })).at)
}

import type { Stats } from '../../../model/rest.ts'
import type { StatsHistoryBody } from '../../../model/rest-telemetry.ts'
import type { Result, StreamItem } from '../command.ts'
import { CaresError } from '../../../model/errors.ts'
import { parseDurationMs } from '../../../model/units.ts'
import { historyLines } from '../../history-view.ts'
import { renderTable } from '../../table.ts'
import { peerStatsLine, statsLine, statsTable } from '../../peer-view.ts'
import { defineCommand } from '../command.ts'
import { listed, listOptions, WATCH_OPTION, type WatchFlags } from '../listing.ts'
import { PEER_STATS_KEYS } from '../peer-keys.ts'
import { poll } from '../poll.ts'

/** How far back the rows of `-w` go. */
const WATCHED_MS = 5 * 60_000

export const stats = defineCommand<WatchFlags & { since?: number }>({
  args: [{ name: 'PEER', description: 'a name, an id, or the beginning of an id', required: false, completes: 'peer' }],
  options: [
    WATCH_OPTION,
    { flags: '--since <DURATION>', description: 'what has been, up to 24h, by time', parse: parseDurationMs },
    ...listOptions(PEER_STATS_KEYS)
  ],
  examples: [
    { comment: 'What all peers use and have done', command: 'cares stats' },
    { comment: 'Live, like top', command: 'cares stats -w --sort cpu' },
    { comment: 'How the last hour was', command: 'cares stats --since 1h' },
    { comment: 'One sample a second for a program', command: 'cares stats atlas -w -o jsonl' }
  ],
  async run({ args: [name], options, client, clock, terminal, signal }): Promise<Result> {
    const sample = async (): Promise<Stats> => {
      const all = await client.stats({ signal })
      return { ...all, items: name === undefined ? [...listed(all.items, PEER_STATS_KEYS, options)] : [findPeer(all, name)] }
    }
    const historyOf = async (sinceMs: number): Promise<StatsHistoryBody> =>
      await client.statsHistory({ sinceMs, ...(name === undefined ? {} : { peers: [name] }), signal })
    if (options.since !== undefined) {
      const [history, now] = [await historyOf(options.since), await sample()]
      const { peers, ...rest } = history
      return {
        kind: 'item',
        // As everywhere, what is listed are the items.
        data: { ...rest, items: peers },
        lines: view => historyLines(history, now.items, view),
        names: peers.map(peer => peer.name)
      }
    }
    if (options.watch === true) {
      const item = async (): Promise<StreamItem> => {
        const now = await sample()
        const [peer] = now.items
        // A pipe gets a line a sample, which has no room for more.
        const history = terminal.stdout.isTTY === true ? await historyOf(WATCHED_MS) : undefined
        return {
          data: now,
          name: now.items.map(each => each.name).join(' '),
          line: name === undefined || peer === undefined ? statsLine(now) : peerStatsLine(now.at, peer),
          frame: view => [
            ...renderTable(statsTable(now.items), view),
            ...(name === undefined ? ['', statsLine(now)] : []),
            ...(history === undefined ? [] : ['', ...historyLines(history, now.items, view)])
          ]
        }
      }
      return { kind: 'stream', items: poll(item, { clock, signal }) }
    }
    const now = await sample()
    return {
      kind: 'list',
      data: now,
      table: statsTable(now.items),
      names: now.items.map(each => each.name),
      empty: 'no peers; start one: cares peer'
    }
  }
})

function findPeer({ items }: Stats, name: string): Stats['items'][number] {
  const [found, ...others] = items.filter(peer => peer.name === name || peer.id.startsWith(name))
  if (found === undefined) throw new CaresError('not_found', `no peer named ${name}`)
  if (others.length > 0)
    throw new CaresError('conflict', `${name} fits ${others.length + 1} peers`, { hint: 'name one by its id: cares peers -o wide' })
  return found
}

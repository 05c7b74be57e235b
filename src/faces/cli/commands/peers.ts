import type { StreamItem } from '../command.ts'
import { renderTable } from '../../table.ts'
import { peerLines, peersTable } from '../../peer-view.ts'
import { defineCommand } from '../command.ts'
import { poll, wallClockMs } from '../poll.ts'

export const peers = defineCommand<{ watch?: true }>({
  args: [{ name: 'PEER', description: 'a name, an id, or the beginning of an id', required: false, completes: 'peer' }],
  options: [{ flags: '-w, --watch', description: 'again every second, until interrupted' }],
  examples: [
    { comment: 'Who is there, and how busy', command: 'cares peers' },
    { comment: 'One peer with everything known of it', command: 'cares peers atlas' },
    { comment: 'The names of all peers, for a script', command: 'cares peers -o name' }
  ],
  async run({ args: [name], options, client, clock, signal }) {
    if (options.watch === true) {
      const sample = async (): Promise<StreamItem> => {
        const items = name === undefined ? (await client.peers({ signal })).items : [await client.peer(name, { signal })]
        const nowMs = wallClockMs(clock)
        const states = items.map(peer => `${peer.name}=${peer.state}`).join(' ')
        return {
          data: { items },
          name: items.map(peer => peer.name).join(' '),
          line: states,
          frame: view => renderTable(peersTable(items, nowMs), view)
        }
      }
      return { kind: 'stream', items: poll(sample, { clock, signal }) }
    }
    if (name !== undefined) {
      const peer = await client.peer(name, { signal })
      return { kind: 'item', data: peer, names: [peer.name], lines: () => peerLines(peer, wallClockMs(clock)) }
    }
    const list = await client.peers({ signal })
    return {
      kind: 'list',
      data: list,
      table: peersTable(list.items, wallClockMs(clock)),
      names: list.items.map(peer => peer.name),
      empty: 'no peers; start one: cares peer'
    }
  }
})

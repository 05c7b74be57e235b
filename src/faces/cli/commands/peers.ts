import { peerLines, peersTable } from '../../peer-view.ts'
import { defineCommand } from '../command.ts'
import { listOptions, WATCH_OPTION, watchedList, type WatchFlags } from '../listing.ts'
import { PEER_KEYS } from '../peer-keys.ts'
import { wallClockMs } from '../poll.ts'

export const peers = defineCommand<WatchFlags>({
  args: [{ name: 'PEER', description: 'a name, an id, or the beginning of an id', required: false, completes: 'peer' }],
  options: [WATCH_OPTION, ...listOptions(PEER_KEYS)],
  examples: [
    { comment: 'Who is there, and how busy', command: 'cares peers' },
    { comment: 'One peer with everything known of it', command: 'cares peers atlas' },
    { comment: 'The busiest workers of one site, live', command: 'cares peers -w --filter label.site=lab --sort cpu' },
    { comment: 'The names of all peers that are there, for a script', command: 'cares peers --filter state!=gone -o name' }
  ],
  async run({ args: [name], options, client, clock, signal }) {
    if (name !== undefined && options.watch !== true) {
      const peer = await client.peer(name, { signal })
      return { kind: 'item', data: peer, names: [peer.name], lines: () => peerLines(peer, wallClockMs(clock)) }
    }
    return await watchedList(
      {
        read: async () => (name === undefined ? await client.peers({ signal }) : { items: [await client.peer(name, { signal })] }),
        keys: PEER_KEYS,
        options,
        table: items => peersTable(items, wallClockMs(clock)),
        nameOf: peer => peer.name,
        line: peer => `${peer.name}=${peer.state}`,
        empty: 'no peers; start one: cares peer'
      },
      { clock, signal }
    )
  }
})

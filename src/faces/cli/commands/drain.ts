import type { AnyCommand } from '../command.ts'
import { defineCommand } from '../command.ts'

/** `cares drain PEER`. */
export const drain = draining(true)
/** `cares resume PEER`. */
export const resume = draining(false)

function draining(wanted: boolean): AnyCommand {
  return defineCommand({
    args: [{ name: 'PEER', description: 'a name, an id, or the beginning of an id', completes: 'peer' }],
    description: wanted ? 'What runs there goes on to its end; the peer stays a member and answers its API.' : 'Undoes cares drain.',
    examples: wanted
      ? [
          { comment: 'Before the machine is serviced', command: 'cares drain birch' },
          { comment: 'See when nothing runs there any more', command: 'cares peers birch -w' }
        ]
      : [
          { comment: 'After the machine was serviced', command: 'cares resume birch' },
          { comment: 'Which peers are drained', command: 'cares peers | grep draining' }
        ],
    async run({ args: [peer = ''], client, signal }) {
      const done = await client.setDraining(peer, wanted, { signal })
      return {
        kind: 'item',
        data: done,
        names: [done.name],
        lines: () => [done.draining ? `${done.name} takes no new work` : `${done.name} takes work again`]
      }
    }
  })
}

import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'

export const leave = defineCommand({
  description:
    'The peer that --api names takes no new work, hands over what it holds, and is forgotten by the others; then its process ends. To stop a peer for a while, stop its process: it comes back by itself.',
  examples: [
    { comment: 'Take the local peer out of its cluster', command: 'cares leave' },
    { comment: 'Take another one out, from a script', command: 'cares leave --yes --api http://10.0.0.7:7070' }
  ],
  async run(context) {
    const { client, signal, note } = context
    const { self } = await client.cluster({ signal })
    if (!(await confirm(`Take peer ${self.name} out of the cluster for good?`, context))) {
      note('nothing changed')
      return { kind: 'written', exitCode: EXIT.unexpected }
    }
    const done = await client.leave({ signal })
    return { kind: 'item', data: { ...done, ...self }, names: [self.name], lines: () => [`${self.name} has left the cluster`] }
  }
})

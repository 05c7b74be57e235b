import { CaresError } from '../../../model/errors.ts'
import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'

interface LeaveFlags {
  readonly force?: boolean
}

export const leave = defineCommand<LeaveFlags>({
  args: [
    {
      name: 'PEER',
      description: 'a name, an id, or the beginning of an id; without it, the peer that --api names',
      required: false,
      completes: 'peer'
    }
  ],
  options: [{ flags: '--force', description: 'remove PEER though it is not gone; if it runs on, it comes back by itself' }],
  description:
    'The peer that --api names takes no new work, hands over what it holds, and is forgotten by the others; then its process ends. With PEER, another one, which is gone and will not come back, is removed; without that, it goes after 24 hours. To stop a peer for a while, stop its process: it comes back by itself.',
  examples: [
    { comment: 'Take the local peer out of its cluster', command: 'cares leave' },
    { comment: 'Take another one out, from a script', command: 'cares leave --yes --api http://10.0.0.7:7070' },
    { comment: 'Remove one whose machine is lost', command: 'cares leave birch' }
  ],
  async run(context) {
    const { args, options, client, signal, note } = context
    const { force = false } = options
    if (force && args.length === 0) {
      throw new CaresError('invalid', '--force is for another peer', { hint: 'name it: cares leave PEER --force' })
    }
    const { self } = await client.cluster({ signal })
    const [peer = self.id] = args
    const isSelf = [self.id, self.name].includes(peer)
    const question = isSelf ? `Take peer ${self.name} out of the cluster for good?` : `Remove peer ${peer} from the cluster for good?`
    if (!(await confirm(question, context))) {
      note('nothing changed')
      return { kind: 'written', exitCode: EXIT.unexpected }
    }
    if (isSelf) {
      const done = await client.leave({ signal })
      return { kind: 'item', data: { ...done, ...self }, names: [self.name], lines: () => [`${self.name} has left the cluster`] }
    }
    const done = await client.removePeer(peer, { force, signal })
    const outcome = done.removed ? 'is removed from the cluster' : 'is no member of the cluster any more'
    return { kind: 'item', data: done, names: [done.name], lines: () => [`${done.name} ${outcome}`] }
  }
})

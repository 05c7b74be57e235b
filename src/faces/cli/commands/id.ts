import { CaresError } from '../../../model/errors.ts'
import { defineCommand } from '../command.ts'

export const id = defineCommand({
  description: 'The id of a private cluster holds its secret: who has it can join.',
  examples: [
    { comment: 'What another machine needs to join', command: 'cares id' },
    {
      comment: 'Join from a second machine, without the secret in its process list',
      command: 'CARES_BOOTSTRAP="$(ssh first cares id)" cares peer'
    }
  ],
  async run({ client, signal, note }) {
    const cluster = await client.cluster({ signal })
    const { id: clusterId } = cluster
    if (clusterId === null) {
      throw new CaresError('not_found', 'the cluster has no id yet: this peer knows no address at which others can reach it', {
        hint: 'cares peer --announce MADDR   (e.g. /ip4/10.0.0.5/tcp/4001)'
      })
    }
    if (cluster.secretHidden) note('without its secret, which only the machine of the peer or a token may see')
    return {
      kind: 'item',
      data: { id: clusterId, private: cluster.private, secretHidden: cluster.secretHidden },
      names: [clusterId],
      lines: () => [clusterId]
    }
  }
})

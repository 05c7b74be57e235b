import { defineCommand } from '../command.ts'

export const prune = defineCommand<{ dryRun?: true }>({
  description: 'Touches only containers that this peer, or an earlier life of it, has made. Images are kept.',
  options: [{ flags: '--dry-run', description: 'only say what would be removed' }],
  examples: [
    { comment: 'What would be removed', command: 'cares prune --dry-run' },
    { comment: 'Remove it', command: 'cares prune' }
  ],
  async run({ options, client, signal }) {
    const pruned = await client.prune({ dryRun: options.dryRun === true, signal })
    return {
      kind: 'list',
      data: pruned,
      table: {
        columns: [{ title: pruned.dryRun ? 'WOULD-REMOVE' : 'REMOVED' }, { title: 'FUNCTION' }, { title: 'REASON', shrinks: true }],
        rows: pruned.items.map(({ container, function: fn, reason }) => [container.slice(0, CONTAINER_ID_CHARACTERS), fn, reason])
      },
      names: pruned.items.map(({ container }) => container),
      empty: 'nothing to remove'
    }
  }
})

/** As Docker's own tables shorten them. */
const CONTAINER_ID_CHARACTERS = 12

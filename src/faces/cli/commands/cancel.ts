import type { CancelResult } from '../../../model/rest.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'

export const cancel = defineCommand({
  args: [{ name: 'ID', description: 'an invocation', variadic: true, completes: 'invocation' }],
  description: 'Stops the container of a call that runs, and withdraws one that waits. Exits with 4 if one of them was not there any more.',
  examples: [
    { comment: 'Cancel one call', command: 'cares cancel i-7f3kq9' },
    { comment: 'Cancel two', command: 'cares cancel i-7f3kq9 i-8a01xx' }
  ],
  async run({ args, client, signal }) {
    const items: CancelResult[] = []
    for (const invocation of args) items.push(await client.cancel(invocation, { signal }))
    return {
      kind: 'item',
      data: { items },
      names: items.filter(({ found }) => found).map(({ id }) => id),
      lines: () => items.map(({ id, found }) => `${id}  ${found ? 'cancelled' : 'not found: it has ended, or never was'}`),
      exitCode: items.every(({ found }) => found) ? EXIT.done : EXIT.notFound
    }
  }
})

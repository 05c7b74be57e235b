import type { CancelResult } from '../../../model/rest-invocations.ts'
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { findInvocation, isTaskId } from '../names.ts'

export const cancel = defineCommand({
  args: [
    {
      name: 'ID',
      description: 'a task (t-…) or an invocation (i-…), by its id or the beginning of it',
      variadic: true,
      completes: 'invocation'
    }
  ],
  description:
    'Stops the container of what runs (SIGTERM, after a grace SIGKILL), and withdraws what waits. Exits with 4 if one of them was not there any more.',
  examples: [
    { comment: 'Cancel a task', command: 'cares cancel t-7f3kq9' },
    { comment: 'Cancel one call', command: 'cares cancel i-7f3kq9' },
    { comment: 'Cancel two', command: 'cares cancel i-7f3kq9 i-8a01xx' }
  ],
  async run({ args, client, signal }) {
    const items: CancelResult[] = []
    for (const id of args) items.push(isTaskId(id) ? await cancelTask(id) : await cancelInvocation(id))
    return {
      kind: 'item',
      data: { items },
      names: items.filter(({ found }) => found).map(({ id }) => id),
      lines: () => items.map(({ id, found }) => `${id}  ${found ? 'cancelled' : 'not found: it has ended, or never was'}`),
      exitCode: items.every(({ found }) => found) ? EXIT.done : EXIT.notFound
    }

    async function cancelInvocation(word: string): Promise<CancelResult> {
      return await client.cancel((await findInvocation(word, { client, signal })) ?? word, { signal })
    }

    async function cancelTask(word: string): Promise<CancelResult> {
      const { id, state } = await client.cancelTask(word, { signal })
      return { id, found: state === 'cancelled' }
    }
  }
})

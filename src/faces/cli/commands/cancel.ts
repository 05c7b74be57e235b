import type { CancelResult } from '../../../model/rest-invocations.ts'
import { type ErrorCode, toCaresError } from '../../../model/errors.ts'
import { defineCommand } from '../command.ts'
import { EXIT, EXIT_BY_ERROR } from '../exit-codes.ts'
import { findInvocation, isTaskId } from '../names.ts'

const NOT_THERE = 'not found: it has ended, or never was'

/** What came of one word; `error`: why it could not be cancelled. */
type CancelOutcome = CancelResult & { readonly error?: { readonly code: ErrorCode; readonly message: string } }

export const cancel = defineCommand({
  args: [
    {
      name: 'ID',
      description: 'a task (t-…) or an invocation (i-…), by its id or the beginning of it; or a task, by name',
      variadic: true,
      completes: 'invocation'
    }
  ],
  description:
    'Stops the container of what runs (SIGTERM, after a grace SIGKILL), and withdraws what waits. Exits with 4 if one of them was not there any more, and as the worst failure if one could not be cancelled.',
  examples: [
    { comment: 'Cancel a task', command: 'cares cancel t-7f3kq9' },
    { comment: 'Cancel one call', command: 'cares cancel i-7f3kq9' },
    { comment: 'Cancel two', command: 'cares cancel i-7f3kq9 i-8a01xx' }
  ],
  async run({ args, client, signal }) {
    const items: CancelOutcome[] = []
    for (const word of args) {
      try {
        items.push(await cancelOne(word))
      } catch (thrown) {
        // What was done to those before must be told; where there are none, the error is the whole outcome.
        if (args.length === 1 || signal.aborted) throw thrown
        const { code, message } = toCaresError(thrown)
        items.push({ id: word, found: false, error: { code, message } })
      }
    }
    return {
      kind: 'item',
      data: { items },
      names: items.filter(({ found }) => found).map(({ id }) => id),
      lines: () => items.map(({ id, found, error }) => `${id}  ${found ? 'cancelled' : (error?.message ?? NOT_THERE)}`),
      exitCode: worstOf(items)
    }

    async function cancelOne(word: string): Promise<CancelOutcome> {
      const invocation = isTaskId(word) ? undefined : await findInvocation(word, { client, signal })
      if (invocation !== undefined || word.startsWith('i-')) return await client.cancel(invocation ?? word, { signal })
      const { id, state } = await client.cancelTask(word, { signal })
      return { id, found: state === 'cancelled' }
    }
  }
})

/** That something was not there is no more than that; whatever else went wrong says what to do. */
function worstOf(items: readonly CancelOutcome[]): number {
  const codes = items.map(({ found, error }) => (found ? EXIT.done : EXIT_BY_ERROR[error?.code ?? 'not_found']))
  const others = codes.filter(code => code !== EXIT.done && code !== EXIT.notFound)
  return others.length > 0 ? Math.max(...others) : Math.max(...codes)
}

import { CaresError } from '../../../model/errors.ts'
import type { TaskItem } from '../../../model/rest-tasks.ts'
import { explanationLines, taskExplanationLines } from '../../explain-view.ts'
import { defineCommand, type Result } from '../command.ts'
import { findFunctionOrTask, findInvocation, isTaskId } from '../names.ts'

export const explain = defineCommand<{ whyNot?: string }>({
  args: [
    {
      name: 'ID|NAME',
      description:
        'an invocation (i-…) or a task (t-…), by its id or the beginning of it; or a function, for its newest call, or a task, by name',
      completes: 'function'
    }
  ],
  options: [{ flags: '--why-not <PEER>', description: 'say why this peer was not chosen', completes: 'peer' }],
  description: 'The columns are expected milliseconds: on the network, to start or pull a container, in the queue, and to run.',
  examples: [
    { comment: 'Why a call went where it went', command: 'cares explain i-7f3kq9' },
    { comment: 'The newest call of a function', command: 'cares explain thumb' },
    { comment: 'Why not elsewhere', command: 'cares explain thumb --why-not elm' },
    { comment: 'Why a task is where it is', command: 'cares explain t-9c4dm2' }
  ],
  async run({ args: [what = ''], options, client, signal }) {
    if (isTaskId(what)) return await explainTask(what)
    const id = (await findInvocation(what, { client, signal })) ?? (await newestOf(what))
    if (typeof id !== 'string') return await explainTask(id.task.id)
    const explanation = await client.explain(id, { whyNot: options.whyNot, signal })
    return { kind: 'item', data: explanation, names: [id], lines: view => explanationLines(explanation, view) }

    async function explainTask(word: string): Promise<Result> {
      const task = await client.explainTask(word, { whyNot: options.whyNot, signal })
      return { kind: 'item', data: task, names: [task.id], lines: view => taskExplanationLines(task, view) }
    }

    async function newestOf(name: string): Promise<string | { readonly task: TaskItem }> {
      const { items, missing } = await client.invocations({ function: name, limit: 1, signal })
      if (items[0] !== undefined) return items[0].id
      const found = await findFunctionOrTask(name, { client, signal })
      if ('task' in found) return found
      if (missing.length > 0) {
        const silent = missing.map(peer => peer.name).join(', ')
        throw new CaresError('peer_unreachable', `no call of ${name} is known, and ${silent} did not say which it had`, { retryable: true })
      }
      throw new CaresError('not_found', `no peer knows of a call of ${name}`, { hint: `cares invoke ${name}, or name an invocation` })
    }
  }
})

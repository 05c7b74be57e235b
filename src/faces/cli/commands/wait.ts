import type { TaskItem } from '../../../model/rest-tasks.ts'
import { parseDurationMs } from '../../../model/units.ts'
import { CaresError } from '../../../model/errors.ts'
import { taskStateCell } from '../../task-view.ts'
import { awaitTask, isHealthy, printTaskOutput, taskError } from '../await-task.ts'
import { defineCommand } from '../command.ts'
import { EXIT, EXIT_BY_ERROR } from '../exit-codes.ts'

export const wait = defineCommand<{ timeout?: number; result?: true }>({
  args: [{ name: 'ID', description: 'a task', variadic: true }],
  options: [
    { flags: '--timeout <DURATION>', description: 'wait no longer for all of them together', parse: parseDurationMs },
    { flags: '--result', description: 'print what a task has written to stdout, and nothing else; for one task' }
  ],
  description:
    'A service is waited for until it is healthy. Exits with 0 if all succeeded, with 7 if the time is over first, else as the first that did not succeed: 8 if its program failed.',
  examples: [
    { comment: 'Wait for a task', command: 'cares wait t-7f3kq9' },
    { comment: 'Fetch what one has written', command: 'cares wait t-7f3kq9 --result >report.txt' },
    { comment: 'For two, ten minutes at most', command: 'cares wait t-7f3kq9 t-8a01xx --timeout 10m' }
  ],
  async run({ args, options, client, clock, signal, terminal }) {
    if (options.result === true) {
      const [id = '', ...others] = args
      if (others.length > 0) throw new CaresError('invalid', '--result is for one task', { hint: `cares wait ${id} --result` })
      const task = await awaitTask(id, { client, clock, signal, timeoutMs: options.timeout })
      if (task.state !== 'succeeded') throw taskError(task)
      return await printTaskOutput(task.id, { client, terminal, signal })
    }
    const startedMs = clock.nowMs()
    const items: TaskItem[] = []
    let exitCode: number = EXIT.done
    for (const id of args) {
      const timeoutMs = options.timeout === undefined ? undefined : options.timeout - (clock.nowMs() - startedMs)
      const task = await awaitTask(id, { client, clock, signal, timeoutMs })
      items.push(task)
      if (exitCode === EXIT.done && task.state !== 'succeeded' && !isHealthy(task)) exitCode = EXIT_BY_ERROR[taskError(task).code]
    }
    return {
      kind: 'item',
      data: { items },
      names: items.map(({ id }) => id),
      lines: () =>
        items.map(
          ({ id, state, service, error }) => `${id}  ${taskStateCell({ state, service }).text}${error === null ? '' : `  ${error.message}`}`
        ),
      exitCode
    }
  }
})

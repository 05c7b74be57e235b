import type { TaskItem } from '../../../model/rest-tasks.ts'
import type { StreamItem } from '../command.ts'
import { logText } from '../../view-model.ts'
import { defineCommand } from '../command.ts'
import { timeOfDay } from '../../text.ts'
import { parseCount } from '../flags.ts'
import { findFunctionOrTask, findInvocation, isTaskId, peerNames } from '../names.ts'
import { SINCE_OPTION, since } from '../since.ts'

/** Lines that are shown when the user does not say how many. */
const TAIL_DEFAULT = 100

/** As many as the API gives. */
const TAIL_MAX = 10_000

export const logs = defineCommand<{ follow?: true; tail?: number; since?: number; timestamps?: true }>({
  args: [
    {
      name: 'ID|NAME',
      description:
        'an invocation (i-…) or a task (t-…), by its id or the beginning of it; or a function, for all its calls, or a task, by name',
      completes: 'function'
    }
  ],
  options: [
    { flags: '-f, --follow', description: 'go on with the lines to come, until interrupted' },
    {
      flags: '--tail <N>',
      description: `how many of the newest lines, at most ${TAIL_MAX}`,
      defaultText: `${TAIL_DEFAULT}; with --since all`,
      parse: parseCount
    },
    SINCE_OPTION,
    { flags: '-t, --timestamps', description: 'put before each line when it was written' }
  ],
  description: 'Lines of all peers, oldest first. Those of a function have the peer and the invocation before them.',
  examples: [
    { comment: 'What one call logged', command: 'cares logs i-7f3kq9' },
    { comment: 'What all calls of a function log from now on', command: 'cares logs thumb -f --tail 0' },
    { comment: 'What it logged in the last quarter of an hour', command: 'cares logs thumb --since 15m -t' },
    { comment: 'As JSON, a line each', command: 'cares logs thumb -o jsonl' }
  ],
  async run({ args: [what = ''], options, client, clock, signal, note }) {
    const invocation = isTaskId(what) ? undefined : await findInvocation(what, { client, signal })
    const names = await peerNames(client, { clock, signal })
    // An unknown name is told at once, instead of waiting for lines that never come.
    const task = await taskNamed()
    const isYoung = await since(options.since, client, { signal })
    const tail = options.tail ?? (options.since === undefined ? TAIL_DEFAULT : TAIL_MAX)
    const how = { tail, follow: options.follow === true, signal }
    const one = task !== undefined || invocation !== undefined
    const lines =
      task !== undefined
        ? client.taskLogs(task.id, how)
        : client.logs({ ...(invocation === undefined ? { function: what } : { invocation }), ...how })
    async function* items(): AsyncGenerator<StreamItem, void, undefined> {
      let none = true
      for await (const line of lines) {
        if (!isYoung(line)) continue
        none = false
        const text = logText(line, names, { prefix: !one })
        const name = line.invocation ?? line.function
        yield { data: line, name, line: options.timestamps === true ? `${timeOfDay(line.at)} ${text}` : text }
      }
      if (none) note(`${what} has logged nothing that is kept${options.since === undefined ? '' : ', in that time'}`)
    }
    return { kind: 'stream', ends: options.follow !== true, items: items() }

    async function taskNamed(): Promise<TaskItem | undefined> {
      if (isTaskId(what)) return await client.task(what, { signal })
      if (invocation === undefined) {
        const found = await findFunctionOrTask(what, { client, signal })
        return 'task' in found ? found.task : undefined
      }
      await client.invocation(invocation, { signal })
      return undefined
    }
  }
})

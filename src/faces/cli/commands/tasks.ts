import { TASK_STATES } from '../../../model/task.ts'
import type { TaskItem } from '../../../model/rest-tasks.ts'
import { taskLines, tasksTable } from '../../task-view.ts'
import { defineCommand } from '../command.ts'
import { type ListKeys, listOptions, WATCH_OPTION, watchedList, type WatchFlags } from '../listing.ts'
import { wallClockMs } from '../poll.ts'

/** As many as one page of the API has. */
const LISTED_MAX = 1_000

const KEYS: ListKeys<TaskItem> = {
  words: { name: task => task.name, image: task => task.image, key: task => task.idempotencyKey ?? '' },
  amounts: {
    cpu: task => task.cpus,
    mem: task => task.memoryBytes,
    took: task => task.usage?.runMs ?? 0,
    tries: task => task.failures,
    age: task => -Date.parse(task.submittedAt)
  }
}

export const tasks = defineCommand<WatchFlags & { state?: string; function?: string; peer?: string }>({
  args: [{ name: 'ID', description: 'a task, by its id, the beginning of it, or its name', required: false }],
  options: [
    { flags: '--state <STATE>', description: 'only those in it', choices: TASK_STATES },
    { flags: '--function <NAME>', description: 'only those of this function', completes: 'function' },
    { flags: '--peer <PEER>', description: 'only those that run, or ran last, on this peer', completes: 'peer' },
    WATCH_OPTION,
    ...listOptions(KEYS)
  ],
  description: `The newest ${LISTED_MAX}. A dead task has used up its attempts; cares explain ID tells why a queued one waits.`,
  examples: [
    { comment: 'The newest tasks', command: 'cares tasks' },
    { comment: 'One with its attempts', command: 'cares tasks t-7f3kq9' },
    { comment: 'What was given up', command: 'cares tasks --state dead' },
    { comment: 'What runs on one peer, live', command: 'cares tasks -w --state running --peer elm' }
  ],
  async run({ args: [id], options, client, clock, signal }) {
    const { state, function: fn, peer } = options
    if (id !== undefined && options.watch !== true) {
      const task = await client.task(id, { signal })
      return { kind: 'item', data: task, names: [task.id], lines: () => taskLines(task, wallClockMs(clock)) }
    }
    return await watchedList(
      {
        read: async () =>
          id === undefined
            ? await client.tasks({ state, function: fn, peer, limit: LISTED_MAX, signal })
            : { items: [await client.task(id, { signal })] },
        keys: KEYS,
        options,
        table: items => tasksTable(items, wallClockMs(clock)),
        nameOf: task => task.id,
        line: task => `${task.name}=${task.state}`,
        empty: 'no tasks; run one: cares run IMAGE'
      },
      { clock, signal }
    )
  }
})

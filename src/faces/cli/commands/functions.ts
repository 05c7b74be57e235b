import { functionLines, functionsTable } from '../../function-view.ts'
import { defineCommand } from '../command.ts'
import { wallClockMs } from '../poll.ts'

export const functions = defineCommand({
  args: [{ name: 'NAME', description: 'show this one', required: false, completes: 'function' }],
  examples: [
    { comment: 'All functions', command: 'cares functions' },
    { comment: 'One with all its settings', command: 'cares functions thumb' },
    { comment: 'The URL of one', command: 'cares functions thumb --json | jq -r .url' }
  ],
  async run({ args: [name], client, clock, signal }) {
    if (name !== undefined) {
      const fn = await client.function(name, { signal })
      return { kind: 'item', data: fn, names: [fn.name], lines: () => functionLines(fn, wallClockMs(clock)) }
    }
    const list = await client.functions({ signal })
    return {
      kind: 'list',
      data: list,
      table: functionsTable(list.items, wallClockMs(clock)),
      names: list.items.map(fn => fn.name),
      empty: 'no functions; make one: cares upload IMAGE'
    }
  }
})

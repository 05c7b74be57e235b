import type { FunctionItem } from '../../../model/rest.ts'
import { functionLines, functionsTable } from '../../function-view.ts'
import { defineCommand } from '../command.ts'
import { type ListKeys, listOptions, WATCH_OPTION, watchedList, type WatchFlags } from '../listing.ts'
import { wallClockMs } from '../poll.ts'

const KEYS: ListKeys<FunctionItem> = {
  words: { name: fn => fn.name, contract: fn => fn.contract, image: fn => fn.image, network: fn => fn.network },
  amounts: {
    cpu: fn => fn.cpus,
    mem: fn => fn.memoryBytes,
    timeout: fn => fn.timeoutMs,
    revision: fn => fn.revision,
    // What was not touched for longest comes first.
    age: fn => -Date.parse(fn.updatedAt)
  }
}

export const functions = defineCommand<WatchFlags>({
  args: [{ name: 'NAME', description: 'show this one', required: false, completes: 'function' }],
  options: [WATCH_OPTION, ...listOptions(KEYS)],
  examples: [
    { comment: 'All functions', command: 'cares functions' },
    { comment: 'One with all its settings', command: 'cares functions thumb' },
    { comment: 'Those of one team, the newest first', command: "cares functions --filter 'image=acme/*' --sort age -r" },
    { comment: 'The URL of one', command: 'cares functions thumb --json | jq -r .url' }
  ],
  async run({ args: [name], options, client, clock, signal }) {
    if (name !== undefined && options.watch !== true) {
      const fn = await client.function(name, { signal })
      return { kind: 'item', data: fn, names: [fn.name], lines: () => functionLines(fn, wallClockMs(clock)) }
    }
    return await watchedList(
      {
        read: async () => (name === undefined ? await client.functions({ signal }) : { items: [await client.function(name, { signal })] }),
        keys: KEYS,
        options,
        table: items => functionsTable(items, wallClockMs(clock)),
        nameOf: fn => fn.name,
        line: fn => `${fn.name}=r${fn.revision}`,
        empty: 'no functions; make one: cares upload IMAGE'
      },
      { clock, signal }
    )
  }
})

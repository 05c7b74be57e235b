import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import { parseRevision } from '../flags.ts'

export const remove = defineCommand<{ ifRevision?: number }>({
  args: [{ name: 'NAME', description: 'the function', completes: 'function' }],
  options: [{ flags: '--if-revision <N>', description: 'only if it still has this revision', parse: parseRevision }],
  description: 'Calls that run go on to their end. On a terminal it asks first; in a script it needs --yes.',
  examples: [
    { comment: 'Remove a function after a question', command: 'cares remove thumb' },
    { comment: 'Remove it without a question', command: 'cares remove thumb --yes' }
  ],
  async run(context) {
    const { args, options, client, signal, note } = context
    const [name = ''] = args
    const { revision } = await client.function(name, { signal })
    if (!(await confirm(`Remove function ${name}, revision ${revision}?`, context))) {
      note('nothing removed')
      return { kind: 'written', exitCode: EXIT.unexpected }
    }
    const removed = await client.removeFunction(name, { ifRevision: options.ifRevision, signal })
    return { kind: 'item', data: removed, names: [removed.name], lines: () => [`${removed.name} removed  revision ${removed.revision}`] }
  }
})

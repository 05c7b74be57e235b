import type { StreamItem } from '../command.ts'
import { logText } from '../../view-model.ts'
import { defineCommand } from '../command.ts'
import { parseCount } from '../flags.ts'
import { isInvocationId, peerNames } from '../names.ts'

/** Lines that are shown when the user does not say how many. */
const TAIL_DEFAULT = 100

export const logs = defineCommand<{ follow?: true; tail?: number }>({
  args: [{ name: 'ID|NAME', description: 'an invocation (i-…), or a function for all its calls', completes: 'function' }],
  options: [
    { flags: '-f, --follow', description: 'go on with the lines to come, until interrupted' },
    {
      flags: '--tail <N>',
      description: 'how many of the newest lines, at most 10000',
      defaultText: String(TAIL_DEFAULT),
      parse: parseCount
    }
  ],
  description: 'Lines of all peers, oldest first. Those of a function have the peer and the invocation before them.',
  examples: [
    { comment: 'What one call logged', command: 'cares logs i-7f3kq9' },
    { comment: 'What all calls of a function log from now on', command: 'cares logs thumb -f --tail 0' },
    { comment: 'As JSON, a line each', command: 'cares logs thumb -o jsonl' }
  ],
  async run({ args: [what = ''], options, client, clock, signal, note }) {
    const one = isInvocationId(what)
    const names = await peerNames(client, { clock, signal })
    // An unknown name is told at once, instead of waiting for lines that never come.
    if (one) await client.invocation(what, { signal })
    else await client.function(what, { signal })
    const lines = client.logs({
      ...(one ? { invocation: what } : { function: what }),
      tail: options.tail ?? TAIL_DEFAULT,
      follow: options.follow === true,
      signal
    })
    async function* items(): AsyncGenerator<StreamItem, void, undefined> {
      let none = true
      for await (const line of lines) {
        none = false
        yield { data: line, name: line.invocation ?? line.function, line: logText(line, names, { prefix: !one }) }
      }
      if (none) note(`${what} has logged nothing that is kept`)
    }
    return { kind: 'stream', items: items() }
  }
})

import type { Dropped } from '../../../model/rest.ts'
import type { CommandContext, StreamItem } from '../command.ts'
import { eventLine } from '../../view-model.ts'
import { defineCommand } from '../command.ts'
import { parseCount } from '../flags.ts'
import { peerNames } from '../names.ts'
import { SINCE_OPTION, since } from '../since.ts'

/** A peer that restarts is back within seconds; one that is gone is not asked too often. */
const RETRY_MS = 1_000

/** What the reader is told of events that are missing. */
const GAPS: Readonly<Record<Dropped['reason'], (missed: number) => string>> = {
  slow: missed => `cares: ${missed} events are left out: they came faster than they were read`,
  expired: missed => `cares: ${missed} events are left out: the peer does not keep them any more`,
  restarted: () => 'cares: the peer has restarted; what it saw before that is lost'
}

export const events = defineCommand<{ follow?: true; tail?: number; type?: readonly string[]; since?: number }>({
  options: [
    { flags: '-f, --follow', description: 'go on with the events to come, until interrupted' },
    {
      flags: '--tail <N>',
      description: 'only so many of the newest, before those to come',
      defaultText: 'all that are kept',
      parse: parseCount
    },
    {
      flags: '--type <TYPE>',
      description: 'only these: peer, orchestrator, voters, strategy, function, invocation, task, image, alert, runtime, or one in full',
      repeats: true
    },
    SINCE_OPTION
  ],
  description:
    'What the peer that is asked has seen: it keeps the last 1000 events of its life, and some 200 older ones that are not of calls. With -f a stream that breaks is taken up again where it broke.',
  examples: [
    { comment: 'What has happened in the last ten minutes', command: 'cares events --since 10m' },
    { comment: 'Watch peers come and go', command: 'cares events -f --tail 0 --type peer --type orchestrator' },
    { comment: 'For a program, an object a line', command: 'cares events -f -o jsonl' }
  ],
  async run({ options, client, clock, signal, note }) {
    const names = await peerNames(client, { clock, signal })
    const isYoung = await since(options.since, client, { signal })
    const stream = client.events({
      types: options.type,
      follow: options.follow === true,
      signal,
      onGap: ({ missed, reason }) => note(GAPS[reason](missed)),
      onLost: async error => {
        note(`cares: ${error?.message ?? 'the peer has ended the stream'}; trying again`)
        await clock.sleep(RETRY_MS, { signal })
      }
    })
    const first = options.tail === undefined ? 0 : await firstOfTail(options.tail, options.type, { client, signal })
    async function* items(): AsyncGenerator<StreamItem, void, undefined> {
      let none = true
      let isBefore = true
      for await (const event of stream) {
        // Numbers begin again when the peer restarts: only the beginning of the stream is left out.
        isBefore &&= event.id < first
        if (isBefore || !isYoung(event)) continue
        none = false
        yield { data: event, name: event.type, line: eventLine(event, names) }
      }
      if (none) note('nothing has happened yet')
    }
    return { kind: 'stream', ends: options.follow !== true, items: items() }
  }
})

/** The number of the event that a tail begins with; of one that has not happened yet where it is empty. */
async function firstOfTail(
  tail: number,
  types: readonly string[] | undefined,
  { client, signal }: Pick<CommandContext<never>, 'client' | 'signal'>
): Promise<number> {
  const kept = (await Array.fromAsync(client.events({ types, follow: false, signal }))).map(({ id }) => id)
  const first = kept.length <= tail ? kept[0] : kept[kept.length - tail]
  return first ?? (kept.at(-1) ?? 0) + 1
}

import type { Dropped } from '../../../model/rest.ts'
import type { StreamItem } from '../command.ts'
import { eventLine } from '../../view-model.ts'
import { defineCommand } from '../command.ts'
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

export const events = defineCommand<{ follow?: true; type?: readonly string[]; since?: number }>({
  options: [
    { flags: '-f, --follow', description: 'go on with the events to come, until interrupted' },
    {
      flags: '--type <TYPE>',
      description: 'only these: peer, orchestrator, voters, function, invocation, image, alert, runtime, or one in full',
      repeats: true
    },
    SINCE_OPTION
  ],
  description:
    'What the peer that is asked has seen: it keeps the last 1000 events of its life. With -f a stream that breaks is taken up again where it broke.',
  examples: [
    { comment: 'What has happened in the last ten minutes', command: 'cares events --since 10m' },
    { comment: 'Watch peers come and go', command: 'cares events -f --type peer --type orchestrator' },
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
    async function* items(): AsyncGenerator<StreamItem, void, undefined> {
      let none = true
      for await (const event of stream) {
        if (!isYoung(event)) continue
        none = false
        yield { data: event, name: event.type, line: eventLine(event, names) }
      }
      if (none) note('nothing has happened yet')
    }
    return { kind: 'stream', items: items() }
  }
})

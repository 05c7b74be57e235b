import { z } from 'zod'
import { CaresError } from '../../model/errors.ts'
import type { EventName, EventRecord } from '../../model/events.ts'
import type { Dropped } from '../../model/rest.ts'
import { eventSchema } from '../../model/rest-events.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { flag } from '../queries.ts'
import { documentedText } from './documented.ts'

/** What is kept is in memory: when nothing more has come for so long, all of it has come. */
const KEPT_WITHIN_MS = 50

const query = z.strictObject({
  types: z.string().max(1_024).optional().describe('event names or their nouns, with commas: peer:joined,invocation'),
  follow: flag.optional().describe('false: end after the events that are kept')
})

const EVENT_NAMES: readonly EventName[] = eventSchema.options.map(({ shape }) => shape.type.value)

/** Events as they happen, by server-sent events. */
export function eventRoutes(app: App, context: ApiContext): void {
  const { service, clock, stopping } = context
  const { session } = service.profile
  app.get(
    REST_PATHS.events,
    {
      config: { budget: 'streams' },
      schema: {
        ...documentedText('observe', 'Events, as they happen', 'text/event-stream', 'one Event in the data of each; its name is its type'),
        description: [
          'With `Last-Event-ID` the stream goes on after that event, as far as events are kept (the last 1,000); without it, it begins now.',
          'A reader that falls too far behind gets a last event `dropped`, which says how many it missed, and should come back.'
        ].join(' '),
        querystring: query
      }
    },
    async (request, reply) => {
      const { types, follow = true } = request.query
      const wanted = types === undefined ? undefined : eventNames(types)
      const afterId = resumeAfter(request.headers['last-event-id']?.toString(), session)
      const reading = new AbortController()
      const signal = AbortSignal.any([callerGone(reply.raw).signal, stopping, reading.signal])
      const source = service.events({ afterId: afterId ?? (follow ? undefined : 0), types: wanted, signal })
      reply.hijack()
      using stream = openEventStream(reply.raw, { clock })
      try {
        await pump(follow ? source : keptOf(source, () => clock.sleep(KEPT_WITHIN_MS)), stream, {
          afterId: afterId ?? 0,
          idText: id => `${session}.${id}`,
          signal,
          stopReading: () => reading.abort()
        })
      } catch (error) {
        if (!signal.aborted) context.log.warn({ err: error }, 'event stream failed')
      } finally {
        reading.abort()
        stream.end()
      }
    }
  )
}

/** Sends events until the source ends. Once the reader is behind, counts what it misses until it has caught up, tells it, and ends. */
async function pump(
  source: AsyncIterable<EventRecord>,
  stream: EventStream,
  {
    afterId,
    idText,
    signal,
    stopReading
  }: { afterId: number; idText: (id: number) => string; signal: AbortSignal; stopReading: () => void }
): Promise<void> {
  let lastId = afterId
  let missed = 0
  for await (const event of source) {
    if (!stream.behind) {
      stream.send({ id: idText(event.id), event: event.type, data: event })
      lastId = event.id
    } else if (missed++ === 0) {
      void stream.caughtUp({ signal }).then(stopReading)
    }
  }
  if (missed > 0) stream.send({ event: 'dropped', data: { missed, lastId } satisfies Dropped })
}

/** The items that come without a pause. */
async function* keptOf<Item>(source: AsyncIterable<Item>, pause: () => Promise<void>): AsyncGenerator<Item, void> {
  const iterator = source[Symbol.asyncIterator]()
  for (;;) {
    const next = await Promise.race([iterator.next(), pause()])
    if (next === undefined || next.done === true) return
    yield next.value
  }
}

/** The names that `?types` asks for: each part is a name or the noun of several. Throws `invalid` for a part that is neither. */
function eventNames(types: string): readonly EventName[] {
  return types.split(',').flatMap(part => {
    const names = EVENT_NAMES.filter(name => name === part || name.startsWith(`${part}:`))
    if (names.length === 0) {
      throw new CaresError('invalid', 'the query asks for a type of event that does not exist', {
        hint: `there are ${EVENT_NAMES.join(', ')}`
      })
    }
    return names
  })
}

/**
 * Where to go on. Ids start anew with each session of a peer, so a stream's id carries its session (`7.42`): one of an earlier session goes
 * on with the first event of this one. A plain number means this session.
 */
function resumeAfter(lastEventId: string | undefined, session: number): number | undefined {
  if (lastEventId === undefined) return undefined
  const [, of, id] = /^(?:(\d{1,15})\.)?(\d{1,15})$/.exec(lastEventId) ?? []
  if (id === undefined) throw new CaresError('bad_request', 'Last-Event-ID is none of this API')
  return of === undefined || Number(of) === session ? Number(id) : 0
}

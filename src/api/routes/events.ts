import { z } from 'zod'
import type { EventName } from '../../model/events.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import type { Dropped } from '../../model/rest.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { eventNames, idText, resumeAfter } from '../event-ids.ts'
import { eventText, openEventStream, type EventStream } from '../event-stream.ts'
import { type Feed, ofTypes } from '../feed.ts'
import { flag } from '../queries.ts'
import { documentedText } from './documented.ts'

const query = z.strictObject({
  types: z.string().max(1_024).optional().describe('event names or their nouns, with commas: peer:joined,invocation'),
  follow: flag.optional().describe('false: end after the events that are kept')
})

/** Events as they happen, by server-sent events. */
export function eventRoutes(app: App, context: ApiContext): void {
  const { service, clock, feed, stopping } = context
  app.get(
    REST_PATHS.events,
    {
      config: { budget: 'streams' },
      schema: {
        ...documentedText('observe', 'Events, as they happen', 'text/event-stream', 'one Event in the data of each; its name is its type'),
        description: [
          'With `Last-Event-ID` the stream goes on after that event, as far as events are kept (the last 1,000); without it, it begins now.',
          'Where events are missing, because the reader was too slow or away for too long, an event `dropped` (a Dropped) says how many, and the',
          'stream goes on behind the gap. A reader that takes nothing for half a minute is cut off.'
        ].join(' '),
        querystring: query
      }
    },
    async (request, reply) => {
      const { types, follow = true } = request.query
      const names = types === undefined ? undefined : eventNames(types.split(','))
      const { session } = service.profile
      const resume = resumeAfter(request.headers['last-event-id']?.toString(), session)
      const signal = AbortSignal.any([callerGone(reply.raw).signal, stopping])
      reply.hijack()
      using stream = openEventStream(reply.raw, { clock })
      const isRestarted = resume?.restarted === true
      if (isRestarted) stream.send({ event: 'dropped', data: { missed: 0, lastId: 0, reason: 'restarted' } satisfies Dropped })
      const afterId = Math.min(resume?.id ?? (follow ? Infinity : 0), service.lastEventId())
      const pump = new EventPump(feed, stream, { session, types: names, afterId, isResumed: resume !== undefined })
      pump.send()
      if (follow) await pump.follow({ signal })
      stream.end()
    }
  )
}

/** Brings the events of the feed to one stream, at the pace of its reader. */
class EventPump {
  readonly #feed: Feed
  readonly #stream: EventStream
  readonly #session: number
  readonly #types: readonly EventName[] | undefined
  #lastId: number
  /** How a gap before the next events came about; null: it is none, the reader asked for all that is kept. */
  #gap: Dropped['reason'] | null

  constructor(
    feed: Feed,
    stream: EventStream,
    {
      session,
      types,
      afterId,
      isResumed
    }: { session: number; types: readonly EventName[] | undefined; afterId: number; isResumed: boolean }
  ) {
    this.#feed = feed
    this.#stream = stream
    this.#session = session
    this.#types = types
    this.#lastId = afterId
    this.#gap = isResumed && afterId > 0 ? 'expired' : null
  }

  /** Sends what there is, and where something is missing, how much. */
  send(): void {
    const { events, missed, lastId } = this.#feed.news(this.#lastId, ofTypes(this.#types))
    if (missed > 0 && this.#gap !== null)
      this.#stream.send({ event: 'dropped', data: { missed, lastId: this.#lastId, reason: this.#gap } satisfies Dropped })
    if (events.length > 0) {
      const key = `sse ${this.#lastId}-${lastId} ${this.#types?.join() ?? '*'}`
      const text = this.#feed.shared(key, () =>
        events.map(event => eventText({ id: idText(this.#session, event.id), event: event.type, data: event })).join('')
      )
      this.#stream.write(text)
    }
    this.#lastId = lastId
    this.#gap = 'slow'
  }

  /** Goes on until the signal aborts or the reader is gone. */
  async follow({ signal }: { signal: AbortSignal }): Promise<void> {
    using _ = this.#feed.join()
    // What happened between the first sending and the joining made no beat.
    this.send()
    while (!signal.aborted && (await this.#stream.taken({ signal }))) {
      const { beat } = this.#feed
      this.send()
      await this.#feed.after(beat, { signal })
    }
  }
}

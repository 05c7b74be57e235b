import { type CaresError, toCaresError } from '../model/errors.ts'
import type { Dropped } from '../model/rest.ts'
import type { EventItem } from '../model/rest-events.ts'
import { REST_PATHS, restPath } from '../model/rest-paths.ts'
import { type Abortable, LINE_CHARACTERS_MAX, parseJson, query, type RestExchange } from './rest-exchange.ts'

/**
 * Events as they come: those that the peer still keeps, then, with `follow`, until the signal aborts, those to come.
 *
 * @param onGap - told of events that are missing before the next one
 * @param onLost - waits, when a stream that was open has ended, until it is worth asking again; absent: the stream's end is the end, or its error
 */
export async function* followEvents(
  rest: RestExchange,
  {
    types,
    follow,
    onGap,
    onLost,
    signal
  }: Abortable & {
    types?: readonly string[] | undefined
    follow: boolean
    onGap?: (gap: Dropped) => void
    onLost?: (error: CaresError | undefined) => Promise<void>
  }
): AsyncGenerator<EventItem, void, undefined> {
  let lastId = '0'
  let isOpened = false
  for (;;) {
    let lost: CaresError | undefined
    try {
      for await (const { id, event, data } of readStream(rest, { types, follow, lastId, signal })) {
        isOpened = true
        if (data === undefined) continue
        if (event === 'dropped') onGap?.(parseJson(data, rest.api) as Dropped)
        else {
          const item = parseJson(data, rest.api) as EventItem
          lastId = id ?? String(item.id)
          yield item
        }
      }
    } catch (error) {
      if (signal.aborted || !isOpened) throw error
      lost = toCaresError(error)
    }
    if (onLost !== undefined && follow) await onLost(lost)
    else if (lost !== undefined) throw lost
    else return
  }
}

/** The events of one stream; one without data when it has opened. */
async function* readStream(
  rest: RestExchange,
  { types, follow, lastId, signal }: Abortable & { types: readonly string[] | undefined; follow: boolean; lastId: string }
): AsyncGenerator<{ readonly id?: string | undefined; readonly event?: string | undefined; readonly data?: string }, void, undefined> {
  const { createParser } = await import('eventsource-parser')
  const path = restPath(REST_PATHS.events) + query({ types: types?.join(','), follow: follow ? undefined : 'false' })
  const headers = [
    ['accept', 'text/event-stream'],
    ['last-event-id', lastId]
  ] as const
  const answer = await rest.exchange(path, { method: 'GET', headers, signal })
  await rest.refuse(answer, signal)
  yield {}
  const arrived: { id?: string | undefined; event?: string | undefined; data: string }[] = []
  const parser = createParser({ maxBufferSize: LINE_CHARACTERS_MAX, onEvent: event => arrived.push(event) })
  for await (const text of rest.text(answer, signal)) {
    parser.feed(text)
    yield* arrived.splice(0)
  }
}

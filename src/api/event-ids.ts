import { CaresError } from '../model/errors.ts'
import type { EventName } from '../model/events.ts'
import { eventSchema } from '../model/rest-events.ts'

const EVENT_NAMES: readonly EventName[] = eventSchema.options.map(({ shape }) => shape.type.value)

/** The names that a filter asks for: each part is a name or the noun of several. Throws `invalid` for a part that is neither. */
export function eventNames(parts: readonly string[]): readonly EventName[] {
  return parts.flatMap(part => {
    const names = EVENT_NAMES.filter(name => name === part || name.startsWith(`${part}:`))
    if (names.length === 0) {
      throw new CaresError('invalid', 'the query asks for a type of event that does not exist', {
        hint: `there are ${EVENT_NAMES.join(', ')}`
      })
    }
    return names
  })
}

/** An event's number as readers know it: numbers start anew with each session of a peer, so it carries the session (`7.42`). */
export function idText(session: number, id: number): string {
  return `${session}.${id}`
}

/**
 * Where to go on. An id of another session goes on with the first event of this one, and what was between is lost; a plain number means this
 * session. Throws `bad_request` for what is none of these.
 */
export function resumeAfter(lastEventId: string | undefined, session: number): { id: number; restarted: boolean } | undefined {
  if (lastEventId === undefined) return undefined
  const [, of, id] = /^(?:(\d{1,15})\.)?(\d{1,15})$/.exec(lastEventId) ?? []
  if (id === undefined)
    throw new CaresError('bad_request', 'Last-Event-ID is none of this API', { hint: 'send the id of an event of this stream, or none' })
  return of === undefined || Number(of) === session ? { id: Number(id), restarted: false } : { id: 0, restarted: true }
}

import { CaresError } from '../../../model/errors.ts'
import type { EventItem } from '../../../model/rest-events.ts'
import { parseJson } from '../../rest-exchange.ts'

/** An event with the id by which the stream can be taken up again behind it. */
export interface StreamedEvent {
  readonly resumeId: string
  readonly item: EventItem
}

/** More than this without an end is no event of CARES. */
const PENDING_CHARACTERS_MAX = 1_048_576

/**
 * Reads server-sent events as CARES writes them: fields `id`, `event` and one `data` line of JSON, an empty line behind each
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). Comments, the reconnection delay and the last event `dropped`, which only
 * says that the stream ends here and may be taken up again, give nothing. The returned function takes the text as it comes and gives the
 * events that it completes. Throws `protocol` for what is no event.
 */
export function createEventParser(api: string): (text: string) => readonly StreamedEvent[] {
  let pending = ''
  return text => {
    const blocks = (pending + text).replace(/\r\n/g, '\n').split('\n\n')
    pending = blocks.pop() ?? ''
    if (pending.length > PENDING_CHARACTERS_MAX) throw new CaresError('protocol', 'the event stream sends an event without an end')
    return blocks.flatMap(block => {
      const fields = new Map(block.split('\n').map(fieldOf))
      const [resumeId, data] = [fields.get('id'), fields.get('data')]
      return resumeId === undefined || data === undefined ? [] : [{ resumeId, item: parseJson(data, api) as EventItem }]
    })
  }
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
  return [name, value]
}

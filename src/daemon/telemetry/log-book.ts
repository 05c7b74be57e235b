import type { LogLine, LogQuery } from '../../model/logs.ts'
import { Journal } from '../journal.ts'

const LINES_KEPT_MAX = 20_000
/** Containers may write long lines: this, not the count, is what bounds memory. */
const LINE_BYTES_KEPT_MAX = 16 * 2 ** 20

/** The newest lines that functions wrote on this peer. */
export class LogBook {
  readonly #journal = new Journal<LogLine>({
    itemsMax: LINES_KEPT_MAX,
    bytesMax: LINE_BYTES_KEPT_MAX,
    sizeOf: line => line.text.length + 200
  })

  append(line: LogLine): void {
    this.#journal.append(line)
  }

  /** The newest `tail` matching lines, oldest first; with `follow` also those to come until the signal aborts. */
  async *query(query: LogQuery, { signal }: { signal: AbortSignal }): AsyncGenerator<LogLine, void> {
    const lastId = this.#journal.lastId
    const kept = this.#journal.after(0).filter(({ value }) => matches(query, value))
    for (const { value } of kept.slice(kept.length - Math.min(query.tail, kept.length))) yield value
    if (!query.follow) return
    for await (const { value } of this.#journal.follow(lastId, { signal })) {
      if (matches(query, value)) yield value
    }
  }
}

function matches(query: LogQuery, line: LogLine): boolean {
  if (query.invocation !== undefined) return line.invocation === query.invocation
  return query.function === undefined || line.function === query.function
}

import type { LogLine, LogQuery } from '../model/logs.ts'

/**
 * Several peers' lines as one stream: first the newest `tail` of those that exist, oldest first; then, with `follow`, lines as they come.
 * Sorted by the workers' wall clocks, which are close but not equal.
 */
export async function* mergeLogs(sources: readonly AsyncIterable<LogLine>[], { tail, follow }: LogQuery): AsyncGenerator<LogLine, void> {
  if (follow) {
    yield* interleave(sources)
    return
  }
  const lines = (await Promise.all(sources.map(source => Array.fromAsync(source)))).flat()
  lines.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))
  yield* lines.slice(Math.max(0, lines.length - tail))
}

/** Items of all sources as they arrive; ends when all have ended, and ends all when its reader stops. */
async function* interleave<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]())
  const next = (index: number): Promise<{ index: number; result: IteratorResult<T> }> =>
    (iterators[index] as AsyncIterator<T>).next().then(result => ({ index, result }))
  const pending = new Map(iterators.map((_, index) => [index, next(index)]))
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values())
      if (result.done === true) {
        pending.delete(index)
      } else {
        pending.set(index, next(index))
        yield result.value
      }
    }
  } finally {
    // Not awaited: a source that waits for its next line ends with the query's signal, not before.
    for (const iterator of iterators) void iterator.return?.()
  }
}

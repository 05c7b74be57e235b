import type { LogLine, LogQuery } from '../../model/logs.ts'

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

/** Items of all sources as they arrive; ends when all have ended, and ends all when its reader stops. Holds one item of each at most. */
async function* interleave<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void> {
  const iterators = sources.map(source => source[Symbol.asyncIterator]())
  const arrived: { iterator: AsyncIterator<T>; result: IteratorResult<T> }[] = []
  let failure: { readonly error: unknown } | undefined
  let open = iterators.length
  let wake = Promise.withResolvers<void>()
  const pull = async (iterator: AsyncIterator<T>): Promise<void> => {
    try {
      arrived.push({ iterator, result: await iterator.next() })
    } catch (error) {
      failure ??= { error }
    }
    wake.resolve()
  }
  try {
    for (const iterator of iterators) void pull(iterator)
    while (open > 0) {
      const next = arrived.shift()
      if (next === undefined) {
        if (failure !== undefined) throw failure.error
        wake = Promise.withResolvers()
        await wake.promise
      } else if (next.result.done === true) {
        open--
      } else {
        void pull(next.iterator)
        yield next.result.value
      }
    }
  } finally {
    // Not awaited: a source that waits for its next line ends with the query's signal, not before.
    for (const iterator of iterators) void iterator.return?.()
  }
}

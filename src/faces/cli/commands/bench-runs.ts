import type { CommandContext } from '../command.ts'
import { CaresError } from '../../../model/errors.ts'
import { WAYS_HEADER } from '../../../model/llc.ts'

/** Runs with one input. */
export interface RunsWanted {
  readonly name: string
  readonly body: Uint8Array
  readonly runs: number
  /** Only this peer may run them. */
  readonly on?: string | undefined
  /** With so many ways of the last-level cache. The first run does not count: it finds what the one before has left there. */
  readonly ways?: number | undefined
}

/** What they took. */
export interface Runs {
  /** Milliseconds of each that counts. */
  readonly runsMs: readonly number[]
  /** Null: not measured. */
  readonly memoryPeakBytes: number | null
  /** Of the cache, what they could have. Absent: they were not confined. */
  readonly llcBytes?: number | undefined
}

/** Calls a function so many times, and once more, as the first call may start a container: never more, where every start is a cold one. */
export async function measureRuns({ client, signal }: CommandContext<unknown>, { name, body, runs, on, ways }: RunsWanted): Promise<Runs> {
  const runsMs: number[] = []
  let coldMs: number | undefined
  let memoryPeakBytes: number | null = null
  let llcBytes: number | undefined
  const headers = [
    ['content-type', 'text/plain'] as const,
    ...(on === undefined ? [] : [['x-cares-on', on] as const]),
    ...(ways === undefined ? [] : [[WAYS_HEADER, String(ways)] as const])
  ]
  for (let run = 0; run <= runs && runsMs.length < runs; run++) {
    const answer = await client.invoke(name, { method: 'POST', path: '/', headers, body }, { signal })
    if (answer.status >= 400) throw await client.failure(answer, { signal })
    // Read to its end, or the run would be cut short.
    for await (const _ of answer.body) signal.throwIfAborted()
    const id = answer.headers.get('x-cares-invocation') ?? ''
    const { usage, start } = await client.invocation(id, { waitMs: 1_000, signal })
    if (usage === null) throw new CaresError('protocol', `the peer does not say what ${id} took`)
    memoryPeakBytes = usage.memoryPeakBytes === undefined ? memoryPeakBytes : Math.max(memoryPeakBytes ?? 0, usage.memoryPeakBytes)
    if (ways !== undefined && usage.llcBytes === undefined)
      throw new CaresError('protocol', `the peer did not confine ${id} to ${ways} ways`)
    llcBytes = usage.llcBytes
    if (run === 0 && (start === 'cold' || ways !== undefined)) coldMs = usage.runMs
    else runsMs.push(usage.runMs)
  }
  if (runsMs.length === 0 && coldMs !== undefined) runsMs.push(coldMs)
  return { runsMs, memoryPeakBytes, llcBytes }
}

/** The middle one, or the mean of the two in the middle; 0 of none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

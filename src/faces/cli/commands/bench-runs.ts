import type { CommandContext } from '../command.ts'
import type { Invocation } from '../../../model/rest-invocations.ts'
import { CaresError, type ErrorCode, toCaresError } from '../../../model/errors.ts'
import { PARAMS_HEADER } from '../../../model/invocation.ts'
import { WAYS_HEADER } from '../../../model/llc.ts'

/**
 * A run that is refused for now is put again so often, each time after twice the pause: 8 s in all, in which an overload passes by and an election
 * is over several times.
 */
const TRIES_MAX = 6
const FIRST_PAUSE_MS = 250
/** What is wrong with the whole benchmark and not with one size of it. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(['not_found', 'unauthorized', 'invalid', 'bad_request', 'conflict', 'cancelled'])

/** The runs with one input that are to be made. */
export interface RunsWanted {
  readonly name: string
  readonly body: Uint8Array
  readonly runs: number
  /** Only this peer may run them. */
  readonly on?: string | undefined
  /** Declared parameters. */
  readonly params?: string | undefined
  /** With so many ways of the last-level cache. The first run does not count: it finds what the one before has left there. */
  readonly ways?: number | undefined
}

/** What the runs with one input took. */
export interface Runs {
  /** Milliseconds of each that counts. */
  readonly runsMs: readonly number[]
  /** Null: not measured. */
  readonly memoryPeakBytes: number | null
  /** Of the cache, what they could have. Absent: they were not confined. */
  readonly llcBytes?: number | undefined
  /** Why there are fewer than were wanted. What would come after a failure is left out, as it would mostly fail alike. */
  readonly failure?: CaresError | undefined
}

/**
 * Calls a function so many times, and once more, as the first call may start a container: never more, where every start is a cold one. Throws what
 * is wrong with all runs, whatever their input.
 */
export async function measureRuns(context: CommandContext<unknown>, wanted: RunsWanted): Promise<Runs> {
  const { runs, ways } = wanted
  const runsMs: number[] = []
  let coldMs: number | undefined
  let memoryPeakBytes: number | null = null
  let llcBytes: number | undefined
  let failure: CaresError | undefined
  try {
    for (let run = 0; run <= runs && runsMs.length < runs; run++) {
      const { usage, isCold } = await measureRun(context, wanted)
      memoryPeakBytes = usage.memoryPeakBytes === undefined ? memoryPeakBytes : Math.max(memoryPeakBytes ?? 0, usage.memoryPeakBytes)
      llcBytes = usage.llcBytes
      if (run === 0 && (isCold || ways !== undefined)) coldMs = usage.runMs
      else runsMs.push(usage.runMs)
    }
  } catch (error) {
    failure = toCaresError(error)
    if (context.signal.aborted || HOPELESS.has(failure.code)) throw failure
  }
  if (runsMs.length === 0 && coldMs !== undefined) runsMs.push(coldMs)
  return { runsMs, memoryPeakBytes, llcBytes, failure }
}

type Usage = NonNullable<Invocation['usage']>

/** One run; put again for a while where it was refused for now. */
async function measureRun(
  { client, clock, signal }: CommandContext<unknown>,
  { name, body, on, params, ways }: RunsWanted
): Promise<{ usage: Usage; isCold: boolean }> {
  const headers = [
    ['content-type', 'text/plain'] as const,
    ...(on === undefined ? [] : [['x-cares-on', on] as const]),
    ...(params === undefined ? [] : [[PARAMS_HEADER, params] as const]),
    ...(ways === undefined ? [] : [[WAYS_HEADER, String(ways)] as const])
  ]
  for (let tries = 1; ; tries++) {
    try {
      const answer = await client.invoke(name, { method: 'POST', path: '/', headers, body }, { signal })
      if (answer.status >= 400) throw await client.failure(answer, { signal })
      // Read to its end, or the run would be cut short.
      for await (const _ of answer.body) signal.throwIfAborted()
      const id = answer.headers.get('x-cares-invocation') ?? ''
      const { usage, start } = await client.invocation(id, { waitMs: 1_000, signal })
      if (usage === null) throw new CaresError('protocol', `the peer does not say what ${id} took`)
      if (ways !== undefined && usage.llcBytes === undefined)
        throw new CaresError('protocol', `the peer did not confine ${id} to ${ways} ways`)
      return { usage, isCold: start === 'cold' }
    } catch (error) {
      const failure = toCaresError(error)
      if (!failure.retryable || signal.aborted || tries === TRIES_MAX) throw failure
      await clock.sleep(FIRST_PAUSE_MS * 2 ** (tries - 1), { signal })
    }
  }
}

/** The middle one, or the mean of the two in the middle; 0 of none. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

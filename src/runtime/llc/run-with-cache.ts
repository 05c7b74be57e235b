import { CaresError } from '../../model/errors.ts'
import type { AnswerEnd, Headers, Usage } from '../../model/invocation.ts'
import { WAYS_HEADER } from '../../model/llc.ts'
import type { ExecutionAnswer } from '../../model/ports/runtime.ts'
import type { Instance } from '../driver.ts'
import type { LlcControl } from './llc-control.ts'

type CacheUsage = Pick<Usage, 'llcBytes' | 'llcUsedBytes'>

/** A call, as far as its cache is concerned. */
export interface CacheRun {
  /** What runs it. */
  readonly instance: Pick<Instance, 'id'>
  /** To be measured with so many ways. Absent: an ordinary call. */
  readonly ways: number | undefined
  /** Called when it cannot have them, and so does not run. */
  readonly onRefused: () => void
}

/**
 * How many ways of the cache a call is to be measured with; undefined for every ordinary one. Throws `invalid` for what is no number, and where
 * no call can be confined.
 */
export function waysWanted(llc: Pick<LlcControl, 'assertConfines'>, headers: Headers): number | undefined {
  const text = headers.find(([name]) => name === WAYS_HEADER)?.[1]
  if (text === undefined) return undefined
  if (!/^\d{1,3}$/.test(text))
    throw new CaresError('invalid', `${WAYS_HEADER} is a number of ways, not ${JSON.stringify(text.slice(0, 32))}`)
  llc.assertConfines()
  return Number(text)
}

/**
 * Runs a call, and has its usage tell what it had of the cache where that is known: it was to be measured with so many ways, or this machine counts
 * what each container holds. Everywhere else it is run as it is.
 */
export async function runWithCache(
  llc: Pick<LlcControl, 'confine' | 'counts' | 'usedBytes'>,
  { instance, ways, onRefused }: CacheRun,
  run: () => Promise<ExecutionAnswer>
): Promise<ExecutionAnswer> {
  if (ways === undefined) {
    return llc.counts ? withUsage(await run(), async () => ({ llcUsedBytes: await llc.usedBytes(instance.id) })) : run()
  }
  const confined = await llc.confine(instance.id, ways).catch((error: unknown) => {
    onRefused()
    throw error
  })
  const atEnd = async (): Promise<CacheUsage> => {
    await confined.end()
    return { llcBytes: confined.bytes }
  }
  try {
    return await withUsage(await run(), atEnd)
  } catch (error) {
    await confined.end()
    throw error
  }
}

/** The answer with what was found in its usage. `atEnd` is called when the answer has ended, however it did. */
async function withUsage(answer: ExecutionAnswer, atEnd: () => Promise<CacheUsage>): Promise<ExecutionAnswer> {
  if (answer.whole !== undefined) {
    const { body, end } = answer.whole
    const whole = { body, end: plus(end, await atEnd()) }
    return { ...answer, end: Promise.resolve(whole.end), whole }
  }
  const end = answer.end.then(
    async ended => plus(ended, await atEnd()),
    async (error: unknown) => {
      await atEnd()
      throw error
    }
  )
  // The body throws the same error, so a reader that has not come to `end` yet must not bring the process down.
  end.catch(() => {})
  return { ...answer, end }
}

function plus(end: AnswerEnd, cache: CacheUsage): AnswerEnd {
  return { ...end, usage: { ...end.usage, ...cache } }
}

import { CaresError, type ErrorCode, toCaresError } from '../../model/errors.ts'
import type { InvocationId } from '../../model/ids.ts'
import type { InvocationAnswer } from '../../model/service.ts'
import { once } from './bodies.ts'
import type { InvocationBook } from './invocation-book.ts'

/** The answer that an idempotency key already stands for, once it is there. Throws what the call has failed with, or `conflict`. */
export async function answerAgain(book: InvocationBook, id: InvocationId, { signal }: { signal: AbortSignal }): Promise<InvocationAnswer> {
  const record = await book.waitFor(id, { signal })
  if (record.state !== 'succeeded' && record.state !== 'failed') throw toCaresError(signal.reason)
  const result = book.result(id)
  if (record.error !== undefined)
    throw new CaresError(record.error.code as ErrorCode, record.error.message, { details: { invocation: id } })
  if (result === null || record.worker === undefined || record.usage === undefined) {
    throw new CaresError('conflict', 'the call with this idempotency key was answered, but its answer was too large to be kept', {
      details: { invocation: id }
    })
  }
  return {
    invocation: id,
    worker: record.worker,
    placement: record.placement ?? 'orchestrator',
    head: result.head,
    body: once(result.body),
    end: Promise.resolve({ usage: record.usage })
  }
}

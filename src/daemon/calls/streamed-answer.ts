import { CaresError, toCaresError } from '../../model/errors.ts'
import type { AnswerDown } from '../../model/invocation.ts'
import type { InvocationAnswer } from '../../model/service.ts'
import { RESULT_BYTES_EACH_MAX } from './invocation-book.ts'
import type { Outcome } from './running-call.ts'

interface StreamedAnswerInit {
  /** Whether `onOutcome` is to have the body. */
  readonly keep: boolean
  /** How the answer has ended, and its body: undefined when it failed, was too large, or is not to be kept. */
  readonly onOutcome: (outcome: Outcome, kept: Uint8Array | undefined) => void
  /** What is left of the call once its answer has ended; asked for then. Undefined: nothing. */
  readonly rest: () => Promise<void> | undefined
  /** Nothing of the call is left. */
  readonly onOver: () => void
}

/** The part of an answer that comes after its head, and a way to end it that does not depend on a reader. */
export interface StreamedAnswer extends Required<Pick<InvocationAnswer, 'body' | 'end' | 'rest'>> {
  /** For a call that is aborted: a generator that was never started runs no clean-up when it is dropped, so this starts it if nobody reads. */
  readonly wake: () => void
}

/** Passes an answer on as it comes. */
export function streamedAnswer(
  messages: AsyncGenerator<AnswerDown, void>,
  { keep, onOutcome, rest, onOver }: StreamedAnswerInit
): StreamedAnswer {
  const end = Promise.withResolvers<Awaited<InvocationAnswer['end']>>()
  end.promise.catch(() => {}) // A caller need not look at it: the record of the invocation holds the failure, too.
  const over = Promise.withResolvers<void>()
  const onRest = (): void => {
    onOver()
    over.resolve()
  }
  const body = piecesOf(messages, keep, (outcome, kept) => {
    onOutcome(outcome, kept)
    if (outcome.usage === undefined) end.reject(outcome.error)
    else end.resolve({ usage: outcome.usage })
    const left = rest()
    if (left === undefined) onRest()
    else void left.then(onRest)
  })
  return {
    body,
    end: end.promise,
    rest: over.promise,
    wake: () => void body.next().catch(() => {}) // Its clean-up writes the failure into the record.
  }
}

async function* piecesOf(
  messages: AsyncGenerator<AnswerDown, void>,
  keep: boolean,
  onEnd: StreamedAnswerInit['onOutcome']
): AsyncGenerator<Uint8Array, void> {
  let kept: Uint8Array[] | undefined = keep ? [] : undefined
  let keptBytes = 0
  let ended: Outcome | undefined
  try {
    for await (const message of messages) {
      if (message.type === 'answer-end') {
        ended = { usage: message.end.usage }
      } else if (message.type === 'body') {
        keptBytes += message.chunk.length
        if (keptBytes > RESULT_BYTES_EACH_MAX) kept = undefined
        kept?.push(message.chunk)
        yield message.chunk
      }
    }
  } catch (err) {
    const error = toCaresError(err)
    ended = { error }
    throw error
  } finally {
    const outcome = ended ?? { error: new CaresError('cancelled', 'the client stopped reading') }
    onEnd(outcome, outcome.usage === undefined || kept === undefined ? undefined : Buffer.concat(kept))
  }
}

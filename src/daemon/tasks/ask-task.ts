import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { TaskAnswer, TaskAsk } from '../../model/task.ts'

/** Asks one peer one question on `/cares/task`. Throws what the peer answered with, or `peer_unreachable`, `peer_lost`. */
export async function askTask(
  transport: Transport,
  peer: PeerId,
  question: TaskAsk,
  { signal }: { signal: AbortSignal }
): Promise<Exclude<TaskAnswer, { type: 'failed' }>> {
  const channel = await transport.open('task', peer, { signal })
  const onAbort = (): void => channel.abort(new CaresError('cancelled', 'the question is no longer of interest'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await channel.send(question)
    channel.end()
    const answer = await channel.receive()
    if (answer === undefined) throw new CaresError('protocol', `peer ${peer} ended the exchange without an answer`)
    if (answer.type === 'failed') throw new CaresError(answer.code, answer.message, { retryable: answer.retryable })
    return answer
  } catch (err) {
    if (signal.aborted) throw signal.reason
    throw err
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

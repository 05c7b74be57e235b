import type { BlobUp } from '../../model/blob-transfer.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { fromRemoteError } from '../../model/remote-error.ts'
import { openWithin } from '../open-within.ts'

const OPEN_TIMEOUT_MS = 2_000
/** To hold the largest blob takes a minute at 1 MB/s; and as long again. */
const ANSWER_TIMEOUT_MS = 120_000

/** Asks one peer whether it has a blob, or has it take one from this peer and keep it. Gives its size there. Throws what the peer failed with. */
export async function askBlob(
  peer: PeerId,
  question: Exclude<BlobUp, { type: 'read' }>,
  { transport, clock, signal: wanted }: { transport: Transport; clock: Clock; signal: AbortSignal }
): Promise<number> {
  const signal = AbortSignal.any([wanted, clock.timeout(ANSWER_TIMEOUT_MS)])
  const channel = await openWithin(transport, 'blob', peer, { ms: OPEN_TIMEOUT_MS, clock, signal })
  const cut = (): void => channel.abort(signal.reason as Error)
  signal.addEventListener('abort', cut, { once: true })
  try {
    await channel.send(question)
    const answer = await channel.receive()
    if (answer === undefined) throw new CaresError('peer_lost', `${peer} ended the exchange without an answer`, { retryable: true })
    if (answer.type === 'failed') throw fromRemoteError(answer.error)
    if (answer.type !== 'held') throw new CaresError('protocol', `an answer of type ${answer.type} that was not asked for`)
    channel.end()
    return answer.bytes
  } catch (err) {
    channel.abort(new CaresError('cancelled', 'nothing more is wanted'))
    throw signal.aborted ? signal.reason : err
  } finally {
    signal.removeEventListener('abort', cut)
  }
}

import { CaresError } from '../../model/errors.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { BlobDraft } from '../../model/ports/blob-store.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { fromRemoteError } from '../../model/remote-error.ts'
import { openWithin } from '../open-within.ts'

const OPEN_TIMEOUT_MS = 2_000
/** Longest that one peer may take: the largest blob at 1 MB/s, and as long again. */
const PEER_TIMEOUT_MS = 120_000
/** Asked in one question. */
const READ_BYTES = 524_288
/** Asked ahead of what has come: at 10 ms between two peers, 200 MB/s. */
const AHEAD_BYTES = 2_097_152

/** Takes all bytes of a blob from one peer into `draft`. Whether they are the right ones is for the caller to see. Throws what the peer failed with. */
export async function fetchBlob(
  { peer, digest, bytes }: { peer: PeerId; digest: Digest; bytes: number },
  draft: BlobDraft,
  { transport, clock, signal: wanted }: { transport: Transport; clock: Clock; signal: AbortSignal }
): Promise<void> {
  const signal = AbortSignal.any([wanted, clock.timeout(PEER_TIMEOUT_MS)])
  const channel = await openWithin(transport, 'blob', peer, { ms: OPEN_TIMEOUT_MS, clock, signal })
  const cut = (): void => channel.abort(signal.reason as Error)
  signal.addEventListener('abort', cut, { once: true })
  try {
    let [asked, taken] = [0, 0]
    while (taken < bytes) {
      while (asked < bytes && asked - taken < AHEAD_BYTES) {
        const more = Math.min(READ_BYTES, bytes - asked)
        await channel.send({ type: 'read', digest, offset: asked, bytes: more })
        asked += more
      }
      const answer = await channel.receive()
      if (answer === undefined) throw new CaresError('peer_lost', 'the blob was cut short', { retryable: true })
      if (answer.type === 'failed') throw fromRemoteError(answer.error)
      if (answer.type !== 'piece' || answer.chunk.length === 0 || taken + answer.chunk.length > asked)
        throw new CaresError('protocol', `an answer of type ${answer.type} that was not asked for`)
      taken += answer.chunk.length
      await draft.append(answer.chunk)
    }
    channel.end()
  } catch (err) {
    channel.abort(new CaresError('cancelled', 'nothing more is wanted'))
    throw signal.aborted ? signal.reason : err
  } finally {
    signal.removeEventListener('abort', cut)
  }
}

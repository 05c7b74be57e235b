import { CaresError } from '../../model/errors.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { ImageDown, ImageUp } from '../../model/image-transfer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { fromRemoteError } from '../../model/remote-error.ts'
import { type Archive, BLOCK_BYTES } from './archive.ts'

const OPEN_TIMEOUT_MS = 2_000
/** Bytes that may be on their way: at 10 ms between two peers, 400 MB/s. Whole blocks, so that no grant cuts one. */
const GRANT_BYTES = 16 * BLOCK_BYTES
/** Granted anew in steps of this size: small enough that the sender does not run dry. */
const STEP_BYTES = 4 * BLOCK_BYTES
/** How often the progress of a transfer is looked at. */
const LOOK_MS = 10_000
/** Looks without a byte until the sender is given up. Before its first byte an engine may write an archive of some GB to its disk. */
const IDLE_LOOKS_MAX = 6

/** How a peer answered that was asked for an image. */
export type Taken = { readonly type: 'all' } | { readonly type: 'elsewhere'; readonly peers: readonly PeerId[] }

/**
 * Takes an image from one peer into `archive`, from where that ends. Throws what the peer failed with, `peer_lost` when it was cut short,
 * `timeout` when it stood still. A slow sender is not left: mostly it is the network or the machine that is slow, and a new beginning makes
 * that worse.
 */
export async function takeImage(
  { peer, digest, archive, direct }: { peer: PeerId; digest: Digest; archive: Archive; direct: boolean },
  { transport, clock, signal }: { transport: Transport; clock: Clock; signal: AbortSignal }
): Promise<Taken> {
  const opening = AbortSignal.any([signal, clock.timeout(OPEN_TIMEOUT_MS)])
  const channel = await transport.open('image', peer, { signal: opening })
  const cut = (): void => channel.abort(signal.reason as Error)
  signal.addEventListener('abort', cut, { once: true })
  using _ = watch(channel, archive, clock)
  try {
    await channel.send({ type: 'get', digest, archive: archive.id, offset: archive.bytes, bytes: GRANT_BYTES, direct })
    const first = await channel.receive()
    if (first?.type === 'elsewhere') return first
    if (first?.type === 'failed') throw fromRemoteError(first.error)
    if (first?.type !== 'head') throw new CaresError('peer_lost', 'no answer came')
    archive.name(first.archive)
    await takeBody(channel, archive)
    channel.end()
    return { type: 'all' }
  } finally {
    // What came counts: the next sender goes on after it.
    archive.flush()
    signal.removeEventListener('abort', cut)
    channel.abort(new CaresError('cancelled', 'nothing more is wanted'))
  }
}

async function takeBody(channel: Channel<ImageUp, ImageDown>, archive: Archive): Promise<void> {
  let taken = 0
  for (let message = await channel.receive(); ; message = await channel.receive()) {
    if (message === undefined) throw new CaresError('peer_lost', 'the image was cut short')
    if (message.type === 'failed') throw fromRemoteError(message.error)
    if (message.type === 'end') return
    if (message.type !== 'body') throw new CaresError('protocol', `an image cannot hold ${message.type}`)
    await archive.append(message.chunk)
    taken += message.chunk.length
    if (taken >= STEP_BYTES) {
      await channel.send({ type: 'more', bytes: taken })
      taken = 0
    }
  }
}

/** Ends an exchange that does not get on. */
function watch(channel: Channel<ImageUp, ImageDown>, archive: Archive, clock: Clock): Disposable {
  let seenBytes = archive.bytes
  let idleLooks = 0
  return clock.every(LOOK_MS, () => {
    idleLooks = archive.bytes === seenBytes ? idleLooks + 1 : 0
    seenBytes = archive.bytes
    if (idleLooks >= IDLE_LOOKS_MAX) channel.abort(new CaresError('timeout', 'the sender of the image stands still', { retryable: true }))
  })
}

import { CaresError, toCaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { Digest, PeerId } from '../model/ids.ts'
import type { ImageDown, ImageUp } from '../model/image-transfer.ts'
import type { PeerView } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Runtime } from '../model/ports/runtime.ts'
import type { Channel, Transport } from '../model/ports/transport.ts'
import type { Random } from '../model/random.ts'
import { fromRemoteError, toRemoteError } from '../model/remote-error.ts'

/** Images that one peer sends at once: more share the same link. Who is refused asks again, by then perhaps of a peer that has it since. */
const SENDING_MAX = 2
/** Images that one peer takes in at once; others wait for their turn. */
const TAKING_MAX = 2
/** A GB at 10 MB/s takes two minutes; a transfer that takes longer than this is better done by hand. */
const TRANSFER_TIMEOUT_MS = 600_000
const OPEN_TIMEOUT_MS = 2_000
/** Between two rounds through all peers that have an image but are all busy sending. */
const BUSY_PAUSE_MS = 250
/** Peers that are asked although they do not say that they have the image. */
const SILENT_ASKED_MAX = 8

export interface ImagesComponents {
  readonly runtime: Runtime
  readonly transport: Transport
  readonly views: () => readonly PeerView[]
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
}

/** Images between peers: no registry is needed for what any peer of the cluster has. Serves `/cares/image`. */
export class Images {
  readonly #components: ImagesComponents
  readonly #coming = new Map<Digest, Promise<boolean>>()
  #sending = 0

  constructor(components: ImagesComponents) {
    this.#components = components
  }

  /** Sends an image that is here. */
  async serve(channel: Channel<ImageDown, ImageUp>): Promise<void> {
    const request = await channel.receive()
    if (request === undefined) throw new CaresError('protocol', 'the exchange ended without a question')
    if (this.#sending >= SENDING_MAX) {
      const busy = new CaresError('busy', `this peer sends ${SENDING_MAX} images already`, { retryable: true })
      await channel.send({ type: 'failed', error: toRemoteError(busy, { started: false }) })
      return channel.end()
    }
    this.#sending++
    try {
      const archive = await this.#components.runtime.exportImage(request.digest, { signal: channel.signal })
      for await (const chunk of archive) await channel.send({ type: 'body', chunk })
      await channel.send({ type: 'end' })
    } catch (err) {
      if (channel.signal.aborted) return
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: true }) })
    } finally {
      this.#sending--
    }
    channel.end()
  }

  /**
   * Brings the image of a function here from a peer that has it. False when no peer has. Callers who need the same image wait for the same
   * transfer; it goes on when one of them gives up, so that the next call finds the image.
   */
  async bring(fn: FunctionRecord, { signal }: { signal: AbortSignal }): Promise<boolean> {
    const coming =
      this.#coming.get(fn.digest) ??
      this.#bringOnce(fn)
        .catch((err: unknown) => {
          this.#components.log.warn({ err, function: fn.name }, 'image not brought')
          return false
        })
        .finally(() => this.#coming.delete(fn.digest))
    this.#coming.set(fn.digest, coming)
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([coming, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #bringOnce(fn: FunctionRecord): Promise<boolean> {
    const { clock, log } = this.#components
    const signal = clock.timeout(TRANSFER_TIMEOUT_MS)
    while (this.#coming.size > TAKING_MAX) await clock.sleep(BUSY_PAUSE_MS, { signal })
    const useless = new Set<PeerId>()
    while (true) {
      const providers = this.#providers(fn.digest).filter(peer => !useless.has(peer))
      if (providers.length === 0) return false
      for (const peer of providers) {
        const startMs = clock.nowMs()
        try {
          await this.#take(fn, peer, signal)
          log.info({ function: fn.name, from: peer, bytes: fn.imageBytes, tookMs: Math.round(clock.nowMs() - startMs) }, 'image brought')
          return true
        } catch (err) {
          if (signal.aborted) throw toCaresError(signal.reason)
          const { code, message } = toCaresError(err)
          if (code !== 'busy') useless.add(peer)
          log.debug({ function: fn.name, from: peer, code, message }, 'image not brought by this peer')
        }
      }
      await clock.sleep(BUSY_PAUSE_MS, { signal })
    }
  }

  /**
   * Peers that say they have it, in random order, so that not everybody asks the same one; then some that do not say so: the one through which
   * the function was uploaded a moment ago may not have had the time.
   */
  #providers(digest: Digest): readonly PeerId[] {
    const { views, transport, random } = this.#components
    const others = views()
      .filter(({ profile, state }) => state !== 'gone' && profile.id !== transport.self && profile.runtime !== 'none')
      .map(({ profile, stats }) => ({ id: profile.id, says: stats.images.includes(digest), draw: random() }))
      .sort((a, b) => a.draw - b.draw)
    const silent = others.filter(({ says }) => !says).slice(0, SILENT_ASKED_MAX)
    return [...others.filter(({ says }) => says), ...silent].map(({ id }) => id)
  }

  async #take(fn: FunctionRecord, peer: PeerId, signal: AbortSignal): Promise<void> {
    const { transport, runtime, clock } = this.#components
    const opening = AbortSignal.any([signal, clock.timeout(OPEN_TIMEOUT_MS)])
    const channel = await transport.open('image', peer, { signal: opening })
    try {
      await channel.send({ type: 'get', digest: fn.digest })
      channel.end()
      const archive = archiveOf(channel)
      const first = await archive.next()
      if (first.done === true) throw new CaresError('image_not_found', 'an image without a byte')
      await runtime.importImage(fn, chain(first.value, archive), { signal })
    } finally {
      channel.abort(new CaresError('cancelled', 'the image is here, or is not wanted any more'))
    }
  }
}

/** The archive as it comes. Throws what the sender failed with, and `peer_lost` when it was cut short. */
async function* archiveOf(channel: Channel<ImageUp, ImageDown>): AsyncGenerator<Uint8Array, void> {
  for (let message = await channel.receive(); ; message = await channel.receive()) {
    if (message === undefined) throw new CaresError('peer_lost', 'the image was cut short')
    if (message.type === 'failed') throw fromRemoteError(message.error)
    if (message.type === 'end') return
    yield message.chunk
  }
}

/** The first chunk was read ahead, so that a refusal comes before the engine is asked to load anything. */
async function* chain(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield first
  yield* rest
}

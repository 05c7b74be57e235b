import { CaresError, toCaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { ImageDown, ImageUp } from '../../model/image-transfer.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { ImageDirectory } from '../../model/ports/image-directory.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Runtime } from '../../model/ports/runtime.ts'
import type { Spool } from '../../model/ports/spool.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import type { Random } from '../../model/random.ts'
import type { Archive } from './archive.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import { ImageSender } from './image-sender.ts'
import { ArchiveCache } from './archive-cache.ts'
import { takeImage } from './image-taker.ts'
import { untilAborted } from '../../model/until-aborted.ts'

/** Images that one peer takes in at once; others wait for their turn. */
const TAKING_MAX = 2
/** A GB at 10 MB/s takes two minutes; a transfer that takes longer than this is better done by hand. */
const TRANSFER_TIMEOUT_MS = 600_000
/** Between two rounds through all peers that have an image but are all busy sending. */
const BUSY_PAUSE_MS = 250
/** Peers that are asked although they do not say that they have the image. */
const SILENT_ASKED_MAX = 8
/** How long the directory may take: it mostly knows within milliseconds. */
const DIRECTORY_TIMEOUT_MS = 500
/** An archive that was begun can be lost with all that have it; then another one is begun. */
const ARCHIVES_TRIED_MAX = 3
/** How often the progress of a transfer is told. */
const PROGRESS_MS = 1_000

export interface ImagesComponents {
  readonly runtime: Runtime
  readonly transport: Transport
  readonly spool: Spool
  readonly directory?: ImageDirectory | undefined
  readonly views: () => readonly PeerView[]
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  /** Aborted when the peer stops. */
  readonly stopping: AbortSignal
  /** An image has come: the others should hear of it. */
  readonly onArrived: () => void
}

/** The images of a peer that runs functions and has room for images on their way; null for others. */
export function createImages({
  runtime,
  spool,
  ...components
}: Omit<ImagesComponents, 'runtime' | 'spool'> & { readonly runtime: Runtime | null; readonly spool?: Spool | undefined }): Images | null {
  return runtime === null || spool === undefined ? null : new Images({ ...components, runtime, spool })
}

/** Images between peers: no registry is needed for what any peer of the cluster has. */
export class Images {
  readonly #components: ImagesComponents
  readonly #archives: ArchiveCache
  readonly #sender: ImageSender
  readonly #coming = new Map<Digest, Promise<boolean>>()
  #announced: ReadonlySet<Digest> = new Set()
  #taking = 0

  constructor(components: ImagesComponents) {
    this.#components = components
    this.#archives = new ArchiveCache(components)
    this.#sender = new ImageSender(this.#archives)
  }

  /** Serves `/cares/image`. */
  async serve(channel: Channel<ImageDown, ImageUp>): Promise<void> {
    await this.#sender.serve(channel)
  }

  /** Tells the directory of images that are here and were not before. */
  announce(present: readonly Digest[]): void {
    for (const digest of present) if (!this.#announced.has(digest)) this.#components.directory?.provide(digest)
    this.#announced = new Set(present)
  }

  /**
   * Brings the image of a function here from a peer that has it. False when no peer has. Callers who need the same image wait for the same
   * transfer; it goes on when one of them gives up, so that the next call finds the image.
   */
  async bring(fn: FunctionRecord, { signal }: { signal: AbortSignal }): Promise<boolean> {
    const coming = this.#coming.get(fn.digest) ?? this.#bringOnce(fn).finally(() => this.#coming.delete(fn.digest))
    this.#coming.set(fn.digest, coming)
    return untilAborted(coming, signal)
  }

  async #bringOnce(fn: FunctionRecord): Promise<boolean> {
    const { clock, events, log, stopping, onArrived } = this.#components
    const signal = AbortSignal.any([stopping, clock.timeout(TRANSFER_TIMEOUT_MS)])
    const startMs = clock.nowMs()
    const failed = (err: unknown): false => {
      const { code, message } = toCaresError(err)
      log.warn({ function: fn.name, code, message }, 'image not brought')
      events.emit('image:failed', { function: fn.name, code, reason: message })
      return false
    }
    try {
      while (this.#taking >= TAKING_MAX) await clock.sleep(BUSY_PAUSE_MS, { signal })
    } catch (err) {
      return failed(err)
    }
    this.#taking++
    const useless = new Set<PeerId>()
    try {
      for (let tried = 0; tried < ARCHIVES_TRIED_MAX; tried++) {
        const bytes = await this.#takeOne(fn, useless, signal)
        if (bytes === 'nobody') return false
        if (bytes === 'lost') continue
        const tookMs = Math.round(clock.nowMs() - startMs)
        log.info({ function: fn.name, bytes, tookMs }, 'image brought')
        events.emit('image:arrived', { function: fn.name, bytes, tookMs })
        onArrived()
        return true
      }
      return failed(new CaresError('peer_lost', 'every peer that was sending the image was lost'))
    } catch (err) {
      return failed(err)
    } finally {
      this.#taking--
    }
  }

  /** One archive, from its first byte until the engine has it. Gives its size; `nobody` has one, or it was `lost` on the way. */
  async #takeOne(fn: FunctionRecord, useless: Set<PeerId>, signal: AbortSignal): Promise<number | 'nobody' | 'lost'> {
    const { runtime } = this.#components
    using held = await this.#archives.receive(fn.digest)
    const { archive } = held
    const senders = new Set<PeerId>()
    const filling = this.#fill(fn, archive, { useless, senders, signal })
      .then(async () => archive.finish())
      .catch((err: unknown) => archive.fail(toCaresError(err)))
    // The engine is not asked to load anything before there is something to load.
    await archive.beyond(0, { signal })
    if (archive.failure !== undefined && archive.failure.code !== 'image_not_found') throw archive.failure
    if (archive.bytes === 0) return 'nobody'
    try {
      await runtime.importImage(fn, archive.read(0, { signal }), { signal })
    } catch (err) {
      archive.fail(toCaresError(err))
      await filling
      signal.throwIfAborted()
      if (!archive.isComplete) return 'lost'
      // All of it came, and it is not what was asked for.
      for (const sender of senders) useless.add(sender)
      throw err
    }
    await filling
    return archive.bytes
  }

  /** Fills the archive, from one peer after the other if need be. Throws `image_not_found` when nobody is left to ask. */
  async #fill(
    fn: FunctionRecord,
    archive: Archive,
    { useless, senders, signal }: { useless: Set<PeerId>; senders: Set<PeerId>; signal: AbortSignal }
  ): Promise<void> {
    const { transport, clock, log } = this.#components
    let direct = false
    while (true) {
      const asked = new Set<PeerId>([transport.self, ...useless])
      const queue = [...(await this.#sources(fn.digest, signal))]
      let isAnyBusy = false
      for (let peer = queue.shift(); peer !== undefined; peer = queue.shift()) {
        if (asked.has(peer)) continue
        asked.add(peer)
        const bytesBefore = archive.bytes
        try {
          using _ = this.#tellProgress(fn, peer, archive)
          const taken = await takeImage({ peer, digest: fn.digest, archive, direct }, { transport, clock, signal })
          if (taken.type === 'all') return void senders.add(peer)
          isAnyBusy = true
          queue.unshift(...taken.peers)
        } catch (err) {
          signal.throwIfAborted()
          if (archive.failure !== undefined) throw archive.failure
          const { code, message, details } = toCaresError(err)
          log.debug({ function: fn.name, from: peer, code, message }, 'image not brought by this peer')
          if (details['disk'] !== undefined) throw err
          if (code === 'busy') isAnyBusy = true
          else useless.add(peer)
        }
        if (archive.bytes > bytesBefore) {
          senders.add(peer)
          direct = true
        }
      }
      if (!isAnyBusy) throw new CaresError('image_not_found', `no peer has the image of ${fn.name}`)
      direct = true
      await clock.sleep(BUSY_PAUSE_MS, { signal })
    }
  }

  /**
   * Peers that say they have it, in random order, so that not everybody asks the same one; those that the directory knows; then some that do
   * not say so: the one through which the function was uploaded a moment ago may not have had the time.
   */
  async #sources(digest: Digest, signal: AbortSignal): Promise<readonly PeerId[]> {
    const { views, transport, random, directory, clock } = this.#components
    const others = views()
      .filter(({ profile, state }) => state !== 'gone' && profile.id !== transport.self && profile.runtime !== 'none')
      .map(({ profile, stats }) => ({ id: profile.id, says: stats.images.includes(digest), draw: random() }))
      .sort((a, b) => a.draw - b.draw)
    const saying = others.filter(({ says }) => says).map(({ id }) => id)
    const silent = others.filter(({ says }) => !says).map(({ id }) => id)
    if (saying.length > 0 || directory === undefined) return [...saying, ...silent.slice(0, SILENT_ASKED_MAX)]
    const known = await directory.providers(digest, { signal: AbortSignal.any([signal, clock.timeout(DIRECTORY_TIMEOUT_MS)]) })
    const first = known.filter(peer => silent.includes(peer))
    return [...new Set([...first, ...silent.slice(0, SILENT_ASKED_MAX)])]
  }

  #tellProgress(fn: FunctionRecord, from: PeerId, archive: Archive): Disposable {
    const { clock, events } = this.#components
    let toldBytes = archive.bytes
    return clock.every(PROGRESS_MS, () => {
      const { bytes } = archive
      if (bytes === toldBytes) return
      toldBytes = bytes
      events.emit('image:progressed', { function: fn.name, from, bytes, imageBytes: fn.imageBytes })
    })
  }
}

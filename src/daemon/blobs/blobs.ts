import { CaresError, toCaresError } from '../../model/errors.ts'
import type { BlobDown, BlobUp } from '../../model/blob-transfer.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { BlobStore, StoredBlob } from '../../model/ports/blob-store.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { toRemoteError } from '../../model/remote-error.ts'
import type { BlobRef } from '../../model/task.ts'
import { TASK_LIMITS } from '../../model/task-request.ts'
import { formatBytes } from '../../model/units.ts'
import { untilAborted } from '../../model/until-aborted.ts'
import { askBlob } from './ask-blob.ts'
import { fetchBlob } from './fetch-blob.ts'

/** Sent in one message. */
const PIECE_BYTES = 262_144
/** How often copies that nobody needs are dropped, and those that this peer should have are fetched. */
const TIDY_MS = 60_000
/** What no task refers to is kept so long after its last use: between being held and being submitted, or reported, it is in no task yet. */
const UNUSED_KEPT_MS = 600_000
/** A result is offered again so often, for so long: voters that are restarted are back by then. */
const AGAIN_MS = 1_000
const PATIENCE_MS = 60_000
/** Peers beside the holders that are asked for a blob: one that stood in for a voter, or fetched it for an attempt, may have it. */
const OTHERS_ASKED_MAX = 8

export interface BlobsComponents {
  readonly store: BlobStore
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  /** A majority of them holds every blob. */
  readonly voters: () => readonly PeerId[]
  /** Peers that are alive, this one included. */
  readonly peers: () => readonly PeerId[]
  /** What tasks refer to. Null when this peer cannot know now. */
  readonly referred: () => Promise<readonly BlobRef[] | null>
}

/** Large inputs and results of tasks: kept by several peers, brought to where they are needed, dropped when no task refers to them. */
export class Blobs implements Startable {
  readonly #components: BlobsComponents
  readonly #coming = new Map<Digest, Promise<void>>()
  readonly #stopping = new AbortController()
  #timer: Disposable | undefined

  constructor(components: BlobsComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { store, clock } = this.#components
    await store.start()
    this.#timer = clock.every(TIDY_MS, async () => this.tidy())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#stopping.abort(new CaresError('stopping', 'this peer is stopping', { retryable: true }))
    await Promise.allSettled(this.#coming.values())
    await this.#components.store.stop()
  }

  /**
   * Keeps bytes on a majority of the voters; others stand in for those that cannot. Throws `too_large`, `limit_reached` when peers have no room,
   * `no_quorum` when too few can be reached. `patient`: for bytes that took long to make, only after it was tried for a minute.
   */
  async keep(bytes: AsyncIterable<Uint8Array>, { patient = false, signal }: { patient?: boolean; signal: AbortSignal }): Promise<BlobRef> {
    const { store, clock } = this.#components
    const draft = await store.create()
    let kept: StoredBlob
    try {
      let length = 0
      for await (const chunk of bytes) {
        length += chunk.length
        if (length > TASK_LIMITS.payloadBytesMax) throw tooLarge()
        await draft.append(chunk)
      }
      signal.throwIfAborted()
      kept = await draft.keep()
    } catch (err) {
      await draft.discard()
      throw err
    }
    const giveUpMs = clock.nowMs() + (patient ? PATIENCE_MS : 0)
    for (;;) {
      try {
        return await this.#spread(kept, { signal })
      } catch (err) {
        if (!toCaresError(err).retryable || signal.aborted || clock.nowMs() >= giveUpMs) throw err
        await clock.sleep(AGAIN_MS, { signal })
      }
    }
  }

  /**
   * Makes sure that a blob that was kept before, through whatever peer, is still kept as `keep` promises, and will be for a while. Throws
   * `not_found`, and as `keep`.
   */
  async confirm(digest: Digest, { signal }: { signal: AbortSignal }): Promise<BlobRef> {
    const bytes = this.#components.store.find(digest)?.bytes ?? (await this.#bytesElsewhere(digest, { signal }))
    await this.#bring({ digest, bytes, holders: [] }, { signal })
    return this.#spread({ digest, bytes }, { signal })
  }

  /** The bytes of a blob, once all of them are here. Throws `not_found` when nobody has them, `peer_unreachable` when whoever may cannot be asked. */
  async open(ref: BlobRef, { signal }: { signal: AbortSignal }): Promise<AsyncGenerator<Uint8Array, void>> {
    await this.#bring(ref, { signal })
    return this.#pieces(ref, 0, ref.bytes)
  }

  /** Serves `/cares/blob`. */
  async serve(channel: Channel<BlobDown, BlobUp>): Promise<void> {
    try {
      for (let asked = await channel.receive(); asked !== undefined; asked = await channel.receive()) {
        if (asked.type === 'read') await this.#answerRead(channel, asked)
        else {
          if (asked.type === 'hold') await this.#take(channel, asked)
          const found = this.#components.store.find(asked.digest)
          if (found === undefined) throw new CaresError('not_found', 'this peer has not that blob')
          await channel.send({ type: 'held', bytes: found.bytes })
        }
      }
    } catch (err) {
      if (channel.signal.aborted) return
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: false }) })
    }
  }

  /** Drops what is not needed any more, and fetches what this peer, as a voter, should have. Never rejects. */
  async tidy(): Promise<void> {
    const { store, transport, clock, log, voters, referred } = this.#components
    try {
      const refs = await referred()
      if (refs === null) return
      const needed = new Set(refs.map(({ digest }) => digest))
      const oldMs = clock.nowMs() - UNUSED_KEPT_MS
      for (const { digest, usedAtMs } of store.list()) if (!needed.has(digest) && usedAtMs < oldMs) await store.remove(digest)
      if (!voters().includes(transport.self)) return
      const here = new Set(store.list().map(({ digest }) => digest))
      for (const ref of refs) if (!here.has(ref.digest)) await this.#bring(ref, { signal: this.#stopping.signal })
    } catch (err) {
      if (!this.#stopping.signal.aborted) log.info({ err }, 'inputs and results of tasks are looked after later')
    }
  }

  async #answerRead(channel: Channel<BlobDown, BlobUp>, { digest, offset, bytes }: Extract<BlobUp, { type: 'read' }>): Promise<void> {
    const found = this.#components.store.find(digest)
    if (found === undefined || offset + bytes > found.bytes) throw new CaresError('not_found', 'this peer has not these bytes of that blob')
    for await (const chunk of this.#pieces(found, offset, bytes)) await channel.send({ type: 'piece', chunk })
  }

  async #take({ remote, signal }: Channel<BlobDown, BlobUp>, { digest, bytes }: Extract<BlobUp, { type: 'hold' }>): Promise<void> {
    if (bytes > TASK_LIMITS.payloadBytesMax) throw tooLarge()
    await this.#bring({ digest, bytes, holders: [remote] }, { others: false, signal })
  }

  /** How large a blob is that is not here. */
  async #bytesElsewhere(digest: Digest, { signal }: { signal: AbortSignal }): Promise<number> {
    const { transport, clock } = this.#components
    for (const peer of this.#sources({ holders: [] })) {
      try {
        const bytes = await askBlob(peer, { type: 'find', digest }, { transport, clock, signal })
        if (bytes <= TASK_LIMITS.payloadBytesMax) return bytes
      } catch (err) {
        signal.throwIfAborted()
        this.#components.log.debug({ peer, code: toCaresError(err).code }, 'not found there')
      }
    }
    throw new CaresError('not_found', `nobody has an input ${digest}`, { hint: 'upload it first: POST /v1/payloads' })
  }

  async *#pieces({ digest }: Pick<BlobRef, 'digest'>, offset: number, bytes: number): AsyncGenerator<Uint8Array, void> {
    for (let at = offset; at < offset + bytes; ) {
      const chunk = await this.#components.store.read(digest, at, Math.min(PIECE_BYTES, offset + bytes - at))
      if (chunk.length === 0) throw new CaresError('internal', 'a blob is shorter than it was')
      at += chunk.length
      yield chunk
    }
  }

  /** Brings a blob here. Whoever needs the same one waits for the same transfer. */
  async #bring(ref: BlobRef, { others = true, signal }: { others?: boolean; signal: AbortSignal }): Promise<void> {
    if (this.#components.store.find(ref.digest) !== undefined) return
    const coming =
      this.#coming.get(ref.digest) ??
      this.#bringOnce(ref, others ? this.#sources(ref) : ref.holders).finally(() => this.#coming.delete(ref.digest))
    this.#coming.set(ref.digest, coming)
    await untilAborted(coming, signal)
  }

  async #bringOnce(ref: BlobRef, sources: readonly PeerId[]): Promise<void> {
    const { store, transport, clock, log } = this.#components
    let unasked: CaresError | undefined
    for (const peer of sources) {
      const draft = await store.create()
      try {
        await fetchBlob({ peer, ...ref }, draft, { transport, clock, signal: this.#stopping.signal })
        const kept = await draft.keep()
        if (kept.digest === ref.digest) return
        await store.remove(kept.digest)
        log.warn({ peer, digest: ref.digest }, 'a peer sent other bytes than it was asked for')
      } catch (err) {
        await draft.discard()
        const error = toCaresError(err)
        // Of this peer itself: no other source would help.
        if (this.#stopping.signal.aborted || error.code === 'limit_reached' || error.details['disk'] !== undefined) throw error
        if (error.code !== 'not_found') unasked = error
      }
    }
    if (unasked === undefined) throw new CaresError('not_found', `nobody has the bytes ${ref.digest} any more`)
    throw new CaresError('peer_unreachable', `nobody who could be asked has the bytes ${ref.digest}: ${unasked.message}`, {
      retryable: true
    })
  }

  /** Those that were given a copy, then the voters, then some others. */
  #sources({ holders }: Pick<BlobRef, 'holders'>): readonly PeerId[] {
    const { transport, voters, peers } = this.#components
    const first = new Set([...holders, ...voters()])
    const others = peers().filter(peer => !first.has(peer))
    return [...first, ...others.slice(0, OTHERS_ASKED_MAX)].filter(peer => peer !== transport.self)
  }

  /** Has a majority of the voters hold what is here. */
  async #spread({ digest, bytes }: Pick<BlobRef, 'digest' | 'bytes'>, { signal }: { signal: AbortSignal }): Promise<BlobRef> {
    const { transport, clock, voters, peers } = this.#components
    const { self } = transport
    const voting = voters()
    const needed = Math.floor(voting.length / 2) + 1
    // Who has it already comes first, where it counts; others only stand in.
    const queue = [...new Set([...voting.filter(peer => peer === self), ...voting, self, ...peers()])]
    const holders: PeerId[] = []
    const failures: CaresError[] = []
    const oneMore = async (): Promise<void> => {
      for (let peer = queue.shift(); peer !== undefined; peer = queue.shift()) {
        try {
          if (peer !== self) await askBlob(peer, { type: 'hold', digest, bytes }, { transport, clock, signal })
          holders.push(peer)
          return
        } catch (err) {
          signal.throwIfAborted()
          failures.push(toCaresError(err))
        }
      }
    }
    await Promise.all(Array.from({ length: needed }, oneMore))
    if (holders.length >= needed) return { digest, bytes, holders }
    const full = failures.find(({ code }) => code === 'limit_reached')
    if (full !== undefined) throw full
    const why = failures.map(({ message }) => message).join('; ')
    throw new CaresError('no_quorum', `only ${holders.length} of ${needed} peers could take a copy of ${formatBytes(bytes)}: ${why}`, {
      retryable: true
    })
  }
}

function tooLarge(): CaresError {
  return new CaresError('too_large', `the input and the output of a task have at most ${formatBytes(TASK_LIMITS.payloadBytesMax)} each`, {
    hint: 'keep what is larger in a store of its own, and give the task its address'
  })
}

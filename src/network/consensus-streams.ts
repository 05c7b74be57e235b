import type { Connection, Stream } from '@libp2p/interface'
import { decode, encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import { type ConsensusFrame, consensusCodec } from '../wire/consensus-codec.ts'
import { CONSENSUS_BYTES_MAX } from '../wire/limits.ts'
import type { BytePipe } from './lane-stream.ts'
import type { Hearing } from './hearing.ts'
import type { Listeners } from './listeners.ts'
import { encodeOrLog, speaksForItself } from './outgoing.ts'

/** Messages that wait for one peer. A leader sends a few per heartbeat; older ones are of no use to Raft, which asks again. */
const QUEUE_MESSAGES_MAX = 256
/** Bytes that wait for one peer: a chunk of a snapshot, and a few full appends. */
const QUEUE_BYTES_MAX = 3 * CONSENSUS_BYTES_MAX
/** Between two tries to open a stream on a connection that is there. */
const REOPEN_WAIT_MS = 500
/** Written at once, so that a snapshot does not fill the stream's own buffer. */
const WRITE_BYTES_MAX = 262_144

export interface ConsensusStreamsComponents {
  readonly self: PeerId
  readonly listeners: Listeners
  readonly hearing: Hearing
  readonly clock: Clock
  readonly log: Logger
  /** Whether there is a connection now. */
  readonly isConnected: (peer: PeerId) => boolean
  /** Opens a stream on an existing connection. */
  readonly openStream: (peer: PeerId) => Promise<BytePipe>
  /** There is no connection to this peer, and there should be one. */
  readonly missed: (peer: PeerId) => void
}

/**
 * Consensus messages and reports, each way on a stream of its own that carries nothing else: bulk cannot hold them up. Best effort and in
 * order: what finds no connection is dropped, and over the bound the oldest goes.
 */
export class ConsensusStreams {
  readonly #components: ConsensusStreamsComponents
  readonly #outboxes = new Map<PeerId, Outbox>()
  readonly #inbound = new Map<PeerId, Stream>()

  constructor(components: ConsensusStreamsComponents) {
    this.#components = components
  }

  send(to: PeerId, frame: ConsensusFrame): void {
    const { self, log, isConnected, missed, openStream } = this.#components
    const bytes = encodeOrLog(consensusCodec, frame, log)
    if (bytes === undefined) return
    if (to === self) {
      setImmediate(() => this.#deliver(self, consensusCodec.decode(bytes)))
      return
    }
    if (!isConnected(to)) {
      missed(to)
      return
    }
    const outbox = this.#outboxes.get(to) ?? new Outbox(() => openStream(to), this.#components)
    this.#outboxes.set(to, outbox)
    outbox.push(encode.single(bytes, { maxDataLength: CONSENSUS_BYTES_MAX }))
  }

  /** Forgets what waits for a peer whose last connection has closed. */
  drop(peer: PeerId): void {
    this.#outboxes.get(peer)?.close()
    this.#outboxes.delete(peer)
  }

  /** Reads one inbound stream to its end. A newer one of the same peer replaces the older. */
  async read(stream: Stream, connection: Connection): Promise<void> {
    const from = connection.remotePeer.toString() as PeerId
    this.#inbound.get(from)?.abort(new Error('replaced by a newer stream'))
    this.#inbound.set(from, stream)
    try {
      await pipe(
        stream,
        source => decode(source, { maxDataLength: CONSENSUS_BYTES_MAX }),
        async source => {
          for await (const bytes of source) this.#deliver(from, consensusCodec.decode(bytes.subarray()))
        }
      )
      await stream.close()
    } catch (err) {
      this.#components.log.debug({ err, peer: from }, 'consensus stream ended')
      stream.abort(err instanceof Error ? err : new Error(String(err)))
    } finally {
      if (this.#inbound.get(from) === stream) this.#inbound.delete(from)
    }
  }

  stop(): void {
    for (const peer of this.#outboxes.keys()) this.drop(peer)
  }

  #deliver(from: PeerId, frame: ConsensusFrame): void {
    const { self, listeners, hearing, log } = this.#components
    if (from !== self) hearing.note(from)
    if (frame.type === 'consensus') listeners.emit('consensus', from, frame.message)
    else if (speaksForItself(frame.heartbeat, from)) listeners.emit('heartbeat', from, frame.heartbeat, 'report')
    else log.warn({ peer: from }, 'report of another peer refused')
  }
}

/** What waits for one peer, and the stream that it goes out on. */
class Outbox {
  readonly #open: () => Promise<BytePipe>
  readonly #clock: Clock
  readonly #log: Logger
  /** A stream that could not be opened is not tried again before this. */
  #reopenMs = 0
  readonly #queue: Uint8ArrayList[] = []
  #queuedBytes = 0
  #stream: BytePipe | undefined
  #opening = false
  #full = false
  #scheduled = false
  #closed = false

  constructor(open: () => Promise<BytePipe>, { clock, log }: { clock: Clock; log: Logger }) {
    this.#open = open
    this.#clock = clock
    this.#log = log
  }

  push(bytes: Uint8ArrayList): void {
    if (this.#stream !== undefined && this.#stream.status !== 'open') {
      this.#stream = undefined
      this.#full = false
    }
    if (this.#stream === undefined && this.#clock.nowMs() < this.#reopenMs) return
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.byteLength
    while (this.#queue.length > QUEUE_MESSAGES_MAX || (this.#queuedBytes > QUEUE_BYTES_MAX && this.#queue.length > 1)) this.#shift()
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#clear()
    this.#stream?.abort(new Error('closed'))
    this.#stream = undefined
  }

  #wake(): void {
    if (this.#scheduled || this.#full || this.#closed) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#closed) return
    if (this.#stream?.status !== 'open') {
      void this.#reopen()
      return
    }
    try {
      while (!this.#full && this.#queue.length > 0) {
        const write = new Uint8ArrayList()
        while (this.#queue.length > 0 && write.byteLength < WRITE_BYTES_MAX) write.append(this.#shift() ?? new Uint8Array())
        this.#full = !this.#stream.send(write)
      }
    } catch (err) {
      this.#log.debug({ err }, 'consensus stream lost')
      this.#stream = undefined
    }
  }

  async #reopen(): Promise<void> {
    if (this.#opening || this.#queue.length === 0) return
    this.#opening = true
    try {
      const stream = await this.#open()
      this.#full = false
      stream.addEventListener('drain', () => {
        if (this.#stream !== stream) return
        this.#full = false
        this.#wake()
      })
      if (this.#closed) stream.abort(new Error('closed'))
      else this.#stream = stream
    } catch (err) {
      this.#log.debug({ err }, 'consensus stream not opened')
      // What waited is stale by now. A later message tries again.
      this.#reopenMs = this.#clock.nowMs() + REOPEN_WAIT_MS
      this.#clear()
    } finally {
      this.#opening = false
    }
    if (this.#queue.length > 0) this.#wake()
  }

  #shift(): Uint8ArrayList | undefined {
    const bytes = this.#queue.shift()
    this.#queuedBytes -= bytes?.byteLength ?? 0
    return bytes
  }

  #clear(): void {
    this.#queue.length = 0
    this.#queuedBytes = 0
  }
}

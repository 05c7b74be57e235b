import type { Connection, Stream } from '@libp2p/interface'
import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ProtocolName } from '../model/ports/transport.ts'
import type { Exchange } from './exchange.ts'
import type { Handlers } from './handlers.ts'
import { createLanePair, type LanePair } from './lane-pair.ts'
import { type BytePipe, type LaneStream, runLane } from './lane-stream.ts'
import { abortedWait, until } from './wait.ts'

/** Lanes of one protocol that one remote may have dialled: one in use, and one that it has given up but we have not heard so yet. */
const INBOUND_LANES_MAX = 2

export interface LanesComponents {
  readonly self: PeerId
  readonly handlers: Handlers
  readonly log: Logger
  /** Opens a stream to a peer, dialling it first if there is no connection. Throws CaresError. Bounded in time by itself. */
  readonly openStream: (protocol: ProtocolName, peer: PeerId) => Promise<BytePipe>
}

/** All lanes of a peer: one for each protocol, remote and direction, dialled by the side that opens exchanges, when it opens the first. */
export class Lanes {
  readonly #components: LanesComponents
  readonly #outbound = new Map<string, Promise<LaneStream>>()
  readonly #inbound = new Map<string, LaneStream[]>()
  readonly #own = new Map<ProtocolName, LanePair>()
  #stopped: CaresError | undefined

  constructor(components: LanesComponents) {
    this.#components = components
  }

  start(): void {
    this.#stopped = undefined
  }

  /** Opens an exchange, on a new lane if there is none. */
  async open(protocol: ProtocolName, peer: PeerId, { signal }: { signal: AbortSignal }): Promise<Exchange> {
    if (this.#stopped !== undefined) throw this.#stopped
    if (signal.aborted) throw abortedWait(signal, peer)
    if (peer === this.#components.self) return this.#ownLane(protocol).open()
    try {
      const lane = await until(this.#lane(protocol, peer), signal)
      return lane.mux.open()
    } catch (error) {
      throw signal.aborted ? abortedWait(signal, peer) : error
    }
  }

  /** Serves a lane that a remote has dialled. */
  accept(protocol: ProtocolName, stream: Stream, connection: Connection): void {
    const remote = connection.remotePeer.toString() as PeerId
    const key = `${protocol} ${remote}`
    const lane = runLane(stream, { accept: exchange => this.#components.handlers.serve(protocol, exchange, remote) })
    const lanes = [...(this.#inbound.get(key) ?? []), lane]
    while (lanes.length > INBOUND_LANES_MAX) lanes.shift()?.close(new CaresError('peer_lost', 'the remote has dialled newer lanes'))
    this.#inbound.set(key, lanes)
    void lane.ended.then(() => {
      const left = (this.#inbound.get(key) ?? []).filter(other => other !== lane)
      if (left.length > 0) this.#inbound.set(key, left)
      else this.#inbound.delete(key)
      this.#report(protocol, remote, lane)
    })
  }

  /** Ends every exchange. Resolves when no lane is left. */
  async stop(reason: CaresError): Promise<void> {
    this.#stopped = reason
    for (const lane of this.#own.values()) lane.cut()
    this.#own.clear()
    const outbound = await Promise.allSettled(this.#outbound.values())
    const lanes = [
      ...outbound.flatMap(result => (result.status === 'fulfilled' ? [result.value] : [])),
      ...[...this.#inbound.values()].flat()
    ]
    for (const lane of lanes) lane.close(reason)
    await Promise.all(lanes.map(lane => lane.ended))
  }

  async #lane(protocol: ProtocolName, peer: PeerId): Promise<LaneStream> {
    const key = `${protocol} ${peer}`
    const existing = this.#outbound.get(key)
    if (existing !== undefined) return existing
    const dialled = this.#dial(protocol, peer, key)
    this.#outbound.set(key, dialled)
    return dialled
  }

  async #dial(protocol: ProtocolName, peer: PeerId, key: string): Promise<LaneStream> {
    try {
      const lane = runLane(await this.#components.openStream(protocol, peer))
      void lane.ended.then(() => {
        this.#outbound.delete(key)
        this.#report(protocol, peer, lane)
      })
      return lane
    } catch (error) {
      this.#outbound.delete(key)
      throw error
    }
  }

  #ownLane(protocol: ProtocolName): LanePair {
    const existing = this.#own.get(protocol)
    if (existing !== undefined) return existing
    const { self, handlers } = this.#components
    const lane = createLanePair(exchange => handlers.serve(protocol, exchange, self), { forth: setImmediate, back: setImmediate })
    this.#own.set(protocol, lane)
    return lane
  }

  #report(protocol: ProtocolName, peer: PeerId, lane: LaneStream): void {
    const fields = { protocol, peer, err: lane.mux.lost }
    if (lane.mux.lost?.code === 'protocol') this.#components.log.warn(fields, 'lane broken')
    else this.#components.log.debug(fields, 'lane ended')
  }
}

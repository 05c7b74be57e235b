import type { Connection, Stream } from '@libp2p/interface'
import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Channel, ProtocolName, Protocols } from '../model/ports/transport.ts'
import { diallerChannel } from './channel.ts'
import type { Handlers } from './handlers.ts'
import { LocalExchanges } from './local-exchanges.ts'
import { type BytePipe, type LaneStream, runLane } from './lane-stream.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { abortedWait } from './wait.ts'

/** Lanes of one protocol that one remote may have dialled: one in use, and one that it has given up but we have not heard so yet. */
const INBOUND_LANES_MAX = 2

export interface LanesComponents {
  readonly self: PeerId
  readonly handlers: Handlers
  readonly log: Logger
  readonly clock: Clock
  /** Opens a stream to a peer, dialling it first if there is no connection. Throws CaresError. Bounded in time by itself. */
  readonly openStream: (protocol: ProtocolName, peer: PeerId) => Promise<BytePipe>
}

/** All lanes of a peer: one for each protocol, remote and direction, dialled by the side that opens exchanges, when it opens the first. */
export class Lanes {
  readonly #components: LanesComponents
  /** Dialled, or being dialled. */
  readonly #outbound = new Map<string, Promise<LaneStream>>()
  /** Those of them that stand: a call on one of these waits for nothing. */
  readonly #standing = new Map<string, LaneStream>()
  readonly #inbound = new Map<string, LaneStream[]>()
  readonly #local: LocalExchanges
  #stopped: CaresError | undefined

  constructor(components: LanesComponents) {
    this.#components = components
    this.#local = new LocalExchanges(components)
  }

  start(): void {
    this.#stopped = undefined
  }

  /** Opens an exchange, on a new lane if there is none. */
  async open<Name extends ProtocolName>(
    protocol: Name,
    peer: PeerId,
    { signal }: { signal: AbortSignal }
  ): Promise<Channel<Protocols[Name]['up'], Protocols[Name]['down']>> {
    if (this.#stopped !== undefined) throw this.#stopped
    if (signal.aborted) throw abortedWait(signal, peer)
    if (peer === this.#components.self) return this.#local.open(protocol)
    const standing = this.#standing.get(laneKey(protocol, peer))
    if (standing !== undefined) return diallerChannel(protocol, standing.mux.open(), peer)
    try {
      const lane = await untilAborted(this.#lane(protocol, peer), signal)
      return diallerChannel(protocol, lane.mux.open(), peer)
    } catch (error) {
      throw signal.aborted ? abortedWait(signal, peer) : error
    }
  }

  /** Serves a lane that a remote has dialled. */
  accept(protocol: ProtocolName, stream: Stream, connection: Connection): void {
    const remote = connection.remotePeer.toString() as PeerId
    const key = laneKey(protocol, remote)
    const lane = runLane(stream, {
      clock: this.#components.clock,
      accept: exchange => this.#components.handlers.serve(protocol, exchange, remote)
    })
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
    this.#local.cut()
    const outbound = await Promise.allSettled(this.#outbound.values())
    const lanes = [
      ...outbound.flatMap(result => (result.status === 'fulfilled' ? [result.value] : [])),
      ...[...this.#inbound.values()].flat()
    ]
    for (const lane of lanes) lane.close(reason)
    await Promise.all(lanes.map(lane => lane.ended))
  }

  async #lane(protocol: ProtocolName, peer: PeerId): Promise<LaneStream> {
    const key = laneKey(protocol, peer)
    const existing = this.#outbound.get(key)
    if (existing !== undefined) return existing
    const dialled = this.#dial(protocol, peer, key)
    this.#outbound.set(key, dialled)
    return dialled
  }

  async #dial(protocol: ProtocolName, peer: PeerId, key: string): Promise<LaneStream> {
    try {
      const lane = runLane(await this.#components.openStream(protocol, peer), this.#components)
      this.#standing.set(key, lane)
      void lane.ended.then(() => {
        this.#outbound.delete(key)
        this.#standing.delete(key)
        this.#report(protocol, peer, lane)
      })
      return lane
    } catch (error) {
      this.#outbound.delete(key)
      throw error
    }
  }

  #report(protocol: ProtocolName, peer: PeerId, lane: LaneStream): void {
    const fields = { protocol, peer, err: lane.mux.lost }
    if (lane.mux.lost?.code === 'protocol') this.#components.log.warn(fields, 'lane broken')
    else this.#components.log.debug(fields, 'lane ended')
  }
}

function laneKey(protocol: ProtocolName, peer: PeerId): string {
  return `${protocol} ${peer}`
}

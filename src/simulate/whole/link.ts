import type { PeerId } from '../../model/ids.ts'
import type { ProtocolName } from '../../model/ports/transport.ts'
import type { Exchange } from '../../network/exchange.ts'
import { Lane } from './lane.ts'
import type { Process } from './process.ts'
import type { Pipe } from './wires.ts'

/** One end of a connection. */
export interface End {
  readonly peer: PeerId
  readonly process: Process
  /** An exchange that the other end opens. */
  accept(protocol: ProtocolName, exchange: Exchange, from: PeerId): void
  onDisconnected(peer: PeerId): void
}

/** The connection of two peers: a pipe each way, and a lane for each protocol and dialling side. */
export class Link {
  readonly ends: readonly [End, End]
  /** Since when nothing comes through in at least one direction; undefined while all is well. */
  stuckSinceMs: number | undefined
  readonly #pipes: ReadonlyMap<PeerId, Pipe>
  readonly #lanes = new Map<string, { readonly lane: Lane; readonly dialler: PeerId }>()

  /** `pipes`: by the peer that sends into it. */
  constructor(ends: readonly [End, End], pipes: ReadonlyMap<PeerId, Pipe>) {
    this.ends = ends
    this.#pipes = pipes
  }

  has(peer: PeerId): boolean {
    return this.ends.some(end => end.peer === peer)
  }

  other(peer: PeerId): End {
    const [a, b] = this.ends
    return a.peer === peer ? b : a
  }

  pipe(from: PeerId): Pipe {
    const pipe = this.#pipes.get(from)
    if (pipe === undefined) throw new Error(`${from} has no end here`)
    return pipe
  }

  /** A new exchange that `from` opens. */
  open(protocol: ProtocolName, from: PeerId): Exchange {
    const key = `${protocol} ${from}`
    const existing = this.#lanes.get(key)
    if (existing !== undefined) return existing.lane.open()
    const to = this.other(from)
    const lane = new Lane(exchange => to.accept(protocol, exchange, from), {
      forth: task => this.pipe(from).carry(task),
      back: task => this.pipe(to.peer).carry(task)
    })
    this.#lanes.set(key, { lane, dialler: from })
    return lane.open()
  }

  /** One end learns that the connection is gone: nothing more comes in there. */
  loseEnd(end: End): void {
    this.pipe(this.other(end.peer).peer).close()
    end.process.enter(() => {
      for (const { lane, dialler } of this.#lanes.values()) lane.lose(dialler === end.peer ? 'dialler' : 'acceptor')
      end.onDisconnected(this.other(end.peer).peer)
    })
  }

  /** Nothing comes through any more. */
  close(): void {
    for (const pipe of this.#pipes.values()) pipe.close()
  }

  resume(): void {
    for (const pipe of this.#pipes.values()) pipe.resume()
  }
}

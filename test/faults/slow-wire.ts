import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

/** What becomes of the bytes of all connections through a wire. They stay in order, as TCP's do. */
export interface WireQuality {
  /** Each piece is late by U[0, this). */
  readonly delayMs?: number
  /** Bytes that pass in a second, each way of each connection. */
  readonly bytesPerS?: number
  /** Chance that a piece, and with it all that follows, waits for {@link WireQuality.stallMs}: what a lost segment looks like from above. */
  readonly stallRatio?: number
  readonly stallMs?: number
}

/** Bytes that wait in one direction of one connection before its sender is told to wait. */
const WAITING_BYTES_MAX = 262_144

/** A port in front of another one of this machine, which delays, throttles and stalls what passes, and breaks connections. */
export class SlowWire {
  quality: WireQuality = {}
  /** Pieces that were late, so that a test can see that it has tested something. */
  lateCount = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.#server = createServer(inside => {
      const outside = createConnection({ host: '127.0.0.1', port: target })
      this.#pipe(inside, outside)
      this.#pipe(outside, inside)
    })
  }

  /** Begins to pass on to a port that need not be open yet. */
  static async to(target: number): Promise<SlowWire> {
    const wire = new SlowWire(target)
    wire.#server.listen(0, '127.0.0.1')
    await once(wire.#server, 'listening')
    return wire
  }

  get port(): number {
    return portOf(this.#server)
  }

  /** Breaks every connection; new ones can be made. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.reset()
    await closed
  }

  #pipe(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    let [waitingBytes, lastAtMs] = [0, 0]
    // Two timers for the same moment may fire in either order, and bytes in another order are no bytes of the stream: whichever fires, the oldest piece goes.
    const waiting: Buffer[] = []
    from.on('data', piece => {
      const nowMs = performance.now()
      const { delayMs = 0, bytesPerS = Number.POSITIVE_INFINITY, stallRatio = 0, stallMs = 0 } = this.quality
      const lateMs = Math.random() * delayMs + (Math.random() < stallRatio ? stallMs : 0)
      lastAtMs = Math.max(nowMs + lateMs, lastAtMs) + (piece.length / bytesPerS) * 1_000
      if (lastAtMs > nowMs) this.lateCount += 1
      waiting.push(piece)
      waitingBytes += piece.length
      if (waitingBytes > WAITING_BYTES_MAX) from.pause()
      setTimeout(() => {
        const oldest = waiting.shift() ?? Buffer.alloc(0)
        waitingBytes -= oldest.length
        if (waitingBytes <= WAITING_BYTES_MAX) from.resume()
        if (to.writable) to.write(oldest)
      }, lastAtMs - nowMs)
    })
    from.on('error', () => {}) // A connection that breaks also closes.
    from.on('close', () => {
      this.#sockets.delete(from)
      setTimeout(() => to.destroy(), Math.max(0, lastAtMs - performance.now()))
    })
  }
}

/** A port that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  return address.port
}

import { CaresError } from '../model/errors.ts'
import type { LaneFrame } from '../wire/lane-codec.ts'
import { Exchange, type Urgency } from './exchange.ts'

/** Exchanges that one lane carries at once, each with a window of memory on both sides. Above the in-flight calls of a busy gateway. */
export const EXCHANGES_MAX = 1_024

/** By how much the windows of a lane's exchanges are widened in all: 85 of them fully. */
export const WIDENED_BYTES_MAX = 67_108_864

export interface MuxInit {
  /** Called when `take` has something to give. May be called often; must not call back into the mux. */
  readonly wake: (urgency: Urgency) => void
  /** Called with each exchange that the remote opens; absent on the side that dialled the lane, which alone may open. */
  readonly accept?: ((exchange: Exchange) => void) | undefined
}

/**
 * One side of a lane: many exchanges over one ordered pipe of frames. It does no I/O. Exchanges take turns, one frame each, so that a long
 * body does not hold up a short call.
 */
export class Mux {
  readonly #init: MuxInit
  readonly #exchanges = new Map<number, Exchange>()
  /** Exchanges that may have a frame to send, in the order of their turns. */
  readonly #ready = new Set<Exchange>()
  #lastId = 0
  #widenableBytes = WIDENED_BYTES_MAX
  #lost: CaresError | undefined

  constructor(init: MuxInit) {
    this.#init = init
  }

  /** Why the lane can carry nothing more; undefined while it can. */
  get lost(): CaresError | undefined {
    return this.#lost
  }

  /** Opens an exchange. Throws `overloaded` when the lane carries all it may, or what ended the lane. */
  open(): Exchange {
    if (this.#lost !== undefined) throw this.#lost
    if (this.#exchanges.size >= EXCHANGES_MAX) {
      throw new CaresError('overloaded', `${EXCHANGES_MAX} exchanges with this peer are under way`, { retryable: true })
    }
    this.#lastId += 1
    const exchange = this.#add(this.#lastId, true)
    this.#init.wake('now')
    return exchange
  }

  /** Takes in one frame. Throws `protocol` when it breaks the rules; the lane is of no use then. */
  receive(frame: LaneFrame): void {
    if (this.#lost !== undefined) return
    if (frame.type === 'open') {
      this.#accept(frame.exchange)
      return
    }
    if (frame.exchange > this.#lastId) throw new CaresError('protocol', 'lane: a frame of an exchange that was never opened')
    // One that is not there has ended here, and the remote did not know that yet.
    const exchange = this.#exchanges.get(frame.exchange)
    if (exchange === undefined) return
    exchange.onFrame(frame)
    this.#forgetFinished(exchange)
  }

  /** The next frame to send, or undefined when there is none. */
  take(): LaneFrame | undefined {
    for (const exchange of this.#ready) {
      this.#ready.delete(exchange)
      const frame = exchange.nextFrame()
      this.#forgetFinished(exchange)
      if (frame !== undefined) {
        this.#ready.add(exchange)
        return frame
      }
    }
    return undefined
  }

  /** Ends every exchange badly: the pipe is gone. The first error counts. */
  lose(error: CaresError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    const exchanges = [...this.#exchanges.values()]
    this.#exchanges.clear()
    this.#ready.clear()
    for (const exchange of exchanges) exchange.fail(error)
  }

  #accept(id: number): void {
    const { accept } = this.#init
    if (accept === undefined) throw new CaresError('protocol', 'lane: only the side that dialled may open exchanges')
    if (id <= this.#lastId) throw new CaresError('protocol', 'lane: exchange numbers must rise')
    if (this.#exchanges.size >= EXCHANGES_MAX) throw new CaresError('protocol', `lane: more than ${EXCHANGES_MAX} exchanges`)
    this.#lastId = id
    accept(this.#add(id, false))
  }

  #add(id: number, dialled: boolean): Exchange {
    const exchange: Exchange = new Exchange(id, {
      dialled,
      widen: bytes => {
        const given = Math.min(bytes, this.#widenableBytes)
        this.#widenableBytes -= given
        return given
      },
      wake: urgency => {
        if (this.#lost !== undefined) return
        this.#ready.add(exchange)
        this.#init.wake(urgency)
      }
    })
    this.#exchanges.set(id, exchange)
    // The open goes out even if nothing is sent after it.
    if (dialled) this.#ready.add(exchange)
    return exchange
  }

  #forgetFinished(exchange: Exchange): void {
    if (exchange.finished && this.#exchanges.delete(exchange.id)) this.#widenableBytes += exchange.widenedBytes
  }
}

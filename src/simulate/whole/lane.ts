import { CaresError, toCaresError } from '../../model/errors.ts'
import type { Exchange } from '../../network/exchange.ts'
import { Mux } from '../../network/mux.ts'

/** Carries a task to the other end, later and in order. */
export type Carry = (task: () => void) => void

/** Frames that one task carries, so that a long body lets others have a turn. */
const FRAMES_PER_TASK = 64

/**
 * One lane between two peers, with the production muxes at its ends. Each end hears of the loss of the lane for itself: a frozen peer learns of
 * it when it thaws, a dead one never.
 */
export class Lane {
  readonly #dialler: Mux
  readonly #acceptor: Mux

  constructor(accept: (exchange: Exchange) => void, { forth, back }: { forth: Carry; back: Carry }) {
    this.#dialler = new Mux({ wake: () => wakeDialler() })
    this.#acceptor = new Mux({ wake: () => wakeAcceptor(), accept })
    const wakeDialler = pump(this.#dialler, this.#acceptor, forth)
    const wakeAcceptor = pump(this.#acceptor, this.#dialler, back)
  }

  open(): Exchange {
    return this.#dialler.open()
  }

  lose(end: 'dialler' | 'acceptor'): void {
    const mux = end === 'dialler' ? this.#dialler : this.#acceptor
    mux.lose(new CaresError('peer_lost', 'the connection was lost'))
  }
}

function pump(from: Mux, to: Mux, carry: Carry): () => void {
  let scheduled = false
  return function wake(): void {
    if (scheduled) return
    scheduled = true
    carry(() => {
      scheduled = false
      try {
        for (let i = 0; i < FRAMES_PER_TASK; i++) {
          const frame = from.take()
          if (frame === undefined) return
          to.receive(frame)
        }
        wake()
      } catch (error) {
        to.lose(toCaresError(error))
      }
    })
  }
}

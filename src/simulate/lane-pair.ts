import { CaresError, toCaresError } from '../model/errors.ts'
import type { Exchange } from '../network/exchange.ts'
import { Mux } from '../network/mux.ts'

/** A lane in memory: what one side takes, the other receives. Used by the simulator. */
export interface LanePair {
  open(): Exchange
  /** Cuts the lane: all its exchanges are lost on both sides. */
  cut(): void
}

/** Carries a task to one end of the pair, later and in order. */
export type Carry = (task: () => void) => void

/** Frames that one task carries, so that a long body lets others have a turn. */
const FRAMES_PER_TURN = 64

/** Joins two muxes. `forth` carries to the accepting side, `back` to the dialling one. */
export function createLanePair(accept: (exchange: Exchange) => void, { forth, back }: { forth: Carry; back: Carry }): LanePair {
  const dialler = new Mux({ wake: () => wakeDialler() })
  const acceptor = new Mux({ wake: () => wakeAcceptor(), accept })
  const wakeDialler = pump(dialler, acceptor, forth)
  const wakeAcceptor = pump(acceptor, dialler, back)

  function lose(error: CaresError): void {
    dialler.lose(error)
    acceptor.lose(error)
  }

  function pump(from: Mux, to: Mux, carry: Carry): () => void {
    let scheduled = false
    return function wake(): void {
      if (scheduled) return
      scheduled = true
      carry(() => {
        scheduled = false
        try {
          for (let i = 0; i < FRAMES_PER_TURN; i++) {
            const frame = from.take()
            if (frame === undefined) return
            to.receive(frame)
          }
          wake()
        } catch (error) {
          lose(toCaresError(error))
        }
      })
    }
  }

  return { open: () => dialler.open(), cut: () => lose(new CaresError('peer_lost', 'the connection was lost')) }
}

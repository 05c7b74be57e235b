import { CaresError, toCaresError } from '../../model/errors.ts'
import type { Exchange } from '../../network/exchange.ts'
import { Mux } from '../../network/mux.ts'
import type { LaneFrame } from '../../wire/lane-codec.ts'

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

/**
 * What is said at one moment leaves together, as one write to a socket: from then on it is on its way, whatever becomes of the end that has said it.
 */
function pump(from: Mux, to: Mux, carry: Carry): () => void {
  let scheduled = false
  return function wake(): void {
    if (scheduled) return
    scheduled = true
    queueMicrotask(() => {
      scheduled = false
      for (let frames = takeSome(from); frames.length > 0; frames = takeSome(from)) carry(deliver(frames))
    })
  }

  function deliver(frames: readonly LaneFrame[]): () => void {
    return () => {
      try {
        for (const frame of frames) to.receive(frame)
      } catch (error) {
        to.lose(toCaresError(error))
      }
    }
  }
}

function takeSome(from: Mux): readonly LaneFrame[] {
  const frames: LaneFrame[] = []
  while (frames.length < FRAMES_PER_TASK) {
    const frame = from.take()
    if (frame === undefined) break
    frames.push(frame)
  }
  return frames
}

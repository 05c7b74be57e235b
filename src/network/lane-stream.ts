import type { Stream } from '@libp2p/interface'
import { decode, encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import { LANE_FRAME_BYTES_MAX, laneCodec } from '../wire/lane-codec.ts'
import type { Exchange } from './exchange.ts'
import { Mux } from './mux.ts'

/** What a lane needs of a libp2p stream. */
export type BytePipe = Pick<Stream, 'send' | 'abort' | 'status' | 'addEventListener' | typeof Symbol.asyncIterator>

/** A lane over a stream. */
export interface LaneStream {
  readonly mux: Mux
  /** Resolves when the stream is gone and every exchange has ended. Never rejects: the reason is `mux.lost`. */
  readonly ended: Promise<void>
  /** Ends the lane from this side. */
  close(error: CaresError): void
}

/** What is not urgent waits so long for something to travel with. */
const LATER_MS = 10
/** Frames joined into one write. One write a turn costs a fifth of one a frame; larger ones delay the other streams of the connection. */
const WRITE_BYTES_MAX = 65_536

/**
 * Runs a lane over `stream`. Must be called in the turn in which the stream was opened: what ended it earlier is not told again.
 *
 * The frames of one turn go out in one write. Writing stops while the stream is full and goes on at its `drain` event (`onDrain()` works only
 * once). Reading never pauses: the windows of the exchanges bound what can be on its way.
 */
export function runLane(stream: BytePipe, { clock, accept }: { clock: Clock; accept?: (exchange: Exchange) => void }): LaneStream {
  let scheduled = false
  let full = false
  let later: Disposable | undefined
  const mux = new Mux({ wake: urgency => (urgency === 'now' ? wake() : wakeLater()), accept })
  stream.addEventListener('drain', () => {
    full = false
    wake()
  })

  function wake(): void {
    if (scheduled || full || mux.lost !== undefined) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      flush()
    })
  }

  function wakeLater(): void {
    later ??= clock.after(LATER_MS, wake)
  }

  function flush(): void {
    later?.[Symbol.dispose]()
    later = undefined
    try {
      while (!full && mux.lost === undefined) {
        const bytes = nextWrite(mux)
        if (bytes.byteLength === 0) return
        // In one piece: each piece of a list is encrypted and written on its own, which takes longer than to copy them.
        full = !stream.send(bytes.subarray())
      }
    } catch (cause) {
      close(new CaresError('peer_lost', 'the connection was lost', { cause }))
    }
  }

  function close(error: CaresError): void {
    mux.lose(error)
    stream.abort(error)
  }

  async function read(): Promise<void> {
    try {
      if (stream.status === 'open') {
        await pipe(
          stream,
          source => decode(source, { maxDataLength: LANE_FRAME_BYTES_MAX }),
          async source => {
            for await (const frame of source) mux.receive(laneCodec.decode(frame.subarray()))
          }
        )
      }
      // A remote that died ends its streams as cleanly as one that closed them: an exchange without its own end was cut short.
      close(new CaresError('peer_lost', 'the connection was lost'))
    } catch (cause) {
      const broken = cause instanceof CaresError || isFramingError(cause)
      close(
        broken
          ? new CaresError('protocol', `the lane was broken: ${cause instanceof Error ? cause.message : ''}`, { cause })
          : new CaresError('peer_lost', 'the connection was lost', { cause })
      )
    }
  }

  return { mux, ended: read(), close }
}

function nextWrite(mux: Mux): Uint8ArrayList {
  const bytes = new Uint8ArrayList()
  while (bytes.byteLength < WRITE_BYTES_MAX) {
    const frame = mux.take()
    if (frame === undefined) break
    bytes.append(encode.single(laneCodec.encode(frame)))
  }
  return bytes
}

/** Errors of it-length-prefixed about the bytes themselves; an end in the middle of a frame is a lost connection. */
function isFramingError(cause: unknown): boolean {
  return (
    cause instanceof Error && ['InvalidMessageLengthError', 'InvalidDataLengthError', 'InvalidDataLengthLengthError'].includes(cause.name)
  )
}

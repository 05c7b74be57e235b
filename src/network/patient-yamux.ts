import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'

/** What is used of a yamux stream; fields and methods of the class that its interface does not name. */
interface YamuxStream {
  /** Bytes that the remote may still send. */
  readonly recvWindowCapacity: number
  /** Bytes that it might send when all were read. */
  readonly recvWindow: number
  sendWindowUpdate(): void
  abort(error: Error): void
}

/** And of a yamux muxer. */
interface YamuxMuxer {
  _newStream(...args: unknown[]): YamuxStream
}

/**
 * yamux with two changes to each stream.
 *
 * It gives window back in halves of it. As it is, it does so after every frame that it reads, which for a call's small messages is a packet for
 * each packet. The specification leaves it open: https://github.com/hashicorp/yamux/blob/master/spec.md#flow-control
 *
 * And an update on a connection that has closed in the same moment ends the stream. As it is, the first update of a new stream goes out in a turn of
 * its own, where nobody catches what it throws: that would end the process.
 */
export function patientYamux(init: Parameters<typeof yamux>[0]): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = connection => {
      const muxer = createStreamMuxer(connection)
      patch(muxer)
      return muxer
    }
    return factory
  }
}

/** With another muxer, or another version that works otherwise, everything works, with more packets. */
function patch(muxer: object): void {
  if (!isYamux(muxer)) return
  const newStream = muxer._newStream.bind(muxer)
  muxer._newStream = (...args) => makePatient(newStream(...args))
}

/** The first update is never held back: it carries the acknowledgement of the stream itself. */
function makePatient(stream: YamuxStream): YamuxStream {
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  let isAcknowledged = false
  stream.sendWindowUpdate = () => {
    if (isAcknowledged && stream.recvWindowCapacity > stream.recvWindow / 2) return
    isAcknowledged = true
    try {
      sendWindowUpdate()
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return stream
}

function isYamux(muxer: object): muxer is YamuxMuxer {
  return '_newStream' in muxer && typeof muxer._newStream === 'function'
}

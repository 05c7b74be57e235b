/** What {@link acknowledgeRarely} needs of a yamux stream; fields of the class that its interface does not name. */
interface WindowedStream {
  /** Bytes that the remote may still send. */
  recvWindowCapacity: number
  /** Bytes that it might send when all were read. */
  recvWindow: number
  sendWindowUpdate(): void
}

/**
 * Lets a yamux stream give window back in halves of it. As it is, it does so after every frame that it reads, which for a call's small messages
 * is a packet for each packet. The specification leaves it open: https://github.com/hashicorp/yamux/blob/master/spec.md#flow-control
 *
 * A stream of another muxer is left as it is. The first update is never held back: it carries the acknowledgement of the stream itself.
 */
export function acknowledgeRarely(stream: object): void {
  if (!isWindowed(stream)) return
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  let isAcknowledged = false
  stream.sendWindowUpdate = () => {
    if (isAcknowledged && stream.recvWindowCapacity > stream.recvWindow / 2) return
    isAcknowledged = true
    sendWindowUpdate()
  }
}

function isWindowed(stream: object): stream is WindowedStream {
  const { recvWindow, recvWindowCapacity, sendWindowUpdate } = stream as Partial<WindowedStream>
  return typeof recvWindow === 'number' && typeof recvWindowCapacity === 'number' && typeof sendWindowUpdate === 'function'
}

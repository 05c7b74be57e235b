import { Socket } from 'node:net'
import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { youngSweep } from './young-sweep.ts'

/**
 * libp2p's TCP transport with its writes joined.
 *
 * Encryption and multiplexing give the socket each frame in four to eight pieces, and TCP as it is writes each with a system call of its own; yamux
 * adds an update of its window after every frame that it reads. Joined they are one packet, one system call, and one wake-up of the other side: a
 * call over two peers takes half the CPU time. What passes is counted, too: see `youngSweep`.
 */
export function corkedTcp(): (components: Parameters<ReturnType<typeof tcp>>[0]) => Transport {
  return components => {
    const transport = tcp()(components)
    const sweep = youngSweep()
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = async (address, options) => dial(address, { ...options, upgrader: corking(options.upgrader, sweep) })
    transport.createListener = options => createListener({ ...options, upgrader: corking(options.upgrader, sweep) })
    return transport
  }
}

type Sweep = ReturnType<typeof youngSweep>

/** The upgrader, for connections whose sockets join their writes. */
function corking(upgrader: Upgrader, sweep: Sweep): Upgrader {
  return {
    upgradeInbound: async (connection, options) => {
      await upgrader.upgradeInbound(connection, options)
      joinWrites(connection, sweep)
    },
    upgradeOutbound: async (connection, options) => {
      const upgraded = await upgrader.upgradeOutbound(connection, options)
      joinWrites(connection, sweep)
      return upgraded
    },
    createInboundAbortSignal: signal => upgrader.createInboundAbortSignal(signal),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters()
  }
}

/** Not before the connection is upgraded: an end that refuses the other closes at once, and its reason must be out by then. */
function joinWrites(connection: MultiaddrConnection, sweep: Sweep): void {
  const socket: unknown = 'socket' in connection ? connection.socket : undefined
  // Without it everything works, with more system calls.
  if (!(socket instanceof Socket)) return
  socket.on('data', (bytes: Buffer) => sweep(bytes.length))
  const write = socket.write.bind(socket)
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    socket.uncork()
  }
  socket.write = (...args: unknown[]): boolean => {
    if (!isCorked) {
      isCorked = true
      socket.cork()
      // Two turns: what is read in this one is answered in the next, by the lanes.
      setImmediate(() => setImmediate(uncork))
    }
    const [bytes] = args
    if (bytes instanceof Uint8Array) sweep(bytes.length)
    return Reflect.apply(write, undefined, args) as boolean
  }
}

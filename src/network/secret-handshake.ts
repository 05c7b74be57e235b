import type { AbortOptions, ConnectionProtector, MessageStream } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'
import { byteStream } from '@libp2p/utils'
import { CaresError } from '../model/errors.ts'
import { swarmKey } from './swarm-key.ts'

/** What follows the nonce of a private connection, under its key: proof that both ends have the same one. */
const CONFIRMATION = Buffer.from('cares same key 1')
/**
 * Enciphered at once. The cipher works in WebAssembly memory of 640 KiB that all connections share. A larger piece (what has gathered while the socket
 * was full) makes it grow, which detaches every other connection's view of it; each of those then makes it grow again, until there is no more
 * and the process dies.
 */
const CIPHER_BYTES_MAX = 262_144
/** The nonce of libp2p's pre-shared-key networks. */
const NONCE_BYTES = 24
/** An open peer begins with as many bytes in clear as a private one sends in cipher, so that neither waits for more than it gets. */
const OPEN_GREETING = Buffer.from('cares open cluster 1'.padEnd(NONCE_BYTES + CONFIRMATION.length))

/**
 * The first bytes of each connection, before anything else is said (`protocols/connection.md`): they tell at once, and for certain, whether
 * both ends are open, or have the same secret. Without them another key is only noise, which may look like the start of a message that never
 * ends. A connection between unlike ends fails with `unauthorized`.
 */
export function secretHandshake(secret: string | undefined): () => ConnectionProtector {
  if (secret === undefined) return () => new OpenHandshake()
  const protector = preSharedKey({ psk: swarmKey(secret) })
  return () => new PrivateHandshake(protector())
}

class OpenHandshake implements ConnectionProtector {
  readonly [Symbol.toStringTag] = 'cares open handshake'

  async protect(connection: MessageStream, options?: AbortOptions): Promise<MessageStream> {
    return exchange(connection, OPEN_GREETING, options)
  }
}

class PrivateHandshake implements ConnectionProtector {
  readonly [Symbol.toStringTag] = 'cares private handshake'
  readonly #protector: ConnectionProtector

  constructor(protector: ConnectionProtector) {
    this.#protector = protector
  }

  async protect(connection: MessageStream, options?: AbortOptions): Promise<MessageStream> {
    const enciphered = await this.#protector.protect(connection, options)
    return exchange(Object.assign(enciphered, { maxMessageSize: CIPHER_BYTES_MAX }), CONFIRMATION, options)
  }
}

/** Sends `greeting` and waits for the same from the other end. */
async function exchange(connection: MessageStream, greeting: Uint8Array, options?: AbortOptions): Promise<MessageStream> {
  const stream = byteStream(connection)
  const [answer] = await Promise.all([stream.read({ bytes: greeting.length, ...options }), stream.write(greeting, options)])
  if (Buffer.compare(answer.subarray(), greeting) === 0) return stream.unwrap()
  const error = new CaresError('unauthorized', 'the other end has another secret, or none where this one has one')
  connection.abort(error)
  throw error
}

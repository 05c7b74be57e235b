import { CaresError } from '../model/errors.ts'

/**
 * What a failed dial means, as far as libp2p lets one tell: `unauthorized` for a secret that differs, `conflict` for another peer at the
 * address or this peer itself (`details.self`), `incompatible` for one that does not speak the protocol, else `peer_unreachable`.
 */
export function toDialError(cause: unknown, target: string): CaresError {
  if (cause instanceof CaresError && cause.code === 'unauthorized') {
    return new CaresError('unauthorized', `${target} answered, but not as a peer with the same secret does`, {
      hint: 'compare the part after # of the cluster id (none: the cluster is open) with what `cares id` prints there',
      cause
    })
  }
  if (cause instanceof CaresError) return cause
  if (cause instanceof AggregateError) {
    const errors = cause.errors.map(error => toDialError(error, target))
    return errors.find(({ code }) => code !== 'peer_unreachable') ?? errors[0] ?? unreachable(target, 'it has no address', cause)
  }
  const { name, message, code } = describe(cause)
  if (name === 'InvalidPeerIdError' || message.includes('dial self')) {
    return new CaresError('conflict', `${target} is this peer itself`, {
      hint: 'give the cluster id of another peer',
      details: { self: true },
      cause
    })
  }
  const other = /identity key (\S+) does not match expected/.exec(message)?.[1]
  if (other !== undefined) {
    return new CaresError('conflict', `another peer answers at ${target}: ${other}`, {
      hint: 'the peer there has a new identity, or the cluster id was copied with a mistake; print it again with `cares id`',
      cause
    })
  }
  if (name === 'UnsupportedProtocolError') {
    return new CaresError('incompatible', `${target} does not speak this protocol`, { hint: 'run the same version on all peers', cause })
  }
  if (code === 'ECONNREFUSED') return unreachable(target, 'nothing listens there', cause)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return unreachable(target, 'its host name is not known', cause)
  if (code === 'ECONNRESET' || name === 'UnexpectedEOFError') return unreachable(target, 'it hung up', cause)
  if (name === 'TimeoutError' || name === 'AbortError' || (name === 'EncryptionFailedError' && /abort|time/.test(message)))
    return unreachable(target, 'no answer in time', cause)
  return unreachable(target, 'the connection could not be made', cause)
}

/** What a failed start of libp2p means: `conflict` for an address in use, else `invalid`. */
export function toStartError(cause: unknown): CaresError {
  const message =
    cause instanceof Error ? [cause.message, ...(cause instanceof AggregateError ? cause.errors.map(String) : [])].join('; ') : ''
  const taken = /EADDRINUSE(?:: address already in use ([^\s;,]+))?/.exec(message)
  if (taken !== null) {
    const [, address] = taken
    return new CaresError('conflict', `the address to listen on for peers is in use${address === undefined ? '' : `: ${address}`}`, {
      hint: 'choose another port with --listen /ip4/0.0.0.0/tcp/PORT, or end what listens there',
      cause
    })
  }
  return new CaresError('invalid', `the network could not be started: ${message}`, { hint: 'check --listen', cause })
}

function unreachable(target: string, why: string, cause: unknown): CaresError {
  return new CaresError('peer_unreachable', `${target} cannot be reached: ${why}`, {
    hint: 'check that the peer runs, and that its port can be reached from here',
    retryable: true,
    cause
  })
}

function describe(cause: unknown): { name: string; message: string; code: unknown } {
  if (!(cause instanceof Error)) return { name: '', message: String(cause), code: undefined }
  return { name: cause.name, message: cause.message, code: 'code' in cause ? cause.code : undefined }
}

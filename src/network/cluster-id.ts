import { randomBytes } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'

/** The parts of a cluster id: `/ip4/10.0.0.5/tcp/4001/p2p/12D3…#secret`. */
export interface ClusterId {
  /** Where to dial, without the `/p2p/…` part. */
  readonly address: string
  /** Who must answer there. Absent: whoever does. */
  readonly peer?: PeerId | undefined
  /** Absent: the cluster is open to all who reach it. */
  readonly secret?: string | undefined
}

/** 192 random bits: more than the 128 that no one can guess, and 32 characters of base64url without padding. */
const SECRET_BYTES = 24
/** A secret of fewer characters could be guessed by trying. */
const SECRET_CHARS_MIN = 8
const SECRET_CHARS_MAX = 1_024
const HINT = 'copy the whole line that `cares id` prints on a peer of the cluster'

/** A secret for a new private cluster. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** Throws `invalid`, saying which part is wrong and what may have happened to it. */
export function parseClusterId(text: string): ClusterId {
  // The secret goes first: multiaddr() would take it for a part of the peer id.
  const hash = text.indexOf('#')
  const secret = hash === -1 ? undefined : parseSecret(text.slice(hash + 1))
  const address = parseAddress((hash === -1 ? text : text.slice(0, hash)).trim())
  const components = address.getComponents()
  const peerAt = components.findIndex(({ name }) => name === 'p2p')
  if (peerAt !== -1 && peerAt !== components.length - 1) throw invalid('nothing may come after its peer id')
  const peer = peerAt === -1 ? undefined : parsePeer(components[peerAt]?.value ?? '')
  return {
    address: peer === undefined ? address.toString() : address.decapsulateCode(P2P_CODE).toString(),
    ...(peer === undefined ? {} : { peer }),
    ...(secret === undefined ? {} : { secret })
  }
}

/** The text that `parseClusterId` reads. */
export function formatClusterId({ address, peer, secret }: ClusterId): string {
  return `${address}${peer === undefined ? '' : `/p2p/${peer}`}${secret === undefined ? '' : `#${secret}`}`
}

/** Throws `invalid` when `secret` is empty, short, long, or has a blank in it. */
export function parseSecret(secret: string): string {
  if (secret.length < SECRET_CHARS_MIN) throw invalid(`its secret has fewer than ${SECRET_CHARS_MIN} characters (cut while copying?)`)
  if (secret.length > SECRET_CHARS_MAX) throw invalid(`its secret has more than ${SECRET_CHARS_MAX} characters`)
  if (/[\s#]/.test(secret)) throw invalid('its secret has a blank or # in it')
  return secret
}

const P2P_CODE = 421
const HOSTS = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6'])

function parseAddress(text: string): Multiaddr {
  if (text === '') throw invalid('it is empty')
  if (!text.startsWith('/')) throw invalid('it does not start with / (an address looks like /ip4/10.0.0.5/tcp/4001)')
  let address: Multiaddr
  try {
    address = multiaddr(text)
  } catch (cause) {
    throw invalid(`its address cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, cause)
  }
  const [host, port] = address.getComponents()
  if (host === undefined || !HOSTS.has(host.name)) throw invalid('it has no /ip4, /ip6 or /dns host')
  if (port?.name !== 'tcp' || !(Number(port.value) > 0)) throw invalid('it has no /tcp port')
  return address
}

function parsePeer(text: string): PeerId {
  try {
    return peerIdFromString(text).toString() as PeerId
  } catch (cause) {
    // An ed25519 peer id has 52 characters; refused ones of that length have a character that base58 lacks.
    const why = text.length === 52 ? 'has a character that cannot be in one' : 'has the wrong length (cut while copying?)'
    throw invalid(`its peer id ${why}`, cause)
  }
}

function invalid(why: string, cause?: unknown): CaresError {
  return new CaresError('invalid', `cluster id is not valid: ${why}`, { hint: HINT, cause })
}

import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Identity } from '../model/ports/store.ts'

/** A new ed25519 key and its peer id. */
export async function generateIdentity(): Promise<Identity> {
  return toIdentity(await generateKeyPair('Ed25519'))
}

/** The identity of a kept key. Throws `invalid` when the bytes are not an ed25519 private key in libp2p's protobuf form. */
export function readIdentity(privateKey: Uint8Array): Identity {
  return toIdentity(readPrivateKey(privateKey))
}

/** The key of an identity as libp2p takes it. Throws as {@link readIdentity}. */
export function readPrivateKey(bytes: Uint8Array): PrivateKey {
  let key: PrivateKey
  try {
    key = privateKeyFromProtobuf(bytes)
  } catch (cause) {
    throw new CaresError('invalid', 'the private key of this peer cannot be read', {
      hint: 'restore the key file from a copy, or remove it to start as a new peer',
      cause
    })
  }
  if (key.type !== 'Ed25519') throw new CaresError('invalid', `the private key of this peer is ${key.type}, not Ed25519`)
  return key
}

function toIdentity(key: PrivateKey): Identity {
  return { id: peerIdFromPrivateKey(key).toString() as PeerId, privateKey: privateKeyToProtobuf(key) }
}

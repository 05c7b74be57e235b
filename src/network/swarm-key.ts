import { hkdfSync } from 'node:crypto'

const KEY_BYTES = 32

/**
 * The pre-shared key of a private cluster in libp2p's swarm key format (github.com/libp2p/specs, pnet/Private-Networks-PSK-V1). Derived from
 * the secret by HKDF-SHA-256 (RFC 5869), so that a secret may be any text; the info string keeps the key apart from other uses of the secret.
 */
export function swarmKey(secret: string): Uint8Array {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'cares swarm key 1', KEY_BYTES))
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${key.toString('hex')}`)
}

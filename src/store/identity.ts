import { crc32 } from 'node:zlib'
import { join } from 'node:path'
import type { PeerId } from '../model/ids.ts'
import type { Identity } from '../model/ports/store.ts'
import { damaged } from './disk-error.ts'
import { makePrivateDirectory, readPrivateFile, writePrivateFile } from './private-file.ts'

const FIRST_LINE = 'cares-identity 1'

/**
 * The identity that lives in a data directory (`identity.key`, mode 0600), made by `generate` and written down at the first start. Of two
 * processes that start there at once, both get the one that was written first.
 *
 * Throws `disk_failed` when the file cannot be read or is damaged: a peer must not take a new identity in silence.
 */
export async function loadIdentity(dataDir: string, generate: () => Promise<Identity> | Identity): Promise<Identity> {
  makePrivateDirectory(dataDir)
  const path = join(dataDir, 'identity.key')
  const existing = readPrivateFile(path)
  if (existing !== undefined) return decodeIdentity(path, existing)
  const identity = await generate()
  if (writePrivateFile(path, encodeIdentity(identity), { replace: false })) return identity
  const winner = readPrivateFile(path)
  return winner === undefined ? identity : decodeIdentity(path, winner)
}

/** Four lines of text: format, peer id, private key in base64, CRC-32 of the three before. */
function encodeIdentity({ id, privateKey }: Identity): Uint8Array {
  const body = `${FIRST_LINE}\n${id}\n${Buffer.from(privateKey).toString('base64')}\n`
  return Buffer.from(`${body}${checksum(body)}\n`)
}

function decodeIdentity(path: string, bytes: Uint8Array): Identity {
  const text = Buffer.from(bytes).toString('utf8')
  const [format, id, key, sum] = text.split('\n')
  if (format !== FIRST_LINE) throw damaged(path, `it does not start with "${FIRST_LINE}"`)
  if (id === undefined || id === '' || key === undefined || key === '') throw damaged(path, 'it is cut short')
  if (sum !== checksum(`${format}\n${id}\n${key}\n`)) throw damaged(path, 'its checksum does not match')
  return { id: id as PeerId, privateKey: new Uint8Array(Buffer.from(key, 'base64')) }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { damaged, diskError } from './disk-error.ts'
import { makePrivateDirectory, readPrivateFile, writePrivateFile } from './private-file.ts'

/** The secret of the cluster that this data directory belongs to (`cluster.secret`, mode 0600); null when it is an open one or there is none yet. */
export function readSecret(dataDir: string): string | null {
  const path = join(dataDir, 'cluster.secret')
  const bytes = readPrivateFile(path)
  if (bytes === undefined) return null
  const secret = Buffer.from(bytes).toString('utf8').trim()
  // Taking an empty file for "no secret" would open a private cluster.
  if (secret === '') throw damaged(path, 'it is empty')
  return secret
}

/** Keeps the secret, so that a restart needs no flags. It is on the disk when this returns. */
export function writeSecret(dataDir: string, secret: string): void {
  makePrivateDirectory(dataDir)
  writePrivateFile(join(dataDir, 'cluster.secret'), Buffer.from(`${secret}\n`), { replace: true })
}

/** Forgets the secret, after the peer has left its cluster: in the next one it would be the wrong one. Throws `disk_failed`. */
export function removeSecret(dataDir: string): void {
  try {
    rmSync(join(dataDir, 'cluster.secret'), { force: true })
  } catch (error) {
    throw diskError('remove the secret of the cluster', error)
  }
}

import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterUid } from '../model/ids.ts'
import { diskError } from './disk-error.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

/**
 * The cluster that the database of this data directory is, or was, of (`cluster.uid`); null when it has been of none. It stands beside the database, so
 * that one which was deleted, or put back from before its cluster, is missed: else the peer would found another cluster under the same identity.
 */
export function readClusterMark(dataDir: string): string | null {
  const bytes = readPrivateFile(join(dataDir, 'cluster.uid'))
  return bytes === undefined ? null : Buffer.from(bytes).toString('utf8').trim()
}

/** To be called when the database has the cluster. Leaves a file that says so already as it is. */
export function writeClusterMark(dataDir: string, cluster: ClusterUid): void {
  if (readClusterMark(dataDir) === cluster) return
  writePrivateFile(join(dataDir, 'cluster.uid'), Buffer.from(`${cluster}\n`), { replace: true })
}

/** To be called before the database forgets the cluster. Throws `disk_failed`. */
export function removeClusterMark(dataDir: string): void {
  try {
    rmSync(join(dataDir, 'cluster.uid'), { force: true })
  } catch (error) {
    throw diskError('remove the mark of the cluster', error)
  }
}

/**
 * Whether a peer that was in a cluster has lost its database; to be called before the store makes a new one. A directory with a key and nothing else is
 * that of a start which came to nothing, or of a peer that has left. The secret is written when the database is there: who has it has had one.
 */
export function isDatabaseLost(dataDir: string): boolean {
  // First what is written last: another process may be making both at this moment.
  const wasInCluster = readClusterMark(dataDir) !== null || existsSync(join(dataDir, 'cluster.secret'))
  return wasInCluster && !existsSync(join(dataDir, 'cares.db'))
}

import type { PeerConfig } from './config.ts'
import { newClusterUid } from './daemon/new-ids.ts'
import { assessRecovery, recoverCluster } from './daemon/agreement/recover-cluster.ts'
import { CaresError } from './model/errors.ts'
import type { Recovery } from './model/recovery.ts'
import { holdsPeer } from './store/holds-peer.ts'
import { loadIdentity } from './store/identity.ts'
import { SqliteStore } from './store/sqlite-store.ts'

/**
 * Opens, and locks, the data directory of a stopped peer whose cluster has lost its majority. Throws `conflict` while that peer runs, `not_found` when
 * no peer that was in a cluster has its data there (nothing is made there then), `disk_failed` when the data is damaged.
 */
export async function openRecovery({ data }: Pick<PeerConfig, 'data'>): Promise<Recovery> {
  // Opening either of them would make it.
  if (!holdsPeer(data)) throw noPeer(data)
  const store = new SqliteStore({ dataDir: data })
  await store.start()
  try {
    const { id: self } = await loadIdentity(data, () => {
      throw noPeer(data)
    })
    const persisted = await store.load()
    if (persisted.cluster === null) throw noPeer(data)
    const assessment = assessRecovery(persisted, { data, peer: self, cluster: persisted.cluster })
    return {
      assessment,
      recover: async () => {
        const uid = newClusterUid()
        await recoverCluster(store, persisted, { self, uid })
        return uid
      },
      close: async () => store.stop()
    }
  } catch (error) {
    await store.stop()
    throw error
  }
}

function noPeer(data: string): CaresError {
  return new CaresError('not_found', `no peer that was in a cluster has its data in ${data}`, { hint: 'name its directory: --data DIR' })
}

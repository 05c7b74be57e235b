import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { type Cluster, json } from '../../test/e2e/cluster.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'

/** How exactly a time can be told. */
const LOOK_EVERY_MS = 5
const FAILOVER_MS_MAX = 30_000

/** Milliseconds until one of `survivors` follows another than `lost`. */
export async function untilReplaced(survivors: readonly PeerProcess[], lost: PeerProcess): Promise<number> {
  const startMs = performance.now()
  while (performance.now() - startMs < FAILOVER_MS_MAX) {
    for (const peer of survivors) {
      const { orchestrator } = await json<ClusterState>(peer, '/v1/cluster')
      if (orchestrator !== null && orchestrator.id !== lost.id) return performance.now() - startMs
    }
    await sleep(LOOK_EVERY_MS)
  }
  throw new Error(`nobody took over within ${FAILOVER_MS_MAX} ms`)
}

/** Waits until all agree and three peers vote, so that one may be lost. */
export async function ready(cluster: Cluster): Promise<PeerProcess> {
  for (;;) {
    const orchestrator = await cluster.settled()
    const { voters } = await json<ClusterState>(orchestrator, '/v1/cluster')
    if (voters.length === 3) return orchestrator
    await sleep(100)
  }
}

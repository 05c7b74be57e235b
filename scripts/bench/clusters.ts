import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { targetVoters } from '../../src/core/consensus/voters.ts'
import type { Cluster as ClusterState } from '../../src/model/rest.ts'
import { Cluster, json } from '../../test/e2e/cluster.ts'
import type { PeerProcess } from '../../test/e2e/peer-process.ts'

/** How exactly a time can be told. */
const LOOK_EVERY_MS = 5
const FAILOVER_MS_MAX = 30_000
/** Peers that are started at the same time: more of them only wait for one another's processor. */
const BATCH = 4
/** Until fifty peers on two processors have seen each other. */
export const ONE_VIEW_WITHIN_MS = 300_000

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * CARES as it is once installed: compiled, below a `node_modules`. A peer that runs from source holds some 25 MiB more, which strip its types. Returns the
 * launcher; the files go with the disposal.
 */
export async function installed(): Promise<{ readonly launcher: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'cares-bench-installed-'))
  const home = join(directory, 'node_modules/cares')
  await mkdir(join(home, 'src'), { recursive: true })
  for (const file of ['src/cares.js', 'package.json']) await cp(join(ROOT, file), join(home, file))
  await symlink(join(ROOT, 'node_modules'), join(home, 'node_modules'))
  const compile = [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(ROOT, 'src/tsconfig.build.json'),
    '--outDir',
    join(home, 'dist')
  ]
  await promisify(execFile)(process.execPath, compile)
  return { launcher: join(home, 'src/cares.js'), [Symbol.asyncDispose]: async () => rm(directory, { recursive: true, force: true }) }
}

/** A cluster of so many peers, however many that are for this machine. Ends with one view of all. */
export async function startCluster(peers: number, flags: readonly string[], launcher?: string): Promise<Cluster> {
  const cluster = await Cluster.start({ peers: Math.min(peers, BATCH), flags, launcher })
  try {
    for (let from = BATCH; from < peers; from += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, peers - from) }, (_, i) => cluster.add(`peer-${from + i}`)))
    }
    await cluster.settled({ withinMs: ONE_VIEW_WITHIN_MS })
    return cluster
  } catch (err) {
    await cluster.stop()
    throw err
  }
}

/** Milliseconds until one of `survivors` follows another than `lost`. Ask few of them: each look takes its time. */
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

/** Waits until all agree and as many peers vote as are to, so that one may be lost. */
export async function ready(cluster: Cluster): Promise<PeerProcess> {
  for (;;) {
    const orchestrator = await cluster.settled({ withinMs: ONE_VIEW_WITHIN_MS })
    if ((await votersOf(cluster, orchestrator)).length === targetVoters(cluster.alive.length)) return orchestrator
    await sleep(100)
  }
}

/** The running peers that vote. */
export async function votersOf(cluster: Cluster, asked: PeerProcess): Promise<readonly PeerProcess[]> {
  const { voters } = await json<ClusterState>(asked, '/v1/cluster')
  return cluster.alive.filter(({ id }) => voters.includes(id))
}

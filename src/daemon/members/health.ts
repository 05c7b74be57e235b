import { gpusOf } from '../../model/labels.ts'
import { llcText } from '../../model/llc.ts'
import type { PeerProfile, PeerView } from '../../model/peer.ts'
import type { HealthCheck } from '../../model/service.ts'
import { versionReadBy } from '../agreement/command-readers.ts'
import type { ServiceComponents } from '../service.ts'

/** With less of the disk free, the engine may fail to unpack an image, and the log to grow. */
const DISK_FREE_RATIO_MIN = 0.05

/** What must hold for this peer to work well, each with what to do about it. */
export async function healthChecks(
  { consensus, members, runtime, transport, cluster, profile }: ServiceComponents,
  { signal }: { signal: AbortSignal }
): Promise<readonly HealthCheck[]> {
  const checks: HealthCheck[] = []
  const { leader } = consensus.role
  const inCluster = cluster() !== null
  checks.push({
    name: 'cluster',
    ok: inCluster,
    message: inCluster ? `member of cluster ${cluster()}` : 'not in a cluster yet',
    hint: inCluster ? undefined : 'check that the cluster id is right and that its peer is reachable'
  })
  checks.push({
    name: 'orchestrator',
    ok: leader !== null,
    message: leader === null ? 'no orchestrator is known' : `${members.nameOf(leader)} is orchestrator in term ${consensus.role.term}`,
    hint: leader === null ? 'see which voters are gone: cares status' : undefined
  })
  checks.push(
    consensus.fenced === null
      ? { name: 'disk', ok: true, message: 'what was agreed is on disk' }
      : {
          name: 'disk',
          ok: false,
          message: consensus.fenced.message,
          hint: consensus.fenced.hint ?? 'repair the disk, then restart the peer'
        }
  )
  if (runtime === null) checks.push({ name: 'runtime', ok: true, message: 'runs no functions (--no-work)' })
  else {
    const { ready, reason, hint } = await runtime.check({ signal })
    checks.push({ name: 'runtime', ok: ready, message: `${runtime.kind}: ${reason}`, hint })
  }
  const gpus = gpuCheck(profile())
  if (gpus !== undefined) checks.push(gpus)
  const { llc } = members.self().stats
  // A machine that cannot do more about it is no worse for that.
  if (llc !== undefined) checks.push({ name: 'cache', ok: true, message: llcText(llc) })
  const unconnected = members
    .views()
    .filter(({ profile: { id }, state }) => state === 'alive' && id !== transport.self && !transport.connected().includes(id))
  checks.push({
    name: 'connections',
    ok: unconnected.length === 0,
    message:
      unconnected.length === 0
        ? `connected to all ${transport.connected().length} other peers`
        : `not connected to ${unconnected.map(view => view.profile.name).join(', ')}`,
    hint: unconnected.length === 0 ? undefined : 'each peer must be able to reach the others: see --listen and --announce'
  })
  checks.push(versionCheck(members.views().filter(({ state }) => state !== 'gone')))
  const { capacity } = profile()
  const { diskUsedBytes } = members.self().stats
  const freeRatio = capacity.diskBytes === 0 ? 1 : 1 - diskUsedBytes / capacity.diskBytes
  checks.push({
    name: 'disk space',
    ok: freeRatio >= DISK_FREE_RATIO_MIN,
    message: `${Math.round(freeRatio * 100)} % free`,
    hint: freeRatio >= DISK_FREE_RATIO_MIN ? undefined : 'remove unused images: docker image prune'
  })
  return checks
}

/** During a rolling upgrade peers differ, and work together; what only some of them can read waits until it is over. */
export function versionCheck(views: readonly PeerView[]): HealthCheck {
  const name = 'versions'
  const versions = [...new Set(views.map(({ profile }) => profile.version))].sort()
  const newest = Math.max(...views.map(({ profile }) => versionReadBy(profile)))
  const older = views.filter(({ profile }) => versionReadBy(profile) < newest).map(({ profile }) => profile.name)
  if (older.length === 0) {
    return {
      name,
      ok: true,
      message: versions.length === 1 ? `all peers run ${versions[0]}` : `peers run ${versions.join(' and ')}, which understand each other`
    }
  }
  return {
    name,
    ok: false,
    message: `peers run ${versions.join(' and ')}: what is new cannot be used yet`,
    hint: `upgrade ${older.join(', ')}`
  }
}

/** Nothing of a machine without GPUs. */
function gpuCheck({ gpuRefusal, labels }: PeerProfile): HealthCheck | undefined {
  const name = 'gpus'
  if (gpuRefusal !== undefined) {
    const hint = 'install the NVIDIA Container Toolkit and restart Docker; the peer asks again each minute'
    return { name, ok: false, message: gpuRefusal, hint }
  }
  const gpus = gpusOf(labels)
  return gpus === 0 ? undefined : { name, ok: true, message: `${gpus} for functions` }
}

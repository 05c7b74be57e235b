import type { FunctionRecord } from '../../model/function.ts'
import { gpusOf, meets } from '../../model/labels.ts'
import type { PeerView } from '../../model/peer.ts'
import { whyNoPrices } from '../../model/price.ts'
import { formatBytes } from '../../model/units.ts'

/** What a function or a task asks of the peer that is to run it. */
export type Asked = Pick<FunctionRecord, 'name' | 'cpus' | 'memoryBytes' | 'gpus' | 'arch' | 'placement'>

/**
 * What its author may want to know of a function or a task that was accepted: that no peer is there that could ever run it, as far as this peer
 * sees, or that prices do not count as it asks. Accepted all the same, since a peer that can may join later, and one that states no price may go.
 */
export function uploadWarnings(asked: Asked, peers: readonly Pick<PeerView, 'profile' | 'state'>[]): readonly string[] {
  const workers = peers.filter(({ profile, state }) => profile.runtime !== 'none' && state !== 'gone').map(({ profile }) => profile)
  const missing = whatIsMissing(asked, workers)
  return [...(missing === undefined ? [] : [`no peer can run ${asked.name}: ${missing}`]), ...moneyWarnings(asked, workers)]
}

/** Where money was asked to count, and cannot. */
function moneyWarnings({ placement }: Asked, workers: readonly PeerView['profile'][]): readonly string[] {
  const { objective = 'latency', maxCostUsd } = placement ?? {}
  const why = whyNoPrices(workers)
  if (why === undefined || workers.length === 0) return []
  return [
    ...(objective === 'latency' ? [] : [why]),
    ...(maxCostUsd === undefined ? [] : ['what runs on a peer that states no price counts as free, whatever the most that it may cost'])
  ]
}

function whatIsMissing(
  { cpus, memoryBytes, gpus = 0, arch: imageArch, placement }: Asked,
  workers: readonly PeerView['profile'][]
): string | undefined {
  if (workers.length === 0) return 'no peer takes work'
  if (imageArch !== undefined && !workers.some(({ arch }) => arch === imageArch)) {
    const others = [...new Set(workers.map(({ arch }) => arch))].sort()
    return `its image is for ${imageArch}, and the peers are ${others.join(', ')}`
  }
  const memoryMax = Math.max(...workers.map(({ capacity }) => capacity.memoryBytes))
  if (memoryBytes > memoryMax)
    return `it asks for ${formatBytes(memoryBytes)} of memory, and the largest peer shares ${formatBytes(memoryMax)}`
  const cpusMax = Math.max(...workers.map(({ capacity }) => capacity.cpus))
  if (cpus > cpusMax) return `it asks for ${cpus} cores, and the largest peer shares ${cpusMax}`
  const gpusMax = Math.max(...workers.map(({ labels }) => gpusOf(labels)))
  if (gpus > gpusMax)
    return `it asks for ${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'}, and ${gpusMax === 0 ? 'no peer has any' : `no peer has more than ${gpusMax}`}`
  const required = placement?.require ?? []
  const nowhere = required.find(constraint => !workers.some(({ labels }) => meets(labels, [constraint])))
  if (nowhere !== undefined) return `it requires ${nowhere}, and no peer is labelled so`
  const hasAll = workers.some(
    ({ capacity, labels, arch }) =>
      (imageArch === undefined || imageArch === arch) &&
      memoryBytes <= capacity.memoryBytes &&
      cpus <= capacity.cpus &&
      gpus <= gpusOf(labels) &&
      meets(labels, required)
  )
  const wants = [
    `${cpus} cores`,
    `${formatBytes(memoryBytes)} of memory`,
    ...(gpus === 0 ? [] : [`${gpus} GPUs`]),
    ...(imageArch === undefined ? [] : [imageArch]),
    ...required
  ]
  return hasAll ? undefined : `none has all that it asks for at once: ${wants.join(', ')}`
}

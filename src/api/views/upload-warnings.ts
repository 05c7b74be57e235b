import type { FunctionRecord } from '../../model/function.ts'
import type { PeerView } from '../../model/peer.ts'
import { formatBytes } from '../../model/units.ts'

/**
 * What its author may want to know of a function that was accepted: that no peer is there that could ever run it, as far as this peer sees.
 * Accepted all the same, since a peer that can may join later.
 */
export function uploadWarnings(
  { name, cpus, memoryBytes }: Pick<FunctionRecord, 'name' | 'cpus' | 'memoryBytes'>,
  peers: readonly Pick<PeerView, 'profile' | 'state'>[]
): readonly string[] {
  const workers = peers
    .filter(({ profile, state }) => profile.runtime !== 'none' && state !== 'gone')
    .map(({ profile }) => profile.capacity)
  if (workers.length === 0) return [`no peer takes work, so nobody can run ${name} now`]
  const memoryMax = Math.max(...workers.map(capacity => capacity.memoryBytes))
  const cpusMax = Math.max(...workers.map(capacity => capacity.cpus))
  if (memoryBytes > memoryMax)
    return [
      `no peer can run ${name}: it asks for ${formatBytes(memoryBytes)} of memory, and the largest peer shares ${formatBytes(memoryMax)}`
    ]
  if (cpus > cpusMax) return [`no peer has the ${cpus} cores that ${name} asks for: the largest shares ${cpusMax}`]
  if (!workers.some(capacity => memoryBytes <= capacity.memoryBytes && cpus <= capacity.cpus))
    return [`no peer has both the ${cpus} cores and the ${formatBytes(memoryBytes)} of memory that ${name} asks for`]
  return []
}

import { executionsOf } from '../../model/peer.ts'
import type { PeerListing, PeerService } from '../../model/service.ts'
import { one, type Sample, type Series } from './series.ts'

/** This peer as a worker, and its machine. */
export function registerMachineMetrics(service: PeerService, { gauge, counter, functionLabel: label }: Series): void {
  const own = (read: (peer: PeerListing) => readonly Sample[]) => (): readonly Sample[] => {
    const peer = service.peers().find(({ profile }) => profile.id === service.profile.id)
    return peer === undefined ? [] : read(peer)
  }
  gauge('cares_build_info', 'Version and name of this peer; always 1', ['version', 'name'], () => [
    [{ version: service.profile.version, name: service.profile.name }, 1]
  ])
  gauge(
    'cares_running_executions',
    'Executions that run on this peer: calls, tasks and services',
    [],
    own(({ stats }) => one(executionsOf(stats)))
  )
  counter(
    'cares_executions_total',
    'Executions that have ended on this peer',
    ['outcome'],
    own(({ stats }) => [
      [{ outcome: 'succeeded' }, stats.succeeded],
      [{ outcome: 'failed' }, stats.failed]
    ])
  )
  gauge(
    'cares_warm_containers',
    'Calls that started containers of this peer could take at once, idle, and do take, busy',
    ['function', 'kind'],
    own(({ stats }) => warmSamples(stats.warm, label))
  )
  for (const [what, name, whole, used, reserved] of [
    ['CPU', 'cares_peer_cpu', 'cpus', 'cpusUsed', 'cpusReserved'],
    ['Memory', 'cares_peer_memory', 'memoryBytes', 'memoryUsedBytes', 'memoryReservedBytes'],
    ['Disk', 'cares_peer_disk', 'diskBytes', 'diskUsedBytes', undefined]
  ] as const) {
    const kinds = reserved === undefined ? 'in use' : 'in use or reserved'
    gauge(
      `${name}_ratio`,
      `${what} of this peer that is ${kinds}, of its capacity`,
      ['kind'],
      own(({ profile: { capacity }, stats }) => [
        [{ kind: 'used' }, ratio(stats[used], capacity[whole])],
        ...(reserved === undefined ? [] : [[{ kind: 'reserved' }, ratio(stats[reserved], capacity[whole])] as const])
      ])
    )
  }
  gauge(
    'cares_peer_cpu_capacity_cores',
    'Cores that functions may use on this peer',
    [],
    own(({ profile }) => one(profile.capacity.cpus))
  )
  gauge(
    'cares_peer_memory_capacity_bytes',
    'Memory that functions may use on this peer',
    [],
    own(({ profile }) => one(profile.capacity.memoryBytes))
  )
}

/** The pools of all revisions of a function together: a revision for each upload would make series without end. */
function warmSamples(pools: PeerListing['stats']['warm'], label: (name: string) => string): readonly Sample[] {
  const sums = new Map<string, { idle: number; busy: number }>()
  for (const { function: key, idle, busy } of pools) {
    const name = label(key.split('@', 1)[0] ?? key)
    const sum = sums.get(name) ?? { idle: 0, busy: 0 }
    sums.set(name, { idle: sum.idle + idle, busy: sum.busy + busy })
  }
  return [...sums].flatMap(([name, { idle, busy }]) => [
    [{ function: name, kind: 'idle' }, idle] as const,
    [{ function: name, kind: 'busy' }, busy] as const
  ])
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0
}

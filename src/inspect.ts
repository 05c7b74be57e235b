import { environmentChecks, type PeerConfig } from './config.ts'
import type { HealthCheck } from './model/service.ts'
import { machineCheck } from './runtime/machine-check.ts'
import { dataChecks } from './store/data-check.ts'

/** What can be told of a machine, and of what a peer would find on it, before one is started. */
export async function inspect({ data, cpus, memoryBytes }: PeerConfig): Promise<readonly HealthCheck[]> {
  const machine = await machineCheck({ cpus: cpus ?? undefined, memoryBytes: memoryBytes ?? undefined })
  return [machine, ...dataChecks(data), ...environmentChecks()]
}

import { environmentChecks, type PeerConfig } from './config.ts'
import type { HealthCheck } from './model/service.ts'
import { machineCheck } from './runtime/machine-check.ts'
import { dataChecks } from './store/data-check.ts'

/** The checks of `cares doctor` that need no running peer: the machine, the data directory, and the environment. */
export async function inspect({ data, cpus, memoryBytes }: PeerConfig): Promise<readonly HealthCheck[]> {
  const machine = await machineCheck({ cpus: cpus ?? undefined, memoryBytes: memoryBytes ?? undefined })
  return [machine, ...dataChecks(data), ...environmentChecks()]
}

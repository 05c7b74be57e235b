import { createRandom } from '../../model/random.ts'

/** One simulated peer's hardware. */
export interface MachineSpec {
  readonly name: string
  readonly cpus: number
  /** 1: reference; 2: everything takes half as long. */
  readonly speed: number
  readonly memoryBytes: number
  readonly gpus: number
  readonly usdPerHour: number
}

/** Price of one core of the cheapest machine: about what large clouds ask. */
const USD_PER_CORE_HOUR = 0.04

const GIB = 2 ** 30

/** What {@link drawFleet} varies. */
export interface FleetInit {
  readonly peers: number
  readonly seed: number
  /** The dearest machine's price of a core, as a multiple of the cheapest one's; 1: all the same. */
  readonly priceSpread: number
}

/** Unlike machines: 4 or 8 cores, speed 0.7, 1 or 1.3, 16 GiB, and a price of a core anywhere in the spread. */
export function drawFleet({ peers, seed, priceSpread }: FleetInit): MachineSpec[] {
  const random = createRandom(seed)
  return Array.from({ length: peers }, (_, i) => {
    const cpus = random() < 0.5 ? 4 : 8
    const speed = [0.7, 1, 1.3][Math.floor(random() * 3)] ?? 1
    const usdPerHour = cpus * USD_PER_CORE_HOUR * (1 + (priceSpread - 1) * random())
    return { name: `peer-${i}`, cpus, speed, memoryBytes: 16 * GIB, gpus: 0, usdPerHour }
  })
}

/** The five workers of the batch scenarios: small and large, one fast, one slow, two with a graphics processor. */
export const BATCH_FLEET: readonly MachineSpec[] = [
  { name: 'plain', cpus: 8, speed: 1, memoryBytes: 16 * GIB, gpus: 0, usdPerHour: 0 },
  { name: 'gpu', cpus: 8, speed: 1, memoryBytes: 32 * GIB, gpus: 1, usdPerHour: 0 },
  { name: 'fast-gpu', cpus: 16, speed: 1.2, memoryBytes: 32 * GIB, gpus: 1, usdPerHour: 0 },
  { name: 'slow', cpus: 4, speed: 0.8, memoryBytes: 16 * GIB, gpus: 0, usdPerHour: 0 },
  { name: 'wide', cpus: 12, speed: 1, memoryBytes: 24 * GIB, gpus: 0, usdPerHour: 0 }
]

/** Cores of reference speed that a fleet amounts to. */
export function capacityOf(fleet: readonly MachineSpec[]): number {
  return fleet.reduce((sum, { cpus, speed }) => sum + cpus * speed, 0)
}

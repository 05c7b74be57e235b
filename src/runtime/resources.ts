import { CaresError } from '../model/errors.ts'
import type { FunctionSpec } from '../model/function.ts'
import type { Capacity } from '../model/peer.ts'

/** What one container is promised. */
export type Claim = Pick<FunctionSpec, 'cpus' | 'memoryBytes' | 'gpus'>

/** A claim that was granted. Releasing it twice does no harm. */
export interface Reservation extends Claim {
  /** The GPUs that are its alone. */
  readonly gpuIds: readonly string[]
  release(): void
}

/** What could be given up for new work: an idle warm or prewarmed container. */
export interface Idle {
  /** The least worth goes first; see `core/pools/demand.ts`. */
  readonly worth: number
  readonly reservation: Reservation
  /** Resolves when the container is gone. */
  evict(): Promise<void>
}

/** What is promised now. */
export interface Promised {
  readonly cpus: number
  readonly memoryBytes: number
  readonly slots: number
}

/**
 * Cores may be promised so many times over. Cores are shared by time, so a promise too many makes calls slower, not dead; most functions wait
 * more than they compute. Higher: fuller machines, longer tails. Memory is never promised twice: that would end in the OOM killer.
 */
const CPU_OVERSUBSCRIPTION_RATIO = 2

/** The peer's own books: what each started container was promised, and what is left. */
export class Ledger {
  readonly #capacity: Capacity
  readonly #slotsMax: number
  readonly #gpus: () => readonly string[]
  readonly #granted = new Set<Reservation>()

  /** `slotsMax`: containers at once, whatever their size. `gpus`: ids of those that can be had now; one is never promised twice. */
  constructor(capacity: Capacity, { slotsMax, gpus = () => [] }: { slotsMax: number; gpus?: () => readonly string[] }) {
    this.#capacity = capacity
    this.#slotsMax = slotsMax
    this.#gpus = gpus
  }

  promised(): Promised {
    let cpus = 0
    let memoryBytes = 0
    for (const granted of this.#granted) {
      cpus += granted.cpus
      memoryBytes += granted.memoryBytes
    }
    return { cpus, memoryBytes, slots: this.#granted.size }
  }

  /** Whether the claim would be granted if `freed` were released first. */
  fits(claim: Claim, freed: readonly Reservation[] = []): boolean {
    return this.#shortage(claim, freed) === undefined
  }

  /** Grants the claim, or throws `busy` with what was needed and what was left. */
  reserve(claim: Claim): Reservation {
    const shortage = this.#shortage(claim, [])
    if (shortage !== undefined) throw shortage
    return this.#grant(claim)
  }

  #grant(claim: Claim): Reservation {
    const reservation: Reservation = {
      cpus: claim.cpus,
      memoryBytes: claim.memoryBytes,
      gpuIds: this.#freeGpus().slice(0, claim.gpus ?? 0),
      release: () => this.#granted.delete(reservation)
    }
    this.#granted.add(reservation)
    return reservation
  }

  /**
   * Grants the claim, giving up idle containers, those of least worth first and no more than needed. Their claims pass to the new one at once, so nobody
   * else can take them; it resolves when they are gone, so the machine's memory is never really used twice. Throws `busy`.
   *
   * Idle containers hold memory, but no cores, so none is given up for its cores: most cold starts of a replayed day were of functions whose
   * container had just had to go for the cores that it did not use (15,000 of 18,000). Should they all be called at once, their calls share
   * the cores.
   */
  async reserveEvicting(claim: Claim, idle: readonly Idle[]): Promise<Reservation> {
    const victims: Idle[] = []
    for (const candidate of [...idle].sort((a, b) => a.worth - b.worth)) {
      const shortage = this.#shortage(claim, reservations(victims), reservations(idle))
      if (shortage === undefined) break
      if (helps(candidate.reservation, shortage)) victims.push(candidate)
    }
    // What was given up for one resource may have freed enough of another, for which something was to go before.
    for (const victim of victims.toReversed()) {
      const others = victims.filter(other => other !== victim)
      if (this.#shortage(claim, reservations(others), reservations(idle)) === undefined) victims.splice(victims.indexOf(victim), 1)
    }
    const shortage = this.#shortage(claim, reservations(victims), reservations(idle))
    if (shortage !== undefined) throw shortage
    for (const victim of victims) victim.reservation.release()
    const reservation = this.#grant(claim)
    await Promise.all(victims.map(async victim => victim.evict()))
    return reservation
  }

  #freeGpus(freed: readonly Reservation[] = []): readonly string[] {
    const gpus = this.#gpus()
    if (gpus.length === 0) return []
    const held = new Set([...this.#granted].filter(granted => !freed.includes(granted)).flatMap(({ gpuIds }) => gpuIds))
    return gpus.filter(id => !held.has(id))
  }

  /** `freed`: what would be released first; `unused`: what holds no cores at the moment. */
  #shortage(claim: Claim, freed: readonly Reservation[], unused: readonly Claim[] = freed): CaresError | undefined {
    const promised = this.promised()
    const freedMemoryBytes = freed.reduce((sum, one) => sum + one.memoryBytes, 0)
    const unusedCpus = unused.reduce((sum, one) => sum + one.cpus, 0)
    const memoryBytes = this.#capacity.memoryBytes - promised.memoryBytes + freedMemoryBytes
    if (claim.memoryBytes > memoryBytes) return busy('memory', claim.memoryBytes, memoryBytes)
    const cpus = this.#capacity.cpus * CPU_OVERSUBSCRIPTION_RATIO - promised.cpus + unusedCpus
    // Fractions of cores do not add up exactly in binary; a thousandth of a core is nothing.
    if (claim.cpus > cpus + 0.001) return busy('cpus', claim.cpus, cpus)
    const gpus = this.#freeGpus(freed).length
    if ((claim.gpus ?? 0) > gpus) return busy('gpus', claim.gpus ?? 0, gpus)
    const slots = this.#slotsMax - promised.slots + freed.length
    if (slots < 1) return busy('slots', 1, slots)
    return undefined
  }
}

function reservations(idle: readonly Idle[]): readonly Reservation[] {
  return idle.map(({ reservation }) => reservation)
}

type Resource = 'memory' | 'cpus' | 'gpus' | 'slots'

/** Whether less of this resource would be missing without an idle container. It holds a slot, and no cores. */
function helps({ memoryBytes, gpuIds }: Reservation, shortage: CaresError): boolean {
  switch (shortage.details['resource'] as Resource) {
    case 'memory':
      return memoryBytes > 0
    case 'gpus':
      return gpuIds.length > 0
    case 'cpus':
      return false
    case 'slots':
      return true
  }
}

function busy(resource: Resource, needed: number, left: number): CaresError {
  const available = Math.max(0, left)
  return new CaresError('busy', `not enough ${resource} left on this peer: ${needed} needed, ${available} available`, {
    retryable: true,
    details: { resource, needed, available }
  })
}

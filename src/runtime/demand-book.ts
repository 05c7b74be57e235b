import { createDemand, type Demand, worthOf } from '../core/pools/demand.ts'
import type { FunctionRecord } from '../model/function.ts'

/** Functions whose calls are remembered; ten times what most clusters have. A remembered one takes 2 kB. */
const DEMANDS_MAX = 1_024

/** How each function is called here. By name: a new revision is called as the old one was. */
export class DemandBook {
  readonly #demands = new Map<string, Demand>()
  /** The worth of what was given up last; see `worthOf`. */
  #aging = 0

  of({ name }: Pick<FunctionRecord, 'name'>): Demand {
    const demand = this.#demands.get(name) ?? createDemand()
    // The least recently used one goes first.
    this.#demands.delete(name)
    this.#demands.set(name, demand)
    if (this.#demands.size > DEMANDS_MAX) {
      const [oldest] = this.#demands.keys()
      if (oldest !== undefined) this.#demands.delete(oldest)
    }
    return demand
  }

  /** What an idle container of the function is worth that was used now. */
  worth(fn: Pick<FunctionRecord, 'name' | 'memoryBytes'>): number {
    return worthOf(this.of(fn), fn.memoryBytes, this.#aging)
  }

  /** A container of this worth was given up for others. */
  evicted(worth: number): void {
    this.#aging = Math.max(this.#aging, worth)
  }
}

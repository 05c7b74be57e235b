import type { CostAmounts, CostKey, CostRow } from '../../model/costs.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import { shareOfMachine, usdOf } from '../../model/price.ts'
import { currentAttempt, type TaskId, type TaskRecord } from '../../model/task.ts'
import { NO_COSTS } from './cost-book.ts'
import { costName } from './task-costs.ts'

export interface ServiceCostsComponents {
  readonly self: PeerId
  readonly clock: Pick<Clock, 'nowMs'>
  /** What is known of a peer, however it stands. */
  readonly profileOf: (peer: PeerId) => PeerProfile | undefined
  readonly add: (key: Pick<CostRow, CostKey>, amounts: CostAmounts) => void
}

/** An attempt that holds room here. */
interface Held {
  readonly task: TaskRecord
  readonly attempt: number
  /** By this peer's clock; what was before is counted. */
  sinceMs: number
}

/**
 * What services have cost, by the time for which their attempts hold their room, each counted by the peer that has it: as it goes, since a service
 * has no end at which it could be. Nothing is predicted of it, so what it was expected to cost is what it has cost.
 */
export class ServiceCosts {
  readonly #components: ServiceCostsComponents
  readonly #held = new Map<TaskId, Held>()

  constructor(components: ServiceCostsComponents) {
    this.#components = components
  }

  /** A service has changed. */
  onService(task: TaskRecord): void {
    const { self, clock } = this.#components
    const current = currentAttempt(task)
    const here = current?.worker === self ? current : undefined
    const held = this.#held.get(task.id)
    if (held?.attempt === here?.attempt) return
    if (held !== undefined) {
      this.#count(held)
      this.#held.delete(task.id)
    }
    if (here !== undefined) this.#held.set(task.id, { task, attempt: here.attempt, sinceMs: clock.nowMs() })
  }

  /** Counts what all services here have cost up to now. */
  countAll(): void {
    for (const held of this.#held.values()) this.#count(held)
  }

  #count(held: Held): void {
    const { self, clock, profileOf, add } = this.#components
    const { task } = held
    const { cpus, memoryBytes } = task.spec
    const nowMs = clock.nowMs()
    const runMs = nowMs - held.sinceMs
    held.sinceMs = nowMs
    const profile = profileOf(self)
    const usd = profile === undefined ? 0 : usdOf(profile.usdPerHour, shareOfMachine(profile.capacity, cpus, memoryBytes), runMs)
    const times = { runMs, totalMs: runMs, predictedMs: runMs }
    add(
      { function: costName(task), caller: task.caller ?? '', peer: self },
      { ...NO_COSTS, ...times, gbMs: (memoryBytes / 1e9) * runMs, usd, quotedUsd: usd }
    )
  }
}

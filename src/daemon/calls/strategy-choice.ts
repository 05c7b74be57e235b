import { strategyFor } from '../../core/scheduler/strategies/strategies.ts'
import type { Strategy } from '../../core/scheduler/strategy.ts'
import { CaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { AgreedStrategy } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { RegistryTables } from '../../model/ports/store.ts'
import type { StrategyStatus } from '../../model/service.ts'
import type { Agreement } from '../agreement/agreement.ts'

export interface StrategyChoiceComponents {
  /** What this peer was started with. */
  readonly own: Strategy
  readonly tables: () => RegistryTables
  readonly agreement: Pick<Agreement, 'agree'>
  readonly clock: Clock
}

/** Which strategy chooses workers: the function's own, else the one that the cluster has agreed on, else the one that this peer was started with. */
export class StrategyChoice {
  readonly #components: StrategyChoiceComponents

  constructor(components: StrategyChoiceComponents) {
    this.#components = components
  }

  /** For one function. Asked for each call: looks two fields up. */
  of({ placement }: Pick<FunctionRecord, 'placement'>): Strategy {
    return placement === undefined ? this.#usual : strategyFor(placement, this.#usual)
  }

  /** The strategy by which this peer would now place functions that name none. */
  status(): StrategyStatus {
    const { name, objective } = this.#usual
    return { name, objective: objective ?? null, agreed: this.#components.tables().strategy !== undefined }
  }

  /** Has the cluster agree on a strategy; null revokes the agreed one. Resolves when that is committed and applied here. */
  async agree(strategy: AgreedStrategy | null, { signal }: { signal: AbortSignal }): Promise<void> {
    const { agreement, clock } = this.#components
    const { outcome } = await agreement.agree({ type: 'strategy-set', strategy, at: clock.timestamp() }, { signal })
    if (outcome.type === 'refused') throw new CaresError(outcome.code, outcome.message)
  }

  get #usual(): Strategy {
    const { own, tables } = this.#components
    const { strategy } = tables()
    return strategy === undefined ? own : strategyFor({ strategy: strategy.name, objective: strategy.objective })
  }
}

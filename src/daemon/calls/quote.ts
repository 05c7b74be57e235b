import { DEADLINE_SAMPLES_MIN } from '../../core/scheduler/constants.ts'
import { place } from '../../core/scheduler/place.ts'
import type { PlacementTable } from '../../core/scheduler/placement-table.ts'
import { refusalText } from '../../core/scheduler/refusal-text.ts'
import type { Strategy } from '../../core/scheduler/strategy.ts'
import { type FunctionRecord, functionKey } from '../../model/function.ts'
import type { InvocationId } from '../../model/ids.ts'
import type { Random } from '../../model/random.ts'
import type { QuoteQuestion, Quoted } from '../../model/service.ts'
import type { Learning } from '../costs/learning.ts'
import { asAsked } from './as-asked.ts'
import { demandsOf } from './demands-of.ts'

/** What a quote rests on. */
export interface QuoteBasis {
  readonly learning: Pick<Learning, 'estimate'>
  /** What is known of the peers: see `Placer.tableOf`. */
  readonly table: PlacementTable
  readonly strategyOf: (fn: FunctionRecord) => Strategy
  readonly random: Random
  /** Whether calls are placed by this peer, so that its table says whose turn it is. */
  readonly isOrchestrator: boolean
}

/**
 * Places a call that does not come: the same rules over the same table as for a call, but for the orders that this peer has out. Changes nothing.
 */
export function quoteCall(fn: FunctionRecord, { inputBytes, params, asked }: QuoteQuestion, basis: QuoteBasis): Quoted {
  const wanted = asAsked(fn, asked)
  const { learning, table, strategyOf, random, isOrchestrator } = basis
  const strategy = strategyOf(wanted)
  const estimate = learning.estimate({ function: functionKey(fn), digest: fn.digest, contract: fn.contract, inputBytes, params })
  const decision = place(
    {
      invocation: 'i-quote' as InvocationId,
      ...demandsOf(wanted),
      inputBytes,
      exclude: [],
      deadlineMs: fn.timeoutMs,
      estimate
    },
    table,
    { random, strategy, kappa: 1 }
  )
  const { name, objective = 'balanced' } = strategy
  return {
    function: fn,
    inputBytes,
    params,
    asked,
    strategy: name,
    objective,
    estimate,
    decision,
    refusal: refusalText(decision, wanted.placement),
    ...(wanted.placement?.maxCostUsd === undefined ? {} : { limitSamples: DEADLINE_SAMPLES_MIN }),
    isForeseeable: name !== 'round-robin' || isOrchestrator
  }
}

import { CaresError } from '../../../model/errors.ts'
import { OBJECTIVES, type Objective, STRATEGY_NAMES, type StrategyName } from '../../../model/placement.ts'
import { whyNoPrices } from '../../../model/price.ts'
import { strategyText } from '../../view-model.ts'
import { type CommandContext, defineCommand } from '../command.ts'

interface StrategyOptions {
  objective?: Objective
  reset?: true
}

export const strategy = defineCommand<StrategyOptions>({
  args: [{ name: 'NAME', description: 'what to choose workers by from now on', required: false, choices: STRATEGY_NAMES }],
  description:
    'The cluster agrees on a strategy, which holds from the next call on, for whoever places it, until it is changed. Functions that say their own (cares upload --strategy) keep it.',
  options: [
    { flags: '--objective <AIM>', description: 'what the strategy cost saves', defaultText: 'balanced', choices: OBJECTIVES },
    { flags: '--reset', description: 'let each peer place by the strategy that it was started with' }
  ],
  examples: [
    { comment: 'How workers are chosen, and which functions choose otherwise', command: 'cares strategy' },
    { comment: 'Fill one machine before the next, so that the others can sleep', command: 'cares strategy greedy' },
    { comment: 'Save money where peers state prices', command: 'cares strategy cost --objective cheap' }
  ],
  async run(context) {
    const { client, note, signal } = context
    const wanted = wish(context)
    const now = wanted === undefined ? await client.strategy({ signal }) : await client.setStrategy(wanted, { signal })
    const { items } = await client.functions({ signal })
    if (wanted?.objective !== undefined && wanted.objective !== 'latency') {
      const { items: peers } = await client.peers({ signal })
      const why = whyNoPrices(peers.filter(({ runtime, state }) => runtime !== 'none' && state !== 'gone'))
      if (why !== undefined) note(`warning: ${why}`)
    }
    const others = items.flatMap(({ name, placement: { strategy: own, objective } = {} }) =>
      own === undefined && objective === undefined ? [] : [{ function: name, strategy: own ?? null, objective: objective ?? null }]
    )
    return {
      kind: 'item',
      data: { ...now, functions: others },
      names: [now.name],
      lines: () => [
        strategyText(now),
        ...others.map(each => {
          const own = [each.strategy, each.objective].filter(part => part !== null).join(', ')
          // Only this strategy knows of objectives.
          const isIdle = each.strategy === null && now.name !== 'cost'
          return `${each.function} has its own: ${own}${isIdle ? ', once the strategy is cost' : ''}`
        })
      ]
    }
  }
})

/** Undefined: only to be told. */
function wish({
  args: [name],
  options
}: CommandContext<StrategyOptions>): { name: StrategyName; objective?: Objective } | null | undefined {
  const { objective, reset = false } = options
  if (reset) {
    if (name !== undefined || objective !== undefined) throw new CaresError('invalid', '--reset takes no strategy and no objective')
    return null
  }
  if (name === undefined) {
    if (objective === undefined) return undefined
    throw new CaresError('invalid', 'an objective belongs to a strategy', { hint: `cares strategy cost --objective ${objective}` })
  }
  const known = STRATEGY_NAMES.find(each => each === name)
  if (known === undefined) throw new CaresError('invalid', `there is no strategy ${name}`)
  return { name: known, ...(objective === undefined ? {} : { objective }) }
}

import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import { strategyChooser } from '../../../src/simulate/replay/choosers.ts'
import { replay } from '../../../src/simulate/replay/replay.ts'
import type { ReplayInit, ReplayResult } from '../../../src/simulate/replay/replay-init.ts'
import type { Workload } from '../../../src/simulate/workload/workload.ts'

/** A run with `cost`, one placer, news every second, and nothing that goes wrong, but for what is given. */
export function runReplay(workload: Workload, fields: Partial<ReplayInit> & Pick<ReplayInit, 'fleet'>): ReplayResult {
  return replay({
    workload,
    chooser: strategyChooser('cost', COST),
    seed: 1,
    placers: 1,
    waitingOrder: 'interactive',
    sharesCores: true,
    gossipMs: 1_000,
    gossipDelayMs: 100,
    lossRatio: 0,
    keepAliveMs: 60_000,
    estimates: 0,
    crashesPerHour: 0,
    ...fields
  })
}

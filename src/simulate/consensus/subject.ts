import type { Subject } from '../subject.ts'
import type { Fault } from './faults.ts'
import { FAIR_QUALITY, type Knobs } from './knobs.ts'
import { planRun, simulateConsensus } from './simulate.ts'

/** The consensus core alone: thousands of seeds a minute. */
export const CONSENSUS: Subject<Knobs, Fault> = {
  name: 'consensus',
  plan: planRun,
  simulate: simulateConsensus,
  calmer: [
    { restlessRatio: 0 },
    { quality: FAIR_QUALITY },
    { dieAfterPersistRatio: 0 },
    { clockDriftRatio: 0 },
    { isGuarded: false },
    { preVote: true },
    { areTablesDurable: true },
    { compactAfterEntries: 1_000 },
    { jitterRatio: 1 },
    { fsyncMsMax: 1 },
    { isGrown: false }
  ],
  shrinkRunsMax: 400
}

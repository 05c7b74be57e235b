import type { AnySubject, Subject } from '../subject.ts'
import type { WholeFault } from './faults.ts'
import { FAIR_WIRES, type WholeKnobs } from './knobs.ts'
import { planWholeRun, simulateWhole } from './simulate.ts'

/** Whole peers of production code, from the gateway to the runtime: hundreds of seeds a minute. */
export const WHOLE: Subject<WholeKnobs, WholeFault> = {
  name: 'whole',
  plan: planWholeRun,
  simulate: simulateWhole,
  calmer: [
    { network: { wires: FAIR_WIRES, keepAliveMs: 20_000, gossipLossRatio: 0 } },
    { dieAfterWriteRatio: 0 },
    { clockDriftRatio: 0 },
    { fsyncMsMax: 0.5 },
    { uploadRatio: 0 },
    { cancelRatio: 0 },
    { callEveryMs: 100 },
    { idlePeersCount: 0 },
    { taskEveryMs: 0 },
    { taskLatencyMsMax: 5 },
    { servicesCount: 0 },
    { isGrown: false },
    { slotsCount: 16 }
  ],
  shrinkRunsMax: 80
}

/** The same, with clients that do little but submit tasks: what is wrong with tasks shows sooner. */
export const WHOLE_TASKS: AnySubject = {
  name: 'whole tasks',
  simulate: run => simulateWhole({ ...run, knobs: { taskEveryMs: 60, callEveryMs: 400 }, faults: undefined })
}

/** The same, with clients that want services above all. */
export const WHOLE_SERVICES: AnySubject = {
  name: 'whole services',
  simulate: run => simulateWhole({ ...run, knobs: { servicesCount: 2, callEveryMs: 400 }, faults: undefined })
}

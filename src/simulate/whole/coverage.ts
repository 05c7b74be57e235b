import { FAULT_NAMES, type FaultName } from './faults.ts'

/** How often runs of whole clusters went through what they are meant to try. */
export type WholeCoverage = {
  callsOk: number
  callsFailed: number
  callsCancelled: number
  uploadsOk: number
  uploadsRefused: number
  elections: number
  /** Runs in which clocks went faster or slower than time. */
  clockDrifts: number
  crashes: number
  /** A peer died when a write had become durable, before anybody heard of it. */
  diedAfterWrite: number
  freezes: number
  restarts: number
  leaves: number
  diskFailures: number
  silences: number
  connectionsLost: number
  /** Calls that their gateway placed itself. */
  fallbacks: number
  /** Gateways that asked a worker for the answer of a lost placer. */
  attaches: number
  /** … and got it, or its rest. */
  attachesAnswered: number
  /** … after a part of the answer had come from the placer. */
  attachesMidway: number
  /** … and were promised that it will never start. */
  withdrawals: number
  /** Orders that were refused because of such a promise. */
  withdrawnOrders: number
  /** Orders that were refused for being of another session or an older term. */
  staleOrders: number
  busyOrders: number
  /** Rounds after the first. */
  laterRounds: number
  /** Calls whose execution may have happened, as their clients were told. */
  unknownEnds: number
  /** Idempotent calls that were started more than once. */
  repeats: number
  tasksAccepted: number
  tasksRefused: number
  tasksSucceeded: number
  /** … after their last attempt has failed. */
  tasksDead: number
  tasksCancelled: number
  /** Submissions whose key was known already. */
  taskKeysRepeated: number
  /** Attempts that were given up with their worker. */
  taskAttemptsLost: number
  /** Attempts that were handed back and do not count. */
  taskAttemptsReturned: number
  /** Reports of attempts that were not under way any more. */
  taskReportsLate: number
  /** Programs that ended with their lease, or with their peer. */
  taskProgramsKilled: number
  /** Services that run at the end. */
  servicesServing: number
  /** Attempts of services after the first. */
  servicesStartedAgain: number
  /** Workers that came back to an orchestrator that had given their session up. */
  taskSessionsBurned: number
} & { -readonly [Name in `fault: ${FaultName}`]: number }

/** Counters that start at 0. */
export function emptyWholeCoverage(): WholeCoverage {
  return {
    callsOk: 0,
    callsFailed: 0,
    callsCancelled: 0,
    uploadsOk: 0,
    uploadsRefused: 0,
    elections: 0,
    clockDrifts: 0,
    crashes: 0,
    diedAfterWrite: 0,
    freezes: 0,
    restarts: 0,
    leaves: 0,
    diskFailures: 0,
    silences: 0,
    connectionsLost: 0,
    fallbacks: 0,
    attaches: 0,
    attachesAnswered: 0,
    attachesMidway: 0,
    withdrawals: 0,
    withdrawnOrders: 0,
    staleOrders: 0,
    busyOrders: 0,
    laterRounds: 0,
    unknownEnds: 0,
    repeats: 0,
    tasksAccepted: 0,
    tasksRefused: 0,
    tasksSucceeded: 0,
    tasksDead: 0,
    tasksCancelled: 0,
    taskKeysRepeated: 0,
    taskAttemptsLost: 0,
    taskAttemptsReturned: 0,
    taskReportsLate: 0,
    taskProgramsKilled: 0,
    servicesServing: 0,
    servicesStartedAgain: 0,
    taskSessionsBurned: 0,
    ...(Object.fromEntries(FAULT_NAMES.map(name => [`fault: ${name}`, 0])) as Record<`fault: ${FaultName}`, number>)
  }
}

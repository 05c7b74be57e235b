import type { PeerId } from './ids.ts'

/** What an alert is about. */
export type AlertSubject =
  | { readonly kind: 'peer'; readonly id: PeerId; readonly name: string }
  | { readonly kind: 'function'; readonly id: string; readonly name: string }
  | { readonly kind: 'cluster'; readonly id: 'cluster'; readonly name: string }

/** `critical`: calls or agreed state suffer, or are about to. `warning`: they will, if it goes on. */
export const ALERT_SEVERITIES = ['warning', 'critical'] as const

/** See {@link ALERT_SEVERITIES}. */
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number]

/** What the value of a rule, and so its threshold, is measured in. A ratio goes from 0 to 1. */
export const ALERT_UNITS = ['ratio', 'milliseconds', 'count'] as const

/** See {@link ALERT_UNITS}. */
export type AlertUnit = (typeof ALERT_UNITS)[number]

/** When an alert is raised, and when it is taken back. The gap between the two, and the times, keep it from flapping. */
export interface AlertRule {
  readonly name: AlertRuleName
  readonly severity: AlertSeverity
  readonly unit: AlertUnit
  /** Raised when the value is at least this for `forMs`. */
  readonly raiseAt: number
  /** Taken back when the value has been below this for `clearForMs`. At most `raiseAt`. */
  readonly clearBelow: number
  readonly forMs: number
  readonly clearForMs: number
  /** What the value is. */
  readonly description: string
}

/** The rules there are. */
export const ALERT_RULE_NAMES = [
  'peer_gone',
  'runtime_down',
  'orchestrator_missing',
  'orchestrator_changed',
  'quorum_at_risk',
  'quorum_lost',
  'other_cluster',
  'snapshot_failed',
  'cpu_high',
  'memory_high',
  'disk_low',
  'clock_skew',
  'function_failures'
] as const
export type AlertRuleName = (typeof ALERT_RULE_NAMES)[number]

/** Thresholds that the operator sets, by rule: a number in the unit of the rule, or `off`. */
export type AlertThresholds = Readonly<Partial<Record<AlertRuleName, number | 'off'>>>

/** One alert: a rule whose condition holds, or has held, for one subject. */
export interface Alert {
  /** The rule and the subject's id: `disk_low/12D3…`. At most one alert of a key is raised at a time. */
  readonly key: string
  readonly rule: AlertRuleName
  readonly severity: AlertSeverity
  readonly subject: AlertSubject
  readonly state: 'raised' | 'cleared'
  readonly raisedAt: string
  /** Once cleared. */
  readonly clearedAt?: string | undefined
  /** The newest value, in the unit of the rule. */
  readonly value: number
  readonly threshold: number
  readonly unit: AlertUnit
  /** What is wrong, as a sentence. */
  readonly message: string
}

/** The rules with the thresholds that hold where the operator gives none. */
const DEFAULT_RULES: readonly AlertRule[] = [
  {
    name: 'peer_gone',
    severity: 'critical',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 0,
    // It cannot flap: to be gone once more, a peer must be silent for as long again.
    clearForMs: 0,
    description: '1 while a member has been silent for so long that it counts as gone'
  },
  {
    name: 'runtime_down',
    severity: 'critical',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 15_000,
    clearForMs: 5_000,
    description: '1 while the container engine of a worker does not answer'
  },
  {
    name: 'orchestrator_missing',
    severity: 'critical',
    unit: 'milliseconds',
    raiseAt: 10_000,
    clearBelow: 1,
    forMs: 0,
    clearForMs: 2_000,
    description: 'time since an orchestrator was known'
  },
  {
    name: 'orchestrator_changed',
    severity: 'warning',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 0,
    clearForMs: 0,
    description: 'changes of orchestrator within the last five minutes, the first one of a session aside'
  },
  {
    name: 'quorum_at_risk',
    severity: 'warning',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 5_000,
    clearForMs: 5_000,
    description: '1 while the loss of one more voter would leave the cluster without a majority'
  },
  {
    name: 'quorum_lost',
    severity: 'critical',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 5_000,
    clearForMs: 5_000,
    description: '1 while fewer voters take part than are needed, so that nothing can be agreed'
  },
  {
    name: 'other_cluster',
    severity: 'critical',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 0,
    clearForMs: 0,
    description: 'addresses that this peer was given (--bootstrap) at which peers of another cluster answer'
  },
  {
    name: 'snapshot_failed',
    severity: 'critical',
    unit: 'count',
    raiseAt: 1,
    clearBelow: 1,
    forMs: 0,
    clearForMs: 5_000,
    description: '1 while a peer cannot make or read a snapshot of what is agreed, so that peers stay behind'
  },
  {
    name: 'cpu_high',
    severity: 'warning',
    unit: 'ratio',
    raiseAt: 0.95,
    clearBelow: 0.85,
    forMs: 120_000,
    clearForMs: 60_000,
    description: 'CPU in use on the machine of a peer, of its capacity'
  },
  {
    name: 'memory_high',
    severity: 'warning',
    unit: 'ratio',
    raiseAt: 0.92,
    clearBelow: 0.87,
    forMs: 60_000,
    clearForMs: 60_000,
    description: 'memory in use on the machine of a peer, of its capacity'
  },
  {
    name: 'disk_low',
    severity: 'critical',
    unit: 'ratio',
    raiseAt: 0.9,
    clearBelow: 0.88,
    forMs: 10_000,
    clearForMs: 30_000,
    description: 'disk in use on the machine of a peer, of its capacity'
  },
  {
    name: 'clock_skew',
    severity: 'warning',
    unit: 'milliseconds',
    raiseAt: 2_000,
    clearBelow: 1_000,
    forMs: 30_000,
    clearForMs: 30_000,
    description: 'how far the wall clock of a peer is from that of this peer'
  },
  {
    name: 'function_failures',
    severity: 'warning',
    unit: 'ratio',
    raiseAt: 0.2,
    clearBelow: 0.05,
    forMs: 0,
    clearForMs: 60_000,
    description: 'calls of a function through this peer that failed, of those that ended within the last minute, if at least 10 did'
  }
]

/** What a rule's raising threshold is multiplied by to get its clearing threshold: the default rule's proportion holds for an operator's own threshold, too. */
function hysteresis({ raiseAt, clearBelow }: AlertRule): number {
  return clearBelow / raiseAt
}

/** The rules with an operator's thresholds; those that are `off` are left out. */
export function alertRules(thresholds: AlertThresholds = {}): readonly AlertRule[] {
  return DEFAULT_RULES.flatMap(rule => {
    const own = thresholds[rule.name]
    if (own === undefined) return [rule]
    return own === 'off' ? [] : [{ ...rule, raiseAt: own, clearBelow: own * hysteresis(rule) }]
  })
}

/** State of the alert webhook. Counts are since the peer started. */
export interface WebhookReport {
  readonly delivered: number
  /** Given up after all tries. */
  readonly failed: number
  readonly waiting: number
  readonly lastError: string | null
}

/** The alerts that are raised now, and those that were cleared lately. */
export interface AlertReport {
  /** Most severe first, then the newest. */
  readonly raised: readonly Alert[]
  /** The last that were cleared, newest first. */
  readonly recent: readonly Alert[]
  readonly rules: readonly AlertRule[]
  /** Null: none is configured. */
  readonly webhook: WebhookReport | null
}

import { type Alert, type AlertReport, alertRules, type AlertRuleName, type AlertThresholds } from '../../model/alerts.ts'
import { membersOf } from '../../core/consensus/log.ts'
import type { AlertSink } from '../../model/ports/alert-sink.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import { type AlertState, judge, NO_ALERTS, raisedIn } from './alert-judge.ts'
import { alertSamples } from './alert-samples.ts'
import type { Consensus } from '../agreement/consensus.ts'
import type { EventLog } from './event-log.ts'
import type { History } from './history.ts'
import type { Members } from '../members/members.ts'

/** Peers say how they are once a second. */
const LOOK_MS = 1_000
/** Steps of history that a share of failures is taken of: a minute. */
const FAILURE_STEPS = 12
/** How long a change of orchestrator counts. */
const CHANGE_KEPT_MS = 5 * 60_000
/** Most changes that are counted; with more, their number does not matter. */
const CHANGES_MAX = 100
const RECENT_MAX = 100

/** Rules by what only this peer knows, so that it must report them itself. */
const OWN: ReadonlySet<AlertRuleName> = new Set(['function_failures', 'other_cluster'])

export interface AlertsComponents {
  readonly consensus: Consensus
  readonly members: Members
  readonly history: History
  readonly events: EventLog
  /** See `SeedCheck`. */
  readonly foreignSeeds: () => readonly string[]
  readonly clock: Clock
  /** Absent: nobody outside is told. */
  readonly sink?: AlertSink | undefined
}

/**
 * Watches for what its operator should know, by rules with thresholds. Every peer judges for itself, as every peer answers for itself; of a cluster
 * the orchestrator alone tells the sink, or everyone while there is none. So it is told at least once, and after a change of orchestrator perhaps
 * again, under the same key.
 */
export class Alerts implements Startable {
  readonly #components: AlertsComponents
  readonly #rules: AlertReport['rules']
  /** Keys that the sink was given as raised. */
  readonly #told = new Set<string>()
  #state: AlertState = NO_ALERTS
  #recent: readonly Alert[] = []
  #changesMs: readonly number[] = []
  #ledMs: number
  #timer: Disposable | undefined
  #watch: Disposable | undefined

  constructor({ thresholds }: { thresholds?: AlertThresholds | undefined }, components: AlertsComponents) {
    this.#components = components
    this.#rules = alertRules(thresholds)
    this.#ledMs = components.clock.nowMs()
  }

  async start(): Promise<void> {
    const { clock, events, sink } = this.#components
    await sink?.start()
    this.#timer ??= clock.every(LOOK_MS, () => this.#look())
    let known = false
    this.#watch ??= events.subscribe(({ type, data }) => {
      if (type !== 'orchestrator:changed' || data.orchestrator === null) return
      if (known) this.#changesMs = [...this.#changesMs, clock.nowMs()].slice(-CHANGES_MAX)
      known = true
    })
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#watch?.[Symbol.dispose]()
    this.#timer = this.#watch = undefined
    await this.#components.sink?.stop()
  }

  report(): AlertReport {
    const { sink } = this.#components
    return { raised: raisedIn(this.#state), recent: this.#recent, rules: this.#rules, webhook: sink?.report() ?? null }
  }

  #look(): void {
    const { consensus, members, history, events, clock, foreignSeeds } = this.#components
    const nowMs = clock.nowMs()
    const { configuration, role } = consensus
    if (role.leader !== null) this.#ledMs = nowMs
    this.#changesMs = this.#changesMs.filter(atMs => nowMs - atMs < CHANGE_KEPT_MS)
    const samples = alertSamples({
      views: members.views(),
      members: membersOf(configuration),
      voters: configuration.voters,
      leaderlessMs: nowMs - this.#ledMs,
      changes: this.#changesMs.length,
      orchestrator: role.leader === null ? null : members.nameOf(role.leader),
      foreignSeeds: foreignSeeds(),
      nameOf: peer => members.nameOf(peer),
      skewMs: peer => members.skewMs(peer),
      calls: history.functions().map(name => history.recent(name, FAILURE_STEPS))
    })
    const { state, raised, cleared } = judge(this.#state, samples, { rules: this.#rules, nowMs, at: clock.timestamp() })
    this.#state = state
    this.#recent = [...cleared.toReversed(), ...this.#recent].slice(0, RECENT_MAX)
    for (const alert of raised) events.emit('alert:raised', alert)
    for (const alert of cleared) events.emit('alert:cleared', alert)
    this.#tell(cleared)
  }

  #tell(cleared: readonly Alert[]): void {
    const { sink, consensus } = this.#components
    if (sink === undefined) return
    const isOnDuty = consensus.role.leader === null || consensus.role.leader === consensus.self
    const isMine = ({ rule }: Alert): boolean => isOnDuty || OWN.has(rule)
    for (const alert of raisedIn(this.#state)) {
      if (!isMine(alert) || this.#told.has(alert.key)) continue
      this.#told.add(alert.key)
      sink.deliver(alert)
    }
    for (const alert of cleared) if (this.#told.delete(alert.key) && isMine(alert)) sink.deliver(alert)
  }
}

import type { AlertThresholds } from '../../model/alerts.ts'
import type { ClusterUid } from '../../model/ids.ts'
import type { InvocationRecord, StartKind } from '../../model/invocation.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { AlertSink } from '../../model/ports/alert-sink.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { ServiceCounters } from '../../model/service.ts'
import type { Seed } from '../agreement/joining.ts'
import { SeedCheck } from '../agreement/seed-check.ts'
import { Alerts } from './alerts.ts'
import type { ChangeSignal } from '../change-signal.ts'
import type { Consensus } from '../agreement/consensus.ts'
import type { EventLog } from './event-log.ts'
import { History } from './history.ts'
import type { InvocationBook } from '../calls/invocation-book.ts'
import { isTooDear } from '../calls/unplaceable.ts'
import type { Members } from '../members/members.ts'

/** Functions that are counted one by one; further ones are counted together. */
const COUNTED_FUNCTIONS_MAX = 1_000

export interface ObserversComponents {
  readonly consensus: Consensus
  readonly members: Members
  readonly book: InvocationBook
  readonly events: EventLog
  /** Tells of each event, and of each change of what is known of the peers. */
  readonly changes: ChangeSignal
  /** How many calls wait for room at this peer, as their placer. */
  readonly waiting: () => number
  /** The cluster of this peer; null while, or when, it is in none. */
  readonly cluster: () => ClusterUid | null
  readonly transport: Transport
  readonly profile: () => PeerProfile
  /** Where this peer was told to find its cluster. */
  readonly seeds: readonly Seed[]
  readonly clock: Clock
  readonly log: Logger
  /** Who is told of alerts. */
  readonly alertSink?: AlertSink | undefined
}

/** Those who only watch: what they keep is for people, and nothing is decided by it. */
export class Observers implements Startable {
  readonly changes: ChangeSignal
  readonly history: History
  readonly alerts: Alerts
  readonly #components: ObserversComponents
  readonly #seeds: SeedCheck
  readonly #starts = new Map<string, Map<StartKind, number>>()
  #watch: Disposable | undefined

  constructor({ thresholds }: { thresholds?: AlertThresholds | undefined }, components: ObserversComponents) {
    const { members, clock, log, alertSink } = components
    this.#components = components
    this.changes = components.changes
    this.history = new History({ clock, views: () => members.views() })
    this.#seeds = new SeedCheck({ ...components, log: log.child('seeds') })
    const foreignSeeds = (): readonly string[] => this.#seeds.foreign
    this.alerts = new Alerts({ thresholds }, { ...components, foreignSeeds, history: this.history, sink: alertSink })
  }

  /** Numbers for `/metrics`. */
  counters(): Pick<ServiceCounters, 'starts' | 'waiting'> {
    const starts = [...this.#starts].flatMap(([fn, counts]) => [...counts].map(([start, count]) => ({ function: fn, start, count })))
    return { starts, waiting: this.#components.waiting() }
  }

  async start(): Promise<void> {
    const { events, changes, book, log } = this.#components
    this.#watch ??= events.subscribe(event => {
      changes.notify()
      // With the worker's own line, an invocation can be followed by its id through the logs of all peers.
      if (event.type === 'invocation:placed' || event.type === 'invocation:finished') log.debug(event.data, event.type)
      if (event.type !== 'invocation:finished') return
      const { invocation, function: fn, status, code, totalMs } = event.data
      const record = book.find(invocation)
      const failed = code === null ? status >= 500 : code !== 'cancelled' && !isOverOwnLimit(code, record)
      const start = record?.start
      this.history.count({ function: fn, totalMs, failed, cold: start === 'cold' })
      if (start !== undefined) this.#count(fn, start)
    })
    await this.history.start()
    await this.#seeds.start()
    await this.alerts.start()
  }

  async stop(): Promise<void> {
    await this.alerts.stop()
    await this.#seeds.stop()
    await this.history.stop()
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
  }

  #count(fn: string, start: StartKind): void {
    const row = this.#starts.has(fn) || this.#starts.size < COUNTED_FUNCTIONS_MAX ? fn : 'other'
    const counts = this.#starts.get(row) ?? new Map<StartKind, number>()
    counts.set(start, (counts.get(start) ?? 0) + 1)
    this.#starts.set(row, counts)
  }
}

/** Whether a call was refused by the limit of costs that it brought itself: nothing is wrong with its function, or with the cluster. */
export function isOverOwnLimit(code: string, record: Pick<InvocationRecord, 'receipts'> | undefined): boolean {
  const receipt = record?.receipts.at(-1)
  return (
    code === 'no_capacity' && receipt?.asked?.maxCostUsd !== undefined && receipt.decision.chosen === null && isTooDear(receipt.decision)
  )
}

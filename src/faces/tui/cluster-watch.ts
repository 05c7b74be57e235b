import type { Clock } from '../../model/ports/clock.ts'
import type { Invocation } from '../../model/rest-invocations.ts'
import type { EventItem } from '../../model/rest-events.ts'
import type { CaresClient } from '../client.ts'
import { type Look, SAMPLES_MAX } from './cluster-data.ts'
import { toCaresError } from '../../model/errors.ts'
import { type NetworkCounters, networkRate, readNetworkCounters } from './network-rate.ts'

/** Between two looks: peers tell about themselves once a second. */
const LOOK_INTERVAL_MS = 1_000

/** A peer answers from memory; one that takes longer is shown as not answering. */
const LOOK_TIMEOUT_MS = 4_000

/** Functions and the newest calls change more slowly than they cost to ask for: every so many looks. */
const SELDOM_LOOKS = 2

/** Between two questions how the calls went: a step of that history. */
const CALLS_EVERY_MS = 5_000

/** How long the charts are: what was before this screen was opened, its peer knows. */
const HISTORY_MS = SAMPLES_MAX * 1_000

/** Newest calls that are read, to see which wait and which have ended. */
const INVOCATIONS_READ = 500

/** Of these, those that are read only to see which have ended since the last look, a second ago. */
const ENDS_READ = 200

/** Newest tasks that are listed; older ones are for the command line. */
const TASKS_READ = 200

/** Functions whose waiting is explained; more do not fit on the screen. */
const EXPLAINED_MAX = 4

/** Events that wait for the next picture; of more, the oldest are not shown. */
const PENDING_MAX = 5_000

/** What the watch needs. */
export interface ClusterWatchComponents {
  readonly client: CaresClient
  readonly clock: Clock
  /** How often the newest calls are asked for, which every peer of the cluster is asked for in turn: at each look, at some, or at none. */
  readonly wantsInvocations: () => 'often' | 'seldom' | 'never'
  /** Whether somebody looks at how the calls went, and why some wait. */
  readonly wantsCallHistory: () => boolean
  /** Whether somebody looks at the tasks. */
  readonly wantsTasks: () => boolean
  /** A look has failed; the next ones go on. */
  readonly onUnreachable: (reason: string) => void
}

/** Follows one cluster through one of its peers: looks once a second, listens to its events, and goes on when the peer comes back. */
export class ClusterWatch {
  readonly #components: ClusterWatchComponents
  readonly #stopping = new AbortController()
  #events: EventItem[] = []
  #look: Look | undefined
  #hasLooked = false
  #counters: NetworkCounters | undefined
  #knowsHistory = false
  #callsAskedAtMs = Number.NEGATIVE_INFINITY

  constructor(components: ClusterWatchComponents) {
    this.#components = components
    void this.#lookOn()
    void this.#listenOn()
  }

  /** Events that wait to be taken, or for the first look. */
  get pending(): number {
    return this.#events.length
  }

  /** What has come since this was asked last. Events wait for the first look, which tells the names of the peers that they are about. */
  take(): { readonly look: Look | undefined; readonly events: readonly EventItem[] } {
    this.#hasLooked ||= this.#look !== undefined
    if (!this.#hasLooked) return { look: undefined, events: [] }
    const taken = { look: this.#look, events: this.#events }
    this.#look = undefined
    this.#events = []
    return taken
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #lookOn(): Promise<void> {
    const { signal } = this.#stopping
    const { clock, onUnreachable } = this.#components
    for (let count = 0; !signal.aborted; count++) {
      try {
        this.#look = await this.#lookOnce(count % SELDOM_LOOKS === 0)
      } catch (error) {
        if (signal.aborted) return
        onUnreachable(toCaresError(error).message)
      }
      await this.#pause(clock)
    }
  }

  async #lookOnce(isFull: boolean): Promise<Look> {
    const { client, clock, wantsInvocations, wantsCallHistory, wantsTasks } = this.#components
    const options = { signal: AbortSignal.any([this.#stopping.signal, clock.timeout(LOOK_TIMEOUT_MS)]) }
    const often = wantsInvocations()
    const [peers, cluster, stats, functions, invocations, tasks] = await Promise.all([
      client.peers(options),
      client.cluster(options),
      client.stats(options),
      isFull ? client.functions(options) : undefined,
      often === 'often' || (often === 'seldom' && isFull)
        ? client.invocations({ ...options, limit: wantsCallHistory() ? INVOCATIONS_READ : ENDS_READ })
        : undefined,
      wantsTasks() ? client.tasks({ ...options, limit: TASKS_READ }) : undefined
    ])
    const alerts = isFull ? await client.alerts(options) : undefined
    const history = this.#knowsHistory ? undefined : await client.statsHistory({ ...options, sinceMs: HISTORY_MS, functions: ['none'] })
    this.#knowsHistory = true
    return {
      history,
      calls: wantsCallHistory() ? await this.#calls(options) : undefined,
      waitingWhy:
        isFull && invocations !== undefined && wantsCallHistory() ? await this.#whyWaiting(invocations.items, options) : undefined,
      peers: peers.items,
      cluster,
      stats,
      functions: functions?.items,
      alerts: alerts?.items,
      invocations,
      tasks,
      networkRate: await this.#networkRate()
    }
  }

  /** How the calls of the whole cluster went; undefined when that was asked a moment ago. */
  async #calls(options: { signal: AbortSignal }): Promise<Look['calls']> {
    const { client, clock } = this.#components
    if (clock.nowMs() - this.#callsAskedAtMs < CALLS_EVERY_MS) return undefined
    this.#callsAskedAtMs = clock.nowMs()
    return await client.statsHistory({ ...options, sinceMs: HISTORY_MS, peers: ['none'] })
  }

  /** What stands in the way of the functions that have calls waiting: the same question that a new call of them would put. */
  async #whyWaiting(invocations: readonly Invocation[], options: { signal: AbortSignal }): Promise<ReadonlyMap<string, string>> {
    const { client } = this.#components
    const names = new Set(invocations.filter(({ state }) => state === 'queued').map(call => call.function))
    const answers = await Promise.all(
      [...names].slice(0, EXPLAINED_MAX).map(async name => {
        // Only a remark beside the number of calls: a peer that cannot say it is no reason to show nothing.
        const quote = await client.quote(name, options).catch(() => undefined)
        return [name, quote?.peer === null ? quote.why : ''] as const
      })
    )
    return new Map(answers)
  }

  /** Only of a peer on this machine: the counters are this machine's. */
  async #networkRate(): Promise<Look['networkRate']> {
    const { client, clock } = this.#components
    if (!LOOPBACK.test(client.api)) return undefined
    const before = this.#counters
    this.#counters = await readNetworkCounters(clock.nowMs())
    return before === undefined || this.#counters === undefined ? undefined : networkRate(before, this.#counters)
  }

  async #listenOn(): Promise<void> {
    const { signal } = this.#stopping
    const { client, clock } = this.#components
    while (!signal.aborted) {
      try {
        for await (const event of client.events({ follow: true, signal })) {
          this.#events.push(event)
          if (this.#events.length > PENDING_MAX) this.#events.shift()
        }
      } catch {
        // That the peer does not answer is told by the looks, which fail for the same reason.
      }
      await this.#pause(clock)
    }
  }

  async #pause(clock: Clock): Promise<void> {
    await clock.sleep(LOOK_INTERVAL_MS, { signal: this.#stopping.signal }).catch(() => {
      // Stopped meanwhile: the loops see that themselves.
    })
  }
}

const LOOPBACK = /^https?:\/\/(127\.|localhost\b|\[::1\])/

import { toCaresError } from '../../model/errors.ts'
import {
  type ClusterHistory,
  type FunctionHistory,
  HISTORY,
  newest,
  type PeerHistory,
  type Series,
  sumFunctions
} from '../../model/history.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { untilAborted } from '../../model/until-aborted.ts'
import { converse } from '../agreement/control-client.ts'
import type { History } from './history.ts'

/** Longest wait for a peer, which answers from memory. A slower one is left out and named: a chart now is worth more than a complete one later. */
const ANSWER_WITHIN_MS = 1_000

/**
 * The stretches of time that other peers are asked for; a reader of less is given a part of one. So all who look at one stretch share one question to
 * each peer and step. The first is what screens show by themselves, the others are as far as each resolution goes back.
 */
const STRETCHES_MS = [15 * 60_000, HISTORY.fine.stepMs * HISTORY.fine.steps, HISTORY.coarse.stepMs * HISTORY.coarse.steps] as const

/** What a {@link ClusterHistoryReader} needs around it. */
export interface ClusterHistoryComponents {
  /** The calls through this peer, and what it has heard of all peers. */
  readonly history: History
  /** Peers that may be asked. */
  readonly others: () => readonly PeerId[]
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

type Calls = Pick<ClusterHistory, 'functions' | 'missing'>

/** The calls of the cluster in one stretch, and the step for which that was asked. */
interface Gathered {
  readonly endedAtMs: number
  readonly calls: Promise<Calls>
}

/**
 * What has been in the whole cluster. What the peers used is known here from gossip; how calls went only their gateways know, and they are asked while
 * somebody looks: each once a step (5 s, or a minute for more than an hour), however many look.
 */
export class ClusterHistoryReader {
  readonly #components: ClusterHistoryComponents
  readonly #gathered = new Map<(typeof STRETCHES_MS)[number], Gathered>()

  constructor(components: ClusterHistoryComponents) {
    this.#components = components
  }

  /** The steps that are over and began within the last `sinceMs`, at most a day. Without `functions` nobody is asked. */
  async read(
    { sinceMs, functions }: { sinceMs: number; functions: boolean },
    { signal }: { signal: AbortSignal }
  ): Promise<ClusterHistory> {
    const own = this.#components.history.read({ sinceMs })
    if (!functions) return { ...own, functions: [], missing: [] }
    const calls = await untilAborted(this.#callsOf(sinceMs), signal)
    // Others may remember longer than this peer has lived.
    const longest = Math.max(own.steps, ...calls.functions.map(history => history.calls.length))
    const steps = Math.min(Math.ceil(sinceMs / own.stepMs), longest)
    return {
      ...own,
      steps,
      peers: own.peers.map(peer => newestOfPeer(peer, steps)),
      functions: calls.functions.map(history => newestOfFunction(history, steps)),
      missing: calls.missing
    }
  }

  async #callsOf(sinceMs: number): Promise<Calls> {
    const stretchMs = STRETCHES_MS.find(stretch => stretch >= sinceMs) ?? STRETCHES_MS[2]
    const { history, clock } = this.#components
    const own = history.read({ sinceMs: stretchMs })
    const endedAtMs = Math.round(clock.nowMs() - own.ageMs)
    let gathered = this.#gathered.get(stretchMs)
    // A step is as long as it is, but for rounding.
    if (gathered === undefined || endedAtMs - gathered.endedAtMs > own.stepMs / 2) {
      gathered = { endedAtMs, calls: this.#gather(stretchMs, own.stepMs, own.functions) }
      this.#gathered.set(stretchMs, gathered)
    }
    return await gathered.calls
  }

  async #gather(sinceMs: number, stepMs: number, own: readonly FunctionHistory[]): Promise<Calls> {
    const { others, transport, clock, log } = this.#components
    const signal = clock.timeout(ANSWER_WITHIN_MS)
    const missing: PeerId[] = []
    const told = await Promise.all(
      others().map(async peer => {
        const histories: FunctionHistory[] = []
        try {
          for await (const answer of converse(transport, peer, { type: 'history', sinceMs }, { signal }))
            if (answer.type === 'function-history' && answer.stepMs === stepMs) histories.push(answer.history)
          return histories
        } catch (err) {
          log.debug({ peer, code: toCaresError(err).code }, 'the history of a peer is missing')
          missing.push(peer)
          return []
        }
      })
    )
    return { functions: sumFunctions([...own, ...told.flat()]), missing }
  }
}

function newestOfPeer({ id, name, ...series }: PeerHistory, steps: number): PeerHistory {
  const cut = Object.entries(series).map(([key, values]) => [key, newest(values, steps, null)] as const)
  return { id, name, ...(Object.fromEntries(cut) as Record<keyof typeof series, Series>) }
}

function newestOfFunction({ name, calls, failed, cold, latency }: FunctionHistory, steps: number): FunctionHistory {
  return {
    name,
    calls: newest(calls, steps, 0),
    failed: newest(failed, steps, 0),
    cold: newest(cold, steps, 0),
    latency: newest(latency, steps, null)
  }
}

import { toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import {
  INVOCATIONS_LISTED_MAX,
  type InvocationListing,
  type InvocationQuery,
  type InvocationSummary,
  newestOf
} from '../../model/invocation-list.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { untilAborted } from '../../model/until-aborted.ts'
import { converse } from '../agreement/control-client.ts'
import type { InvocationBook } from '../calls/invocation-book.ts'

/** Longest wait for a gateway, which answers from memory. A slower one is left out and named: lists are refreshed all the time anyway. */
const ANSWER_WITHIN_MS = 1_000

/** Lists whose end is remembered, and for how long: a page that is looked at asks once a second. */
const ENDS_MAX = 64
const END_KEPT_MS = 10_000

export interface ClusterInvocationsComponents {
  /** The invocations through this peer. */
  readonly book: Pick<InvocationBook, 'summaries'>
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

/**
 * The newest invocations of the whole cluster. Only its gateway knows a call, so gateways are asked when somebody looks. Who looks again and again has
 * each told only what is newer than the end of the last list: what travels is one list and the calls since, however many peers there are.
 */
export class ClusterInvocations {
  readonly #components: ClusterInvocationsComponents
  /** Questions under way: whoever asks the same meanwhile shares the answer. */
  readonly #asking = new Map<string, Promise<InvocationListing>>()
  /** The oldest of the last full list for a question. Only newer ones can be in the next. */
  readonly #ends = new Map<string, { readonly since: string; readonly atMs: number }>()

  constructor(components: ClusterInvocationsComponents) {
    this.#components = components
  }

  /** The newest through this peer, if it is one of the `gateways`, and through the others of them that answer within a second. */
  async list(query: InvocationQuery, gateways: readonly PeerId[], { signal }: { signal: AbortSignal }): Promise<InvocationListing> {
    const { book, transport } = this.#components
    const others = gateways.filter(peer => peer !== transport.self)
    const told = others.length === 0 ? { items: [], missing: [] } : await untilAborted(this.#askOnce(query, others), signal)
    const own = others.length === gateways.length ? [] : book.summaries(query)
    return { items: newestOf([own, told.items], query.limit), missing: told.missing }
  }

  #askOnce(query: InvocationQuery, others: readonly PeerId[]): Promise<InvocationListing> {
    const key = JSON.stringify([query.function, query.state, query.limit, others])
    const asked = this.#asking.get(key)
    if (asked !== undefined) return asked
    const asking = this.#ask(query, others, key).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  async #ask(query: InvocationQuery, others: readonly PeerId[], key: string): Promise<InvocationListing> {
    const { transport, clock, log } = this.#components
    const signal = clock.timeout(ANSWER_WITHIN_MS)
    const since = this.#sinceOf(key)
    const request = { type: 'invocations', query: { ...query, since } } as const
    const missing: PeerId[] = []
    const lists = await Promise.all(
      others.map(async peer => {
        const items: InvocationSummary[] = []
        try {
          for await (const answer of converse(transport, peer, request, { signal }))
            if (answer.type === 'summary' && items.length < INVOCATIONS_LISTED_MAX) items.push(answer.invocation)
          return items
        } catch (err) {
          log.debug({ peer, code: toCaresError(err).code }, 'the invocations of a peer are missing')
          missing.push(peer)
          return []
        }
      })
    )
    const items = newestOf(lists, query.limit)
    this.#remember(key, query, items)
    return { items, missing }
  }

  #sinceOf(key: string): string | undefined {
    const end = this.#ends.get(key)
    return end !== undefined && this.#components.clock.nowMs() - end.atMs < END_KEPT_MS ? end.since : undefined
  }

  /** Calls come to a list at its new end only, but for those of one state, which leave it, too; a list with room left may hold older ones any time. */
  #remember(key: string, { state, limit }: InvocationQuery, items: readonly InvocationSummary[]): void {
    const oldest = items[limit - 1]
    this.#ends.delete(key)
    if (oldest === undefined || state !== undefined) return
    const [first] = this.#ends.keys()
    if (this.#ends.size >= ENDS_MAX && first !== undefined) this.#ends.delete(first)
    this.#ends.set(key, { since: oldest.acceptedAt, atMs: this.#components.clock.nowMs() })
  }
}

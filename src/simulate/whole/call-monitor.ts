import type { Attempt, InvocationId, PeerId, Session, Term } from '../../model/ids.ts'
import type { ExecuteDown, ExecuteUp, InvokeDown, InvokeUp, Order } from '../../model/invocation.ts'
import { Violation } from '../violation.ts'
import type { WholeCoverage } from './coverage.ts'
import type { Tapped } from './tap.ts'

/** What the monitor must know of a peer of which it hears. */
export interface Overheard {
  readonly id: PeerId
  readonly session: Session
  /** The newest term on its disk. */
  readonly diskTerm: () => Term
}

/**
 * Hears what peers say to each other about calls, and throws a `Violation` when it is more than they may: an order that its gateway has not
 * acknowledged or that was given before, a start after the promise that there will be none, a start for another session or an older term.
 */
export class CallMonitor {
  readonly #coverage: WholeCoverage
  readonly #acknowledged = new Set<string>()
  readonly #ordered = new Set<string>()
  /** By worker and invocation: the last round that will not start there. */
  readonly #withdrawn = new Map<string, number>()
  /** By worker and invocation: the order that it took in last. */
  readonly #orders = new Map<string, Order>()
  readonly #placers = new Map<Term, PeerId>()
  /** What an exchange was opened with. */
  readonly #calls = new WeakMap<object, Extract<InvokeUp, { type: 'call' }>>()
  readonly #attaches = new WeakMap<object, Extract<ExecuteUp, { type: 'attach' }>>()

  constructor(coverage: WholeCoverage) {
    this.#coverage = coverage
  }

  onMessage(peer: Overheard, { protocol, exchange, way, message, remote }: Tapped): void {
    if (protocol === 'invoke' && way === 'is asked') this.#onCallIn(exchange, message)
    else if (protocol === 'invoke' && way === 'is answered') this.#onCallAnswered(message)
    else if (protocol === 'execute' && way === 'asks') this.#onOrderOut(peer, exchange, message)
    else if (protocol === 'execute' && way === 'is asked') this.#onOrderIn(peer, exchange, message)
    else if (protocol === 'execute' && way === 'answers') this.#onOrderAnswered(peer, exchange, message)
    else if (protocol === 'execute' && way === 'is answered') this.#onAttachAnswered(exchange, message, remote)
    else if (protocol === 'task' && way === 'is answered' && message.type === 'burned') this.#coverage.taskSessionsBurned += 1
  }

  /** A worker starts an execution. */
  onStart({ id, session, diskTerm }: Overheard, invocation: InvocationId): void {
    const key = `${id} ${invocation}`
    const order = this.#orders.get(key)
    if (order === undefined) throw new Violation(`${id} starts ${invocation}, which nobody has ordered there`)
    const { attempt, placement, term } = order
    const withdrawn = this.#withdrawn.get(key) ?? 0
    if (attempt.round <= withdrawn) {
      throw new Violation(`${id} starts ${invocation} in round ${attempt.round}, and had promised not to do so up to round ${withdrawn}`)
    }
    if (order.session !== session) {
      throw new Violation(`${id} starts ${invocation} in session ${session}, by an order for session ${order.session}`)
    }
    if (placement === 'orchestrator' && term < diskTerm()) {
      throw new Violation(`${id} starts ${invocation} by an order of term ${term}, its disk says ${diskTerm()}`)
    }
  }

  #onCallIn(exchange: object, message: InvokeUp): void {
    if (message.type === 'call') this.#calls.set(exchange, message)
    const call = this.#calls.get(exchange)
    if (message.type === 'placed-ack' && call !== undefined) this.#acknowledged.add(attemptName(call.invocation, message.attempt))
    if (message.type === 'call' && message.round > 1) this.#coverage.laterRounds += 1
  }

  #onCallAnswered(message: InvokeDown): void {
    if (message.type === 'placed' && message.receipt.placement === 'fallback') this.#coverage.fallbacks += 1
  }

  #onOrderOut(placer: Overheard, exchange: object, message: ExecuteUp): void {
    if (message.type === 'attach') {
      this.#attaches.set(exchange, message)
      this.#coverage.attaches += 1
    }
    if (message.type !== 'order') return
    const { invocation, attempt, placement, term } = message.order
    const name = attemptName(invocation, attempt)
    if (!this.#acknowledged.has(name)) throw new Violation(`${placer.id} orders ${name}, which its gateway has not acknowledged`)
    if (this.#ordered.has(name)) throw new Violation(`${placer.id} orders ${name} twice`)
    this.#ordered.add(name)
    if (placement !== 'orchestrator') return
    const first = this.#placers.get(term) ?? placer.id
    this.#placers.set(term, first)
    if (first !== placer.id) throw new Violation(`${first} and ${placer.id} both place as orchestrators of term ${term}`)
  }

  #onOrderIn(worker: Overheard, exchange: object, message: ExecuteUp): void {
    if (message.type === 'order') this.#orders.set(`${worker.id} ${message.order.invocation}`, message.order)
    if (message.type === 'attach') this.#attaches.set(exchange, message)
  }

  #onOrderAnswered(worker: Overheard, exchange: object, message: ExecuteDown): void {
    const attach = this.#attaches.get(exchange)
    if (message.type === 'unknown' && attach !== undefined) {
      const key = `${worker.id} ${attach.invocation}`
      this.#withdrawn.set(key, Math.max(attach.round, this.#withdrawn.get(key) ?? 0))
      this.#coverage.withdrawals += 1
    }
    if (message.type === 'failed' && attach === undefined && !message.error.started) {
      if (message.error.code === 'stale') this.#coverage.staleOrders += 1
      if (message.error.code === 'withdrawn') this.#coverage.withdrawnOrders += 1
      if (message.error.code === 'busy') this.#coverage.busyOrders += 1
    }
  }

  #onAttachAnswered(exchange: object, message: ExecuteDown, worker: PeerId): void {
    const attach = this.#attaches.get(exchange)
    if (attach === undefined) return
    if (message.type === 'answer-end') {
      this.#coverage.attachesAnswered += 1
      if (attach.offset > 0) this.#coverage.attachesMidway += 1
    }
    if (message.type === 'accepted') throw new Violation(`${worker} asks an attached gateway for a body`)
  }
}

function attemptName(invocation: InvocationId, attempt: Attempt): string {
  return `${invocation} ${attempt.round}.${attempt.try}`
}

import type { Attempt, InvocationId, PeerId, Session, Term } from '../../model/ids.ts'
import type { ExecuteDown, ExecuteUp, InvokeDown, InvokeUp, Order, Placed } from '../../model/invocation.ts'
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

/** An order that is out, as its gateway knows. */
interface OutOrder {
  readonly name: string
  readonly order: Order
}

/**
 * Hears what peers say to each other about calls, and throws a `Violation` when it is more than they may: an order that nobody has placed, that was
 * given before, or while an earlier one may still run; a start after the promise that there will be none, for another session or of an older term.
 */
export class CallMonitor {
  readonly #coverage: WholeCoverage
  /** By attempt: where its gateway was told to order it. */
  readonly #placed = new Map<string, Placed>()
  readonly #ordered = new Set<string>()
  /** By invocation: the last order that may run, or has run. */
  readonly #out = new Map<InvocationId, OutOrder>()
  /** By worker and invocation: the last round that will not start there. */
  readonly #withdrawn = new Map<string, number>()
  /** By worker and invocation: the order that it took in last. */
  readonly #orders = new Map<string, Order>()
  readonly #placers = new Map<Term, PeerId>()
  /** What an exchange was opened with. */
  readonly #calls = new WeakMap<object, Extract<InvokeUp, { type: 'call' }>>()
  readonly #asked = new WeakMap<object, ExecuteUp>()

  constructor(coverage: WholeCoverage) {
    this.#coverage = coverage
  }

  onMessage(peer: Overheard, { protocol, exchange, way, message, remote }: Tapped): void {
    if (protocol === 'invoke' && way === 'asks') this.#onCallOut(exchange, message)
    else if (protocol === 'invoke' && way === 'answers') this.#onPlacing(peer, message)
    else if (protocol === 'invoke' && way === 'is answered') this.#onPlaced(exchange, message)
    else if (protocol === 'execute' && way === 'asks') this.#onOrderOut(peer, exchange, message, remote)
    else if (protocol === 'execute' && way === 'is asked') this.#onOrderIn(peer, exchange, message)
    else if (protocol === 'execute' && way === 'answers') this.#onOrderAnswered(peer, exchange, message)
    else if (protocol === 'execute' && way === 'is answered') this.#onAnswered(exchange, message, remote)
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

  #onCallOut(exchange: object, message: InvokeUp): void {
    if (message.type !== 'call') return
    this.#calls.set(exchange, message)
    if (message.round > 1) this.#coverage.laterRounds += 1
  }

  #onPlacing(placer: Overheard, message: InvokeDown): void {
    if (message.type !== 'placed' || message.receipt.placement !== 'orchestrator') return
    const first = this.#placers.get(message.term) ?? placer.id
    this.#placers.set(message.term, first)
    if (first !== placer.id) throw new Violation(`${first} and ${placer.id} both place as orchestrators of term ${message.term}`)
  }

  #onPlaced(exchange: object, message: InvokeDown): void {
    const call = this.#calls.get(exchange)
    if (message.type !== 'placed' || call === undefined) return
    this.#placed.set(attemptName(call.invocation, message.attempt), message)
    if (call.fallback) this.#coverage.fallbacks += 1
  }

  #onOrderOut(gateway: Overheard, exchange: object, message: ExecuteUp, worker: PeerId): void {
    if (message.type === 'attach' || message.type === 'order') this.#asked.set(exchange, message)
    if (message.type === 'attach') this.#coverage.attaches += 1
    if (message.type !== 'order') return
    const { order } = message
    const { invocation, attempt } = order
    const name = attemptName(invocation, attempt)
    const placed = this.#placed.get(name)
    if (placed?.worker !== worker || placed.session !== order.session || placed.term !== order.term || placed.order !== order.order) {
      throw new Violation(`${gateway.id} orders ${name} from ${worker}, which nobody has placed there`)
    }
    if (this.#ordered.has(name)) throw new Violation(`${gateway.id} orders ${name} twice`)
    this.#ordered.add(name)
    const earlier = this.#out.get(invocation)
    if (earlier !== undefined && !order.function.idempotent) {
      throw new Violation(`${gateway.id} orders ${name}, and ${earlier.name} may run, or has run`)
    }
    this.#out.set(invocation, { name, order })
  }

  #onOrderIn(worker: Overheard, exchange: object, message: ExecuteUp): void {
    if (message.type === 'order') this.#orders.set(`${worker.id} ${message.order.invocation}`, message.order)
    if (message.type === 'order' || message.type === 'attach') this.#asked.set(exchange, message)
  }

  #onOrderAnswered(worker: Overheard, exchange: object, message: ExecuteDown): void {
    const asked = this.#asked.get(exchange)
    if (message.type === 'unknown' && asked?.type === 'attach') {
      const key = `${worker.id} ${asked.invocation}`
      this.#withdrawn.set(key, Math.max(asked.round, this.#withdrawn.get(key) ?? 0))
      this.#coverage.withdrawals += 1
    }
    if (message.type === 'failed' && asked?.type === 'order' && !message.error.started) {
      if (message.error.code === 'stale') this.#coverage.staleOrders += 1
      if (message.error.code === 'withdrawn') this.#coverage.withdrawnOrders += 1
      if (message.error.code === 'busy') this.#coverage.busyOrders += 1
    }
  }

  #onAnswered(exchange: object, message: ExecuteDown, worker: PeerId): void {
    const asked = this.#asked.get(exchange)
    if (asked?.type === 'order' && isRefusal(message)) this.#out.delete(asked.order.invocation)
    if (asked?.type !== 'attach') return
    const out = this.#out.get(asked.invocation)
    if (isRefusal(message) || (message.type === 'unknown' && message.session === out?.order.session)) this.#out.delete(asked.invocation)
    if (message.type === 'answer-end' || (message.type === 'answer' && message.whole !== undefined)) {
      this.#coverage.attachesAnswered += 1
      if (asked.offset > 0) this.#coverage.attachesMidway += 1
    }
    if (message.type === 'accepted') throw new Violation(`${worker} asks an attached gateway for a body`)
  }
}

function isRefusal(message: ExecuteDown): boolean {
  return message.type === 'failed' && !message.error.started
}

function attemptName(invocation: InvocationId, attempt: Attempt): string {
  return `${invocation} ${attempt.round}.${attempt.try}`
}

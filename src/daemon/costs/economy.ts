import { recomputes } from '../../core/scheduler/recompute.ts'
import type { Strategy } from '../../core/scheduler/strategy.ts'
import type { AdmissionQuestion, AdmissionRecord } from '../../model/admission.ts'
import type { ControlAnswer, ControlRequest } from '../../model/control.ts'
import type { CostLedger } from '../../model/costs.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import type { InvocationRecord, Run, Usage } from '../../model/invocation.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Random } from '../../model/random.ts'
import type { Account, Quoted, QuoteQuestion } from '../../model/service.ts'
import type { AttemptRef, TaskRecord } from '../../model/task.ts'
import { AdmissionGate } from './admission-gate.ts'
import { Admissions } from './admissions.ts'
import type { Consensus } from '../agreement/consensus.ts'
import { ask } from '../agreement/control-client.ts'
import { CostBook, costOf, regretMs } from './cost-book.ts'
import { ServiceCosts } from './service-costs.ts'
import { TaskCosts } from './task-costs.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import type { InvocationBook } from '../calls/invocation-book.ts'
import type { Learning } from './learning.ts'
import type { Members } from '../members/members.ts'
import type { Placer } from '../calls/placer.ts'
import { quoteCall } from '../calls/quote.ts'
import { attemptMs } from '../tasks/task-placement.ts'

/** All peers together have this long to say what the calls through them have cost. */
const COSTS_TIMEOUT_MS = 3_000

export interface EconomyComponents {
  readonly learning: Learning
  readonly placer: Pick<Placer, 'setOutside' | 'estimate' | 'tableOf'>
  readonly strategyOf: (fn: FunctionRecord) => Strategy
  readonly random: Random
  readonly consensus: Consensus
  readonly members: Members
  readonly book: InvocationBook
  readonly events: EventLog
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

/** A gateway that has not taken note of a call by then never will: its ledger lacks what the call took. */
const CUT_TIMEOUT_MS = 2_000

/** What other peers ask of the economy. */
type EconomyRequest = Extract<ControlRequest, { type: 'observations' | 'costs' | 'admission' }>

/** What work is expected to cost, what it has cost, and what outside work is let in: the parts of a peer that reckon. */
export class Economy implements Startable {
  readonly #components: EconomyComponents
  readonly #costs: CostBook
  readonly #taskCosts: TaskCosts
  readonly #serviceCosts: ServiceCosts
  readonly #admissions: Admissions
  readonly #gate: AdmissionGate
  #counting: Disposable | undefined

  constructor(components: EconomyComponents) {
    const { learning, placer, consensus, members, book, transport, clock, log } = components
    this.#components = components
    this.#costs = new CostBook({ clock, book, profileOf: peer => this.#profileOf(peer) })
    this.#taskCosts = new TaskCosts({
      self: transport.self,
      isOrchestrator: () => consensus.role.active,
      profileOf: peer => this.#profileOf(peer),
      expectedMs: task => attemptMs(placer, task, learning.slowness(transport.self)),
      add: (key, amounts) => this.#costs.add(key, amounts)
    })
    this.#serviceCosts = new ServiceCosts({
      self: transport.self,
      clock,
      profileOf: peer => this.#profileOf(peer),
      add: (key, amounts) => this.#costs.add(key, amounts)
    })
    this.#admissions = new Admissions({
      learning,
      views: () => members.views(),
      self: transport.self,
      isOrchestrator: () => consensus.role.active,
      resolve: idOrName => members.resolve(idOrName),
      onExpected: (peer, memoryBytes) => placer.setOutside(peer, memoryBytes),
      clock
    })
    this.#gate = new AdmissionGate({ admissions: this.#admissions, transport, role: () => consensus.role, clock, log })
  }

  async start(): Promise<void> {
    const { learning, events } = this.#components
    this.#counting ??= events.subscribe(event => {
      if (event.type === 'invocation:finished') this.#costs.finished(event.data.invocation)
    })
    await learning.start()
    await this.#admissions.start()
    await this.#gate.start()
  }

  async stop(): Promise<void> {
    await this.#gate.stop()
    await this.#admissions.stop()
    await this.#components.learning.stop()
    this.#counting?.[Symbol.dispose]()
    this.#counting = undefined
  }

  /** A task has changed. */
  onTask(task: TaskRecord): void {
    if (task.spec.service === undefined) this.#taskCosts.onTask(task)
    else this.#serviceCosts.onService(task)
  }

  /** An attempt of a task begins here. */
  onAttemptBegun(attempt: AttemptRef): void {
    this.#taskCosts.onBegun(attempt)
  }

  /** An attempt of a task is over here, having used so much, where that was measured. */
  onAttemptEnded(attempt: AttemptRef, usage: Usage | undefined): void {
    this.#taskCosts.onEnded(attempt, usage)
  }

  /** What a call would cost and where it would run, from this peer's own view. Nothing is reserved. */
  quote(fn: FunctionRecord, question: QuoteQuestion): Quoted {
    const { learning, members, placer, strategyOf, random, consensus } = this.#components
    const table = placer.tableOf(members.views())
    return quoteCall(fn, question, { learning, table, strategyOf, random, isOrchestrator: consensus.role.active })
  }

  /** What one invocation has come to. */
  account(record: InvocationRecord): Account {
    const receipt = record.receipts.at(-1)
    const profile = record.worker === undefined ? undefined : this.#profileOf(record.worker)
    const hasEnded = record.totalMs !== undefined && record.usage !== undefined
    const { usd, quotedUsd } = costOf(record, profile)
    return {
      cost: hasEnded && profile !== undefined && profile.usdPerHour > 0 ? { quotedUsd, usd } : null,
      regretMs: record.state === 'succeeded' ? regretMs(record) : null,
      recomputes: receipt === undefined ? null : recomputes(receipt)
    }
  }

  /** What the calls through all reachable peers, and the tasks that ended there, have cost, and how many peers could not be asked. */
  async costs({ signal }: { signal: AbortSignal }): Promise<{ ledgers: readonly CostLedger[]; missing: number }> {
    const { members, transport, clock, log } = this.#components
    const within = AbortSignal.any([signal, clock.timeout(COSTS_TIMEOUT_MS)])
    const others = members.views().filter(({ profile, state }) => profile.id !== transport.self && state !== 'gone')
    const answers = await Promise.all(
      others.map(async ({ profile }) => {
        try {
          const answer = await ask(transport, profile.id, { type: 'costs' }, { signal: within })
          return answer.type === 'costs' ? answer.ledger : null
        } catch (err) {
          log.debug({ peer: profile.id, code: toCaresError(err).code }, 'costs of a peer are missing')
          return null
        }
      })
    )
    signal.throwIfAborted()
    const ledgers = answers.filter(ledger => ledger !== null)
    return { ledgers: [this.#ledger(), ...ledgers], missing: answers.length - ledgers.length }
  }

  /** What the calls through this peer, and the tasks that ended here, have cost. */
  ownCosts(): CostLedger {
    return this.#ledger()
  }

  /** Tells a gateway what a call has taken here that it had cut short. */
  async tellCut(gateway: PeerId, invocation: InvocationId, run: Run): Promise<void> {
    const { transport, clock, log } = this.#components
    if (gateway === transport.self) return this.#costs.cut(gateway, invocation, run)
    try {
      await ask(transport, gateway, { type: 'cut', invocation, run }, { signal: clock.timeout(CUT_TIMEOUT_MS) })
    } catch (err) {
      log.debug(
        { peer: gateway, invocation, code: toCaresError(err).code },
        'the gateway of a call that was cut short was not told what it took'
      )
    }
  }

  /** Takes note of what `worker` says of a call that this peer had cut short. */
  noteCut(worker: PeerId, { invocation, run }: Extract<ControlRequest, { type: 'cut' }>): void {
    this.#costs.cut(worker, invocation, run)
  }

  /** The newest admissions that the orchestrator knows. */
  async admissions(options: { signal: AbortSignal }): Promise<readonly AdmissionRecord[]> {
    return this.#gate.ask({ kind: 'list' }, options)
  }

  /** Has the orchestrator answer a question about one piece of work outside CARES. */
  async admission(question: Exclude<AdmissionQuestion, { kind: 'list' }>, options: { signal: AbortSignal }): Promise<AdmissionRecord> {
    const [record] = await this.#gate.ask(question, options)
    if (record === undefined) throw new CaresError('protocol', 'a question about an admission was answered with none')
    return record
  }

  /** With what services have cost up to this moment. */
  #ledger(): CostLedger {
    this.#serviceCosts.countAll()
    return this.#costs.ledger()
  }

  #profileOf(peer: PeerId): PeerProfile | undefined {
    return this.#components.members.views().find(({ profile }) => profile.id === peer)?.profile
  }

  /** Answers another peer. Throws `not_orchestrator` for what only that can answer. */
  answer(request: EconomyRequest, assertOrchestrator: () => void): ControlAnswer {
    switch (request.type) {
      case 'observations':
        return { type: 'observations', ...this.#components.learning.answer(request.known) }
      case 'costs':
        return { type: 'costs', ledger: this.#ledger() }
      case 'admission':
        assertOrchestrator()
        return { type: 'admissions', records: this.#admissions.answer(request.question) }
    }
  }
}

import { membersOf } from '../core/consensus/log.ts'
import type { PeerId } from '../model/ids.ts'
import type { AgreedStrategy } from '../model/placement.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Runtime } from '../model/ports/runtime.ts'
import type { Applied, RegistryTables, Store } from '../model/ports/store.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { Agreement } from './agreement/agreement.ts'
import type { Consensus } from './agreement/consensus.ts'
import type { ConsensusRoleNow } from './agreement/consensus-init.ts'
import type { EventLog } from './telemetry/event-log.ts'
import type { Members } from './members/members.ts'
import type { LogTaskStore } from './tasks/log-task-store.ts'
import type { Tasks } from './tasks/tasks.ts'

export interface ReactionsComponents {
  readonly self: PeerId
  readonly consensus: Consensus
  readonly agreement: Agreement
  readonly members: Members
  readonly tasks: Tasks
  readonly taskLog: LogTaskStore
  readonly runtime: Runtime | null
  readonly transport: Transport
  readonly store: Store
  readonly events: EventLog
  readonly log: Logger
}

/** What the other parts of a peer are told when something was agreed: another orchestrator, other members, other tables. */
export class Reactions {
  readonly #components: ReactionsComponents
  #role: ConsensusRoleNow
  #voters: readonly PeerId[]
  #tables: RegistryTables | undefined
  /** The other members and where they are, as they were told and written down last, as one text. */
  #remembered = ''

  constructor(components: ReactionsComponents) {
    this.#components = components
    this.#role = components.consensus.role
    this.#voters = components.consensus.configuration.voters
  }

  onRole(now: ConsensusRoleNow): void {
    const { agreement, members, tasks, events, log } = this.#components
    const before = this.#role
    this.#role = now
    agreement.onRole(now)
    members.setOrchestrator(now.leader, now.term)
    tasks.onRole()
    if (now.leader === before.leader && (now.leader === null || now.term === before.term)) return
    const name = now.leader === null ? null : members.nameOf(now.leader)
    // A name that it has not told yet would only be one that is made of its id.
    const told = now.leader === null ? undefined : members.profileOf(now.leader)?.name
    log.info({ orchestrator: now.leader, ...(told === undefined ? {} : { name: told }), term: now.term }, 'orchestrator changed')
    events.emit('orchestrator:changed', { orchestrator: now.leader, name, term: now.term })
  }

  /** Members, their addresses, or who of them drains have changed. */
  onMembers(): void {
    const { self, consensus, members, events, log } = this.#components
    const { configuration } = consensus
    const ids = membersOf(configuration)
    members.setMembers(ids, consensus.tables.draining)
    this.#remember(ids.filter(id => id !== self))
    if (configuration.voters.join() === this.#voters.join()) return
    this.#voters = configuration.voters
    log.info({ voters: this.#voters.map(id => members.nameOf(id)) }, 'voters changed')
    events.emit('voters:changed', { voters: this.#voters })
  }

  onTables(now: RegistryTables, applied: readonly Applied[]): void {
    const { runtime, tasks, taskLog, events } = this.#components
    // Tasks come and go hundreds of times a second; what has not changed is not looked at each time.
    if (now.functions !== this.#tables?.functions) runtime?.setFunctions([...now.functions.values()])
    if (now.draining !== this.#tables?.draining) {
      this.onMembers()
      tasks.onDraining()
    }
    if (this.#tables !== undefined && now.strategy !== this.#tables.strategy) this.#onStrategy(now.strategy)
    this.#tables = now
    taskLog.onApplied(applied)
    for (const { outcome } of applied) {
      if (outcome.type === 'function-created' || outcome.type === 'function-updated') {
        const { name, revision, image } = outcome.function
        events.emit('function:uploaded', { name, revision, image })
      } else if (outcome.type === 'function-removed') {
        events.emit('function:removed', { name: outcome.name })
      }
    }
  }

  #onStrategy(strategy: AgreedStrategy | undefined): void {
    const { events, log } = this.#components
    const agreed = { name: strategy?.name ?? null, objective: strategy?.objective ?? null }
    log.info(agreed, 'strategy changed')
    events.emit('strategy:changed', agreed)
  }

  #remember(others: readonly PeerId[]): void {
    const { transport, members, store, log } = this.#components
    const addresses = members.addressesOf(others)
    const text = JSON.stringify([others, addresses])
    if (text === this.#remembered) return
    this.#remembered = text
    const known = new Map(addresses.map(address => [address.id, address]))
    // Where a member is may be known to the transport alone: whoever let this peer in has told it.
    transport.setMembers(others.map(id => known.get(id) ?? { id, addresses: [] }))
    store.setAddresses(addresses).catch((err: unknown) => log.warn({ err }, 'addresses were not written down'))
  }
}

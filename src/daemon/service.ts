import { majority } from '../core/consensus/quorum.ts'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { ClusterUid, InvocationId, PeerId } from '../model/ids.ts'
import type { InvocationRecord } from '../model/invocation.ts'
import type { LogLine, LogQuery } from '../model/logs.ts'
import type { PeerProfile } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Runtime } from '../model/ports/runtime.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { ClusterStatus, HealthCheck, InvocationRequest, PeerListing, PeerService, ServiceCounters } from '../model/service.ts'
import type { Agreement } from './agreement/agreement.ts'
import { ClusterHistoryReader } from './telemetry/cluster-history.ts'
import { ClusterInvocations } from './telemetry/cluster-invocations.ts'
import type { Consensus } from './agreement/consensus.ts'
import { catchUp } from './agreement/catch-up.ts'
import { ask, converse } from './agreement/control-client.ts'
import { faultTolerance, leaderlessReason, votersNow } from './agreement/voters-now.ts'
import type { Economy } from './costs/economy.ts'
import type { TaskExpectations } from './costs/task-expectations.ts'
import type { EventLog } from './telemetry/event-log.ts'
import type { Functions } from './functions.ts'
import type { Governor } from './agreement/governor.ts'
import { removePeer } from './agreement/remove-peer.ts'
import { healthChecks } from './members/health.ts'
import type { InvocationBook } from './calls/invocation-book.ts'
import type { Gateway } from './calls/invoke.ts'
import type { LogBook } from './telemetry/log-book.ts'
import type { Members } from './members/members.ts'
import { newAdmissionId } from './new-ids.ts'
import { mergeLogs } from './telemetry/merge-logs.ts'
import type { Observers } from './telemetry/observers.ts'
import type { StateCheck } from './agreement/state-check.ts'
import type { StrategyChoice } from './calls/strategy-choice.ts'
import type { Tasks } from './tasks/tasks.ts'
import type { Worker } from './calls/work.ts'

/** All peers together have this long to say whether they know an invocation. */
const FIND_TIMEOUT_MS = 2_000

export interface ServiceComponents {
  readonly profile: () => PeerProfile
  readonly consensus: Consensus
  readonly stateCheck: StateCheck
  readonly members: Members
  readonly agreement: Agreement
  readonly governor: Governor
  readonly functions: Functions
  readonly gateway: Gateway
  readonly worker: Worker
  readonly tasks: Tasks
  readonly book: InvocationBook
  readonly logs: LogBook
  readonly events: EventLog
  readonly economy: Economy
  readonly taskExpectations: TaskExpectations
  readonly strategies: StrategyChoice
  readonly observers: Observers
  readonly runtime: Runtime | null
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly cluster: () => ClusterUid | null
  /** What another peer needs to join; null while no address is known. */
  readonly clusterId: () => string | null
  readonly private: boolean
  /** Leaves the cluster for good and stops the peer. */
  readonly leave: (options: { signal: AbortSignal }) => Promise<void>
}

/** One peer, as its API sees it. */
export function createService(components: ServiceComponents): PeerService {
  const { consensus, members, agreement, functions, gateway, worker, book, economy, events, runtime, transport, clock } = components

  const peers = (): readonly PeerListing[] => {
    const { voters } = consensus.configuration
    const { leader } = consensus.role
    return members.views().map(({ profile, stats, state, ageMs }) => ({
      profile,
      stats,
      state,
      ageMs,
      role: profile.id === leader ? 'orchestrator' : 'worker',
      voter: voters.includes(profile.id)
    }))
  }

  const peer = (idOrName: string): PeerListing => {
    const id = members.resolve(idOrName)
    const found = peers().find(({ profile }) => profile.id === id)
    if (found === undefined) throw new CaresError('not_found', `no peer named ${idOrName}`)
    return found
  }

  const reachable = (): readonly PeerId[] =>
    members
      .views()
      .filter(({ profile, state }) => state !== 'gone' && profile.id !== transport.self)
      .map(({ profile }) => profile.id)

  const findElsewhere = async (id: InvocationId, signal: AbortSignal): Promise<InvocationRecord> => {
    const within = AbortSignal.any([signal, clock.timeout(FIND_TIMEOUT_MS)])
    const asked = reachable().map(async peerId => {
      const answer = await ask(transport, peerId, { type: 'invocation', invocation: id }, { signal: within })
      if (answer.type === 'invocation' && answer.record !== null) return answer.record
      throw new CaresError('not_found', 'not there')
    })
    try {
      return await Promise.any(asked)
    } catch (cause) {
      signal.throwIfAborted()
      throw new CaresError('not_found', `no peer knows invocation ${id}`, {
        hint: 'records are kept for the last 10,000 invocations of each gateway',
        cause
      })
    }
  }

  const history = new ClusterHistoryReader({
    history: components.observers.history,
    others: reachable,
    transport,
    clock,
    log: components.log
  })
  const invocations = new ClusterInvocations({ book, transport, clock, log: components.log })

  return {
    get profile() {
      return components.profile()
    },
    cluster: () => clusterStatus(components),
    tasks: components.tasks.service,
    peers,
    peer,
    catchUp: options => catchUp(components, options),
    functions: () => functions.list(),
    function: name => functions.get(name),
    putFunction: (request, options) => functions.put(request, options),
    removeFunction: (name, options) => functions.remove(name, options),
    invoke: (request: InvocationRequest, options) => gateway.invoke(request, options),
    invokeAsync: (request, options) => gateway.invokeAsync(request, options),
    async invocation(id, { signal }) {
      return book.find(id as InvocationId) ?? (await findElsewhere(id as InvocationId, signal))
    },
    invocations: ({ gateway, ...query }, options) =>
      invocations.list(query, gateway === undefined ? [transport.self, ...reachable()] : [members.resolve(gateway)], options),
    result: id => book.result(id as InvocationId),
    async waitFor(id, { signal }) {
      if (book.find(id as InvocationId) !== undefined) return book.waitFor(id as InvocationId, { signal })
      return findElsewhere(id as InvocationId, AbortSignal.any([signal, clock.timeout(FIND_TIMEOUT_MS)]))
    },
    async cancel(id, { signal }) {
      const invocation = id as InvocationId
      if (gateway.cancel(invocation) || worker.cancel(invocation)) return { found: true }
      const answers = await Promise.allSettled(
        reachable().map(peerId => ask(transport, peerId, { type: 'cancel', invocation }, { signal }))
      )
      return { found: answers.some(answer => answer.status === 'fulfilled' && answer.value.type === 'cancelled' && answer.value.found) }
    },
    quote: (name, question) => economy.quote(functions.get(name), question),
    account: record => economy.account(record),
    costs: options => economy.costs(options),
    ownCosts: () => economy.ownCosts(),
    expectedTaskMs: task => components.taskExpectations.of(task),
    admit: (request, options) => economy.admission({ kind: 'ask', id: newAdmissionId(), request }, options),
    admissions: options => economy.admissions(options),
    admission: (id, options) => economy.admission({ kind: 'read', id }, options),
    completeAdmission: (id, outcome, options) => economy.admission({ kind: 'complete', id, outcome }, options),
    logs: (query, options) => clusterLogs(components, reachable(), query, options),
    eventsAfter: id => events.after(id),
    lastEventId: () => events.lastId,
    onChange: listener => components.observers.changes.subscribe(listener),
    alerts: () => components.observers.alerts.report(),
    history: (query, options) => history.read(query, options),
    setStrategy: (strategy, options) => components.strategies.agree(strategy, options),
    async setDraining(idOrName, draining, { signal }) {
      const { outcome } = await agreement.agree(
        { type: 'peer-drain', peer: members.resolve(idOrName), draining, at: clock.timestamp() },
        { signal }
      )
      if (outcome.type === 'refused') throw new CaresError(outcome.code, outcome.message)
    },
    leave: options => components.leave(options),
    removePeer: (idOrName, options) => removePeer(components, idOrName, options),
    async prune({ dryRun, signal }) {
      return runtime === null ? [] : runtime.prune({ dryRun, signal })
    },
    checks: (options): Promise<readonly HealthCheck[]> => healthChecks(components, options),
    ready() {
      if (consensus.fenced !== null) return { ready: false, reason: consensus.fenced.message }
      if (components.cluster() === null) return { ready: false, reason: 'this peer is not in a cluster yet' }
      const works = members
        .views()
        .some(({ profile, stats, state }) => state === 'alive' && profile.runtime !== 'none' && stats.runtimeReady)
      return works ? { ready: true, reason: 'ready' } : { ready: false, reason: 'no peer that can run functions is known yet' }
    },
    counters(): ServiceCounters {
      return {
        invocations: gateway.outcomes,
        placements: gateway.placements,
        inFlight: gateway.inFlight,
        ...components.observers.counters()
      }
    }
  }
}

function clusterStatus({
  consensus,
  stateCheck,
  strategies,
  members,
  transport,
  cluster,
  clusterId,
  private: isPrivate
}: ServiceComponents): ClusterStatus {
  const { voters, learners } = consensus.configuration
  const { leader, term } = consensus.role
  const { last, commit, applied } = consensus.indices
  const names = members.formerNames([...voters, ...learners])
  return {
    id: clusterId(),
    uid: cluster(),
    private: isPrivate,
    self: transport.self,
    orchestrator: leader === null ? null : { id: leader, name: members.nameOf(leader) },
    term,
    voters,
    learners,
    ...(Object.keys(names).length === 0 ? {} : { names }),
    quorum: majority(voters.length),
    faultTolerance: faultTolerance(votersNow(voters, members.views())),
    lastIndex: last,
    commitIndex: commit,
    appliedIndex: applied,
    reason: leader === null ? whyLeaderless({ consensus, members, cluster }) : '',
    strategy: strategies.status(),
    commandVersion: consensus.commandVersion,
    lag: stateCheck.lag(commit),
    fenced: consensus.fenced?.message ?? null
  }
}

function whyLeaderless({ consensus, members, cluster }: Pick<ServiceComponents, 'consensus' | 'members' | 'cluster'>): string {
  if (consensus.fenced !== null) return `this peer takes no part any more: ${consensus.fenced.message}`
  if (cluster() === null) return 'this peer is not in a cluster yet'
  const { voters } = consensus.configuration
  if (voters.length === 0) return 'this peer has not heard the log of its cluster yet'
  return leaderlessReason(votersNow(voters, members.views()), consensus.self, voter => members.nameOf(voter))
}

/** Every peer's lines, as one stream. A peer that cannot be asked is left out; the log of this peer says so. */
function clusterLogs(
  { logs, transport, log }: ServiceComponents,
  others: readonly PeerId[],
  query: LogQuery,
  { signal }: { signal: AbortSignal }
): AsyncIterable<LogLine> {
  const remote = async function* (peer: PeerId): AsyncGenerator<LogLine, void> {
    try {
      for await (const answer of converse(transport, peer, { type: 'logs', query }, { signal }))
        if (answer.type === 'log') yield answer.line
    } catch (err) {
      if (!signal.aborted) log.info({ peer, code: toCaresError(err).code }, 'logs of a peer are missing')
    }
  }
  return mergeLogs([logs.query(query, { signal }), ...others.map(remote)], query)
}

import { versionOfCommand } from '../core/registry/command-version.ts'
import type { ClusterUid } from '../model/ids.ts'
import type { Startable } from '../model/ports/startable.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import type { PeerService } from '../model/service.ts'
import { Agreement } from './agreement/agreement.ts'
import { Beacon } from './members/beacon.ts'
import { ChangeSignal } from './change-signal.ts'
import { Citizenship } from './citizenship.ts'
import { ClusterClock } from './members/cluster-clock.ts'
import { unreadableBy } from './agreement/command-readers.ts'
import { Consensus } from './agreement/consensus.ts'
import { Control } from './agreement/control.ts'
import { Economy } from './costs/economy.ts'
import { TaskExpectations } from './costs/task-expectations.ts'
import { EventLog } from './telemetry/event-log.ts'
import { Functions } from './functions.ts'
import { Governor, rankSlotOf } from './agreement/governor.ts'
import { createImages } from './images/images.ts'
import { InvocationBook } from './calls/invocation-book.ts'
import { Gateway } from './calls/invoke.ts'
import { hear } from './hear.ts'
import { Joining } from './agreement/joining.ts'
import { Learning } from './costs/learning.ts'
import { LogBook } from './telemetry/log-book.ts'
import { Members } from './members/members.ts'
import { Orchestrator } from './calls/orchestrate.ts'
import { Observers } from './telemetry/observers.ts'
import { lostAfterMs, OrchestratorWatch } from './members/orchestrator-watch.ts'
import { Placer } from './calls/placer.ts'
import { runParts } from './run-parts.ts'
import { createService } from './service.ts'
import { Serving } from './serving.ts'
import { SnapshotHealth } from './agreement/snapshot-health.ts'
import { StateCheck } from './agreement/state-check.ts'
import { Statistics } from './members/statistics.ts'
import { StrategyChoice } from './calls/strategy-choice.ts'
import { createTasks } from './tasks/create-tasks.ts'
import { Worker } from './calls/work.ts'
import type { DaemonComponents, DaemonInit } from './daemon-ports.ts'
import { Reactions } from './reactions.ts'

/** The life of one peer, whatever its ports are made of. */
export interface Daemon extends Startable {
  readonly service: PeerService
  /** Resolves when the peer has left its cluster for good, and should be stopped. */
  readonly left: Promise<void>
}

/** Puts the parts of a peer together. Nothing runs before `start`, which resolves when the peer is in a cluster. */
export function createDaemon(init: DaemonInit, components: DaemonComponents): Daemon {
  const { self, persisted, timings } = init
  const { store, transport, runtime, clock, random, profile, versionOf = versionOfCommand } = components
  const log = components.log.child('daemon')
  const cluster: { uid: ClusterUid | null } = { uid: persisted.cluster }
  const uid = (): ClusterUid | null => cluster.uid
  const stopping = new AbortController()
  const listening = new AbortController()
  const left = Promise.withResolvers<void>()

  // What happens, and what is written down.
  const events = new EventLog({ clock })
  const changes = new ChangeSignal()
  const logs = new LogBook()
  const book = new InvocationBook({ clock })

  // What is agreed.
  const snapshotHealth = new SnapshotHealth()
  const consensus: Consensus = new Consensus(
    {
      self,
      timings,
      persisted,
      rankSlot: rankSlotOf(profile()),
      isHeld: persisted.cluster !== null && persisted.addresses.length > 0
    },
    {
      ...components,
      log: log.child('consensus'),
      cluster: uid,
      snapshotHealth,
      newVersionRefusal: version => governor.newVersionRefusal(version),
      listener: {
        onRole: now => reactions.onRole(now),
        onConfiguration: () => reactions.onMembers(),
        onTables: (now, applied) => reactions.onTables(now, applied),
        onFenced: () => beacon.soon()
      }
    }
  )
  const term = (): number => consensus.term
  const tables = (): RegistryTables => consensus.tables
  const draining = (): boolean => consensus.tables.draining.has(self)
  const fenced = (): boolean => consensus.fenced !== null
  const agreement = new Agreement({
    consensus,
    transport,
    clock,
    log,
    electionMs: timings.electionMs,
    newCommandId: components.newInvocationId,
    unreadableBy: (leader, command) => unreadableBy(leader, versionOf(command), members)
  })
  const functions = new Functions({ agreement, runtime, tables, orchestrator: () => consensus.role.leader, transport, clock, log })

  // Who runs, and who places.
  const learning = new Learning(
    { self, session: init.session },
    {
      transport,
      store: components.observations,
      views: () => members.views(),
      orchestrator: () => consensus.role.leader,
      clock,
      log: log.child('learning'),
      random
    }
  )
  const worker = new Worker(
    { self, session: init.session },
    {
      runtime,
      clock,
      log: log.child('work'),
      term,
      draining,
      stats: () => statistics.now(),
      memoryStalledRatio: () => statistics.memoryStalledRatio,
      onRoom: () => beacon.soon(),
      onCut: (gateway, invocation, run) => void economy.tellCut(gateway, invocation, run),
      tracer: components.tracer
    }
  )
  const strategies = new StrategyChoice({ own: init.strategy, tables, agreement, clock })
  const placer = new Placer({ clock, random, learning, strategyOf: fn => strategies.of(fn), term: () => consensus.role.term, self })
  const orchestrator = new Orchestrator({
    transport,
    placer,
    clock,
    events,
    tracer: components.tracer,
    agreed: {
      isActive: () => consensus.role.active,
      orchestrator: () => consensus.role.leader,
      function: name => consensus.tables.functions.get(name),
      hasApplied: index => consensus.indices.applied >= index,
      applied: (index, options) => consensus.applied(index, options)
    }
  })

  // Who is there.
  const own = { tables, term, draining, fenced, snapshotHealth }
  const statistics = new Statistics({ ...components, ...own, worker, tasks: () => tasks.running, events, log: log.child('statistics') })
  const members = new Members(
    { self: profile(), timings, addresses: persisted.addresses },
    {
      clock,
      events,
      cluster: uid,
      admittedOn: peer => placer.outsideOn(peer),
      onAddresses: () => reactions.onMembers(),
      onChange: views => {
        learning.meet(views)
        placer.sync(views)
        orchestrator.onRoom()
        tasks.onViews()
        changes.notify()
      }
    }
  )
  const observers = new Observers(
    { thresholds: init.alerts },
    { ...components, log, cluster: uid, consensus, members, book, events, changes, waiting: () => orchestrator.waiting }
  )
  const governor: Governor = new Governor({ consensus, members, clock, log: log.child('governor'), timings })
  const stateCheck = new StateCheck({
    self,
    version: profile().version,
    taskStore: components.taskStore,
    configuration: () => consensus.configuration,
    tables,
    appliedIndex: () => consensus.indices.applied,
    onDifference: reason => consensus.fence(reason)
  })
  const beacon = new Beacon({ ...components, statistics, stateCheck, members, consensus, cluster: uid, timings, log: log.child('beacon') })
  const joining = new Joining({ ...components, log: log.child('joining') })

  // Who is called.
  const watch = new OrchestratorWatch({
    clock,
    silentMs: peer => consensus.silentMs(peer),
    lostAfterMs: () => lostAfterMs(timings, { isVoter: consensus.configuration.voters.includes(self) })
  })
  const gateway = new Gateway({
    ...components,
    log: log.child('invoke'),
    watch,
    orchestrator: () => consensus.role.leader,
    book,
    events,
    findFunction: (name, options) => functions.find(name, options),
    resolvePeer: idOrName => members.resolve(idOrName),
    appliedIndex: () => consensus.indices.applied,
    silentMs: peer => consensus.silentMs(peer),
    suspectAfterMs: timings.suspectAfterMs
  })
  const serving = new Serving()
  const citizenship = new Citizenship(
    { known: persisted.addresses },
    {
      joining,
      consensus,
      governor,
      members,
      beacon,
      worker,
      gateway,
      serving,
      store,
      transport,
      clock,
      log: log.child('citizenship'),
      timings,
      cluster,
      stopping: stopping.signal,
      onRefusing: () => tasks.handBack()
    }
  )

  const images = createImages({
    ...components,
    views: () => members.views(),
    events,
    log: log.child('images'),
    stopping: stopping.signal,
    onArrived: () => statistics.lookAgain()
  })
  const taskExpectations = new TaskExpectations({ placer, learning })
  const economy = new Economy({
    ...components,
    learning,
    placer,
    strategyOf: fn => strategies.of(fn),
    consensus,
    members,
    book,
    events,
    log: log.child('economy')
  })
  const { tasks, taskLog, blobs, ingress, tunnels } = createTasks({
    ...components,
    clock: new ClusterClock(clock, () => members.skewsMs()),
    consensus,
    agreement,
    members,
    functions,
    logs,
    placer,
    events,
    timings,
    log,
    draining: () => draining() || worker.isStopping,
    onRoom: () => beacon.soon(),
    onTask: task => [taskExpectations, economy].forEach(part => part.onTask(task)),
    onAttemptBegun: attempt => economy.onAttemptBegun(attempt),
    onAttemptEnded: (attempt, usage) => economy.onAttemptEnded(attempt, usage)
  })
  const control = new Control({
    consensus,
    governor,
    members,
    worker,
    gateway,
    book,
    logs,
    history: observers.history,
    economy,
    transport,
    clock,
    cluster: uid
  })
  const service = createService({
    ...components,
    consensus,
    stateCheck,
    members,
    agreement,
    governor,
    functions,
    gateway,
    worker,
    tasks,
    book,
    logs,
    events,
    economy,
    taskExpectations,
    strategies,
    observers,
    log,
    cluster: uid,
    private: init.private,
    leave: async options => citizenship.leave(options).then(left.resolve)
  })

  const reactions = new Reactions({ ...components, self, consensus, agreement, members, tasks, taskLog, events, log })

  function listen(): void {
    hear({ transport, consensus, members, stateCheck, placer, cluster: uid }, listening)
    transport.handle('control', channel => control.serve(channel))
    transport.handle('invoke', channel => orchestrator.serve(channel))
    transport.handle('execute', channel => serving.track(worker.serve(channel)))
    transport.handle('task', channel => serving.track(tasks.serve(channel)))
    if (tunnels !== null) transport.handle('tunnel', channel => tunnels.serve(channel))
    if (blobs !== null) transport.handle('blob', channel => blobs.serve(channel))
    if (images !== null) transport.handle('image', channel => images.serve(channel))
    statistics.onImages(present => images?.announce(present))
    runtime?.onMissingImage(async (fn, options) => images?.bring(fn, options) ?? false)
    runtime?.onCacheNeed?.(fn => learning.cacheNeed(fn))
    runtime?.onLog(line => logs.append({ ...line, peer: self }))
  }

  const parts: readonly Startable[] = [
    ...(runtime === null ? [] : [runtime]),
    worker,
    members,
    observers,
    transport,
    consensus,
    governor,
    watch,
    gateway,
    ...(blobs === null ? [] : [blobs]),
    tasks,
    ...(ingress === null ? [] : [ingress]),
    beacon,
    economy,
    citizenship
  ]
  const onStart = (): void => {
    listen()
    reactions.onTables(consensus.tables, [])
  }
  return { service, left: left.promise, ...runParts(parts, { stopping, onStart, onStopped: () => listening.abort() }) }
}

import { targetVoters } from '../../core/consensus/voters.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { PeerId } from '../../model/ids.ts'
import type { ExecutionCall } from '../../model/ports/runtime.ts'
import { valuesOf } from '../../model/shards.ts'
import { isOver, isServing } from '../../model/task.ts'
import type { FakeOutcome } from '../fake-runtime.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'
import { CallMonitor } from './call-monitor.ts'
import { Clients } from './clients.ts'
import { emptyWholeCoverage, type WholeCoverage } from './coverage.ts'
import { nameOf, type Target, type WholeFault } from './faults.ts'
import { FUNCTIONS, outcomeOf, readWork } from './functions.ts'
import { type FinalTables, History } from './history.ts'
import { FAIR_WIRES, type WholeKnobs } from './knobs.ts'
import type { FinalTasks } from './judge-tasks.ts'
import { LogMonitor } from './log-monitor.ts'
import { SimulatedMesh } from './network.ts'
import { WholePeer } from './peer.ts'
import { TaskClients } from './task-clients.ts'
import { TaskHistory } from './task-history.ts'
import { TaskMonitor } from './task-monitor.ts'

/** Peers of a growing cluster start one after the other. */
const START_EVERY_MS = 150
/** Between two tries to upload what clients call. */
const UPLOAD_AGAIN_MS = 300
/** A link that flaps is silent for this share of the time. */
const FLAP_SILENT_RATIO = 0.6

/** A cluster of whole peers in one world: their machines, the network between them, their clients, and what befalls them. */
export class WholeCluster {
  readonly coverage: WholeCoverage = emptyWholeCoverage()
  readonly history = new History()
  readonly taskHistory = new TaskHistory()
  readonly clients: Clients
  readonly taskClients: TaskClients
  readonly peers: readonly WholePeer[]
  readonly #world: World
  readonly #knobs: WholeKnobs
  readonly #mesh: SimulatedMesh
  readonly #calls = new CallMonitor(this.coverage)
  readonly #log = new LogMonitor()
  readonly #tasks: TaskMonitor
  #isChaos = true
  #runs = 0

  constructor(world: World, knobs: WholeKnobs) {
    this.#world = world
    this.#knobs = knobs
    this.#mesh = new SimulatedMesh(world, knobs.network)
    this.clients = new Clients({ world, knobs, coverage: this.coverage, history: this.history, peers: () => this.peers })
    const tasks = { world, coverage: this.coverage, history: this.taskHistory }
    this.#tasks = new TaskMonitor(tasks)
    this.taskClients = new TaskClients({ ...tasks, knobs, peers: () => this.peers })
    const ids = Array.from({ length: knobs.peersCount }, (_, index) => `p${index}` as PeerId)
    this.peers = ids.map(
      (id, index) =>
        new WholePeer(
          id,
          { isFounder: index === 0, works: index >= knobs.idlePeersCount },
          {
            world,
            knobs,
            mesh: this.#mesh,
            calls: this.#calls,
            log: this.#log,
            tasks: this.#tasks,
            coverage: this.coverage,
            seeds: self => ids.filter(other => other !== self),
            execute: (peer, fn, call) => this.#execute(peer, fn, call),
            isChaos: () => this.#isChaos,
            onDeath: peer => this.#onDeath(peer)
          }
        )
    )
  }

  async start(): Promise<void> {
    if (this.#knobs.clockDriftRatio > 0) this.coverage.clockDrifts += 1
    const ids = this.peers.map(({ id }) => id)
    const votersCount = targetVoters(ids.length)
    for (const [index, peer] of this.peers.entries()) {
      if (!this.#knobs.isGrown) await peer.install({ voters: ids.slice(0, votersCount), learners: ids.slice(votersCount) }, ids)
      this.#world.after(this.#knobs.isGrown ? index * START_EVERY_MS : 0, () => peer.boot())
    }
    for (const fn of FUNCTIONS) this.#uploadUntilDone(fn)
    this.clients.start()
    this.taskClients.start()
  }

  /** Clients call these functions from the start: until they are there, the answer is that they are not. */
  #uploadUntilDone(fn: (typeof FUNCTIONS)[number]): void {
    const peer = this.peers.find(({ isUp, life }) => isUp && life?.runtime !== null)
    const again = (): void => void this.#world.after(UPLOAD_AGAIN_MS, () => this.#uploadUntilDone(fn))
    const { life } = peer ?? {}
    if (life === undefined) return again()
    const { name, image, timeoutMs, idempotent } = fn
    life.process.enter(() => {
      life.daemon.service
        .putFunction({ name, image, timeoutMs, idempotent }, { signal: life.clock.timeout(5_000) })
        .catch((err: unknown) => this.#world.trace(() => `${name} is not uploaded yet: ${String(err)}`))
    })
    this.#world.after(UPLOAD_AGAIN_MS, () => {
      if (!this.peers.some(({ tables }) => tables.functions.has(name))) this.#uploadUntilDone(fn)
    })
  }

  strike(fault: WholeFault): void {
    const { coverage } = this
    const { wires } = this.#mesh
    this.#world.trace(() => `fault ${JSON.stringify(fault)}`)
    const name = nameOf(fault)
    if (name !== undefined) coverage[`fault: ${name}`] += 1
    switch (fault.type) {
      case 'crash':
        return this.#crash(this.#find(fault.target), fault.downMs, fault.power ? 'powered off' : 'killed')
      case 'mass-crash':
        for (const peer of this.#some(fault.peers)) this.#crash(peer, fault.downMs * (0.5 + this.#world.random()), 'killed')
        return
      case 'freeze':
        return this.#freeze(this.#find(fault.target), fault.forMs)
      case 'restart':
        coverage.restarts += 1
        return this.#find(fault.target).stop('stop')
      case 'leave':
        return this.#leave(this.#find(fault.target))
      case 'partition':
        return this.#silence(this.#some(fault.peers), fault.ways)
      case 'isolate':
        return this.#silence([this.#find(fault.target)], fault.ways)
      case 'cut-link': {
        const [from, to] = [this.#peer(fault.from).id, this.#peer(fault.to).id]
        coverage.silences += 1
        wires.silence(from, to)
        if (fault.bothWays) wires.silence(to, from)
        return this.#mesh.review()
      }
      case 'reset': {
        const link = this.#mesh.link(this.#peer(fault.from).id, this.#peer(fault.to).id)
        if (link !== undefined) this.#mesh.reset(link)
        return
      }
      case 'half-open': {
        const from = this.#peer(fault.from).id
        const link = this.#mesh.link(from, this.#peer(fault.to).id)
        if (link !== undefined) this.#mesh.halfOpen(link, from, fault.lateMs)
        return
      }
      case 'flap':
        return this.#flap(this.#peer(fault.from).id, this.#peer(fault.to).id, fault)
      case 'slow-link':
        return wires.slow(this.#peer(fault.from).id, this.#peer(fault.to).id, fault.ms)
      case 'break-disk': {
        const peer = this.#find(fault.target)
        coverage.diskFailures += 1
        peer.breakDisk()
        this.#world.after(fault.forMs, () => {
          peer.repairDisk()
          this.#crash(peer, 0, 'killed')
        })
        return
      }
      case 'break-engine': {
        const { life } = this.#find(fault.target)
        life?.runtime?.setReady(false)
        this.#world.after(fault.forMs, () => life?.runtime?.setReady(true))
        return
      }
      case 'heal':
        wires.heal()
        return this.#mesh.review()
    }
  }

  /** All faults end: every machine is on, every process runs, everybody hears everybody. */
  heal(): void {
    this.#world.trace(() => 'all faults end')
    this.#isChaos = false
    this.#mesh.wires.quality = FAIR_WIRES
    this.#mesh.wires.heal()
    for (const peer of this.peers) {
      peer.repairDisk()
      this.#thaw(peer)
      if (peer.life?.daemon.service.cluster().fenced != null) this.#crash(peer, 0, 'killed')
      peer.life?.runtime?.setReady(true)
      peer.boot()
    }
    this.#mesh.review()
  }

  /** What is still missing for the cluster to be whole; undefined when it is. */
  findUnfinished(): string | undefined {
    const views = this.peers.map(peer => ({ peer, service: peer.life?.daemon.service }))
    const orchestrators = new Set<string | undefined>()
    const tables = new Set<string>()
    for (const { peer, service } of views) {
      if (service === undefined) return `${peer.id} is down`
      const { orchestrator, voters, learners, fenced } = service.cluster()
      if (fenced !== null) return `${peer.id} takes no part: ${fenced}`
      if (voters.length + learners.length !== this.peers.length) return `${peer.id} knows ${voters.length + learners.length} members`
      if (voters.length !== targetVoters(this.peers.length)) return `${peer.id} knows ${voters.length} voters`
      orchestrators.add(orchestrator?.id)
      const { ready, reason } = service.ready()
      if (!ready) return `${peer.id} is not ready: ${reason}`
      const notAlive = service.peers().find(({ state }) => state !== 'alive')
      if (notAlive !== undefined) return `${peer.id} takes ${notAlive.profile.id} for ${notAlive.state}`
      tables.add(JSON.stringify(service.functions().map(({ name, revision, image }) => [name, revision, image])))
      for (const task of valuesOf(peer.tables.tasks.tasks))
        if (!isOver(task) && !isServing(task)) return `${task.id} is ${task.state} on ${peer.id}`
      for (const { name } of FUNCTIONS) if (!service.functions().some(fn => fn.name === name)) return `${peer.id} lacks ${name}`
      if (service.counters().inFlight > 0) return `${peer.id} still carries ${service.counters().inFlight} calls`
    }
    if (orchestrators.size !== 1 || orchestrators.has(undefined)) return `orchestrators: ${[...orchestrators].join(', ')}`
    if (tables.size !== 1) return `tables differ: ${[...tables].join(' and ')}`
    const openCount = this.clients.openCount + this.taskClients.openCount
    if (openCount > 0) return `${openCount} operations are open`
    return undefined
  }

  finals(): readonly FinalTables[] {
    return this.peers.map(({ id, tables }) => ({ peer: id, functions: tables.functions }))
  }

  finalTasks(): readonly FinalTasks[] {
    return this.peers.map(({ id, tables }) => {
      const finals = [...valuesOf(tables.tasks.tasks)].map(({ id: task, key, state, failures, spec, result }) => {
        const output = result?.output.inline
        const text = output === undefined ? undefined : Buffer.from(output, 'base64').toString()
        const isService = spec.service !== undefined
        return [task, { key, state, failures, attemptsMax: spec.attemptsMax, output: text, isService }] as const
      })
      return { peer: id, tasks: new Map(finals) }
    })
  }

  /** Sums up what is known only at the end. */
  count(): void {
    const { coverage, history } = this
    coverage.elections = this.#log.electionsCount
    coverage.connectionsLost = this.#mesh.resetsCount
    for (const { state, isService } of this.finalTasks()[0]?.tasks.values() ?? []) {
      if (isService && state === 'running') coverage.servicesServing += 1
      if (state === 'succeeded') coverage.tasksSucceeded += 1
      if (state === 'dead') coverage.tasksDead += 1
      if (state === 'cancelled') coverage.tasksCancelled += 1
    }
    coverage.repeats = [...Map.groupBy(history.starts, ({ key }) => key).values()].filter(starts => starts.length > 1).length
  }

  #execute(peer: WholePeer, fn: FunctionRecord, call: ExecutionCall): FakeOutcome {
    const work = readWork(call)
    const run = `${peer.id}.${++this.#runs}`
    const outcome = outcomeOf(work, run)
    this.#world.trace(() => `${peer.id} starts ${fn.name} for ${work.key} (${call.invocation})`)
    this.history.starts.push({
      key: work.key,
      invocation: call.invocation,
      worker: peer.id,
      session: peer.life?.session ?? 0,
      atMs: this.#world.nowMs,
      output: outcome.error === undefined ? Buffer.concat(outcome.answer ?? []).toString() : undefined
    })
    return outcome
  }

  #onDeath(peer: WholePeer): void {
    this.clients.onDeath(peer.id)
    this.taskClients.onDeath(peer.id)
    // A disk that kills its process leaves nobody behind to start it again.
    if (this.#isChaos) this.#world.after(this.#world.random() * 1_000, () => peer.boot())
  }

  /** The last member takes its cluster with it, so two stay. */
  #leave(peer: WholePeer): void {
    const staying = this.peers.filter(({ life, isLeaving }) => life !== undefined && !isLeaving)
    if (staying.length < 3) return
    this.coverage.leaves += 1
    peer.stop('leave')
  }

  #crash(peer: WholePeer, downMs: number, how: 'killed' | 'powered off'): void {
    if (peer.life !== undefined) this.coverage.crashes += 1
    peer.kill(how)
    this.#world.after(downMs, () => peer.boot())
  }

  #freeze(peer: WholePeer, forMs: number): void {
    const { life } = peer
    if (life === undefined || life.process.isFrozen) return
    this.coverage.freezes += 1
    peer.freeze()
    this.#world.after(forMs, () => {
      if (peer.life === life) this.#thaw(peer)
    })
  }

  #thaw(peer: WholePeer): void {
    const sinceMs = peer.life?.process.frozenSinceMs
    if (sinceMs === undefined) return
    this.#world.trace(() => `${peer.id} thaws`)
    this.clients.onThaw(peer.id, sinceMs)
    peer.thaw()
  }

  #silence(inside: readonly WholePeer[], ways: 'both' | 'in' | 'out'): void {
    this.coverage.silences += 1
    for (const a of inside) {
      for (const b of this.peers) {
        if (inside.includes(b)) continue
        if (ways !== 'in') this.#mesh.wires.silence(a.id, b.id)
        if (ways !== 'out') this.#mesh.wires.silence(b.id, a.id)
      }
    }
    this.#mesh.review()
  }

  #flap(a: PeerId, b: PeerId, { times, everyMs }: { times: number; everyMs: number }): void {
    const { wires } = this.#mesh
    for (let i = 0; i < times; i++) {
      this.#world.after(i * everyMs, () => {
        wires.silence(a, b)
        this.#mesh.review()
      })
      this.#world.after((i + FLAP_SILENT_RATIO) * everyMs, () => {
        wires.unsilence(a, b)
        this.#mesh.review()
      })
    }
  }

  #find({ peer, preferOrchestrator }: Target): WholePeer {
    const orchestrator = preferOrchestrator
      ? this.peers.find(({ id, isUp, life }) => isUp && life?.daemon.service.cluster().orchestrator?.id === id)
      : undefined
    return orchestrator ?? this.#peer(peer)
  }

  #some(indexes: readonly number[]): readonly WholePeer[] {
    return indexes.map(index => this.#peer(index))
  }

  #peer(index: number): WholePeer {
    const peer = this.peers[index]
    if (peer === undefined) throw new Violation(`no peer ${index}`)
    return peer
  }
}

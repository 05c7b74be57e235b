import { CaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { LogLine } from '../model/logs.ts'
import type { Capacity, WarmPool } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ExecutionAnswer, ExecutionCall, Runtime, RuntimeUse, ServiceRun } from '../model/ports/runtime.ts'
import type { Driver, Instance, StdioInstance } from './driver.ts'
import type { LlcControl } from './llc/llc-control.ts'
import { runWithCache, waysWanted } from './llc/run-with-cache.ts'
import { onCall, onCallEnd, onColdStart } from '../core/pools/demand.ts'
import { DemandBook } from './demand-book.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { endInTurn } from './end-in-turn.ts'
import { createEnding, type Ending } from './ending.ts'
import { executeHttp } from './http-execution.ts'
import { HttpPools, type HttpPoolsInit } from './http-pools.ts'
import { ProgramLogs } from './program-logs.ts'
import { PrewarmPool } from './prewarm-pool.ts'
import { type Claim, type Idle, Ledger, type Reservation } from './resources.ts'
import { CallCounts } from './call-counts.ts'
import { runService } from './service-run.ts'
import { callEnv } from './stdio-env.ts'
import { executeStdio, overdueOf } from './stdio-execution.ts'

/** How often idle containers are looked over, and lacking prewarmed ones started. A container so outstays its time by a second at most. */
const UPKEEP_MS = 1_000

export interface FunctionRuntimeInit extends HttpPoolsInit {
  readonly capacity: Capacity
  /** Containers at once. */
  readonly slotsMax: number
  /** Ids of the GPUs that may be given to containers. */
  readonly gpus: readonly string[]
}

/** The runtime over a driver: reservations, pools, prewarmed programs, logs. Containers and processes differ only in the driver. */
export class FunctionRuntime implements Runtime {
  readonly #init: FunctionRuntimeInit
  readonly #driver: Driver
  /** The driver's starts, each program of which is remembered until nothing of it is left. */
  readonly #start: Pick<Driver, 'startStdio' | 'startServer'>
  readonly #clock: Clock
  readonly #ledger: Ledger
  readonly #prewarm: PrewarmPool
  readonly #demands = new DemandBook()
  readonly #pools: HttpPools
  readonly #calls = new CallCounts()
  /** Started programs of which something is left. */
  readonly #programs = new Set<Instance>()
  /** Settles for each one-shot program that was asked for, when it has ended. */
  readonly #starting = new Set<Promise<void>>()
  readonly #logs: ProgramLogs
  readonly #log: Logger
  readonly #llc: LlcControl
  #upkeep: Disposable | undefined
  /** Of the calls that run: a long-lived signal that every call listened to would keep something of each. */
  readonly #endings = new Set<Ending>()
  #isStopping = false

  constructor(init: FunctionRuntimeInit, { driver, llc, clock, log }: { driver: Driver; llc: LlcControl; clock: Clock; log: Logger }) {
    this.#init = init
    this.#driver = driver
    this.#clock = clock
    this.#logs = new ProgramLogs(clock)
    this.#log = log
    this.#llc = llc
    const gpus = (): readonly string[] => (driver.gpuRefusal === undefined ? init.gpus : [])
    this.#ledger = new Ledger(init.capacity, { slotsMax: init.slotsMax, gpus })
    const startStdio: Driver['startStdio'] = async (fn, ...args) => this.#track(await driver.startStdio(fn, ...args), fn)
    const startServer: Driver['startServer'] = async (fn, ...args) => this.#track(await driver.startServer(fn, ...args), fn)
    this.#start = { startStdio, startServer }
    this.#pools = new HttpPools(init, {
      driver: this.#start,
      clock,
      demands: this.#demands,
      reserve: async claim => this.#reserve(claim),
      fits: fn => this.#ledger.fits(fn),
      onInstance: (instance, fn) => this.#logs.watch(instance, fn, { isAnswer: false })
    })
    this.#prewarm = new PrewarmPool({ driver: this.#start, ledger: this.#ledger, demands: this.#demands, clock, log })
  }

  get kind(): 'docker' | 'process' {
    return this.#driver.kind
  }

  get arch(): string {
    return this.#driver.arch
  }

  get gpuRefusal(): string | undefined {
    return this.#driver.gpuRefusal
  }

  get capacity(): Capacity {
    return this.#init.capacity
  }

  async start(): Promise<void> {
    if (this.#upkeep !== undefined) return
    await this.#driver.start()
    await this.#llc.start()
    this.#upkeep = this.#clock.every(UPKEEP_MS, () => this.#tidyUp())
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const ending of this.#endings) ending.cut(stopping())
    this.#upkeep?.[Symbol.dispose]()
    this.#upkeep = undefined
    const ends = [
      async () => this.#pools.close(),
      async () => this.#prewarm.close(),
      async () => Promise.all([...this.#programs].map(async program => program.dispose())),
      async () => Promise.all(this.#starting),
      ...[this.#llc, this.#driver].map(part => async () => part.stop())
    ]
    await endInTurn(ends, { clock: this.#clock, log: this.#log })
  }

  async check(options: { signal: AbortSignal }): ReturnType<Runtime['check']> {
    return this.#driver.check(options)
  }

  async resolve(image: string, options: Parameters<Runtime['resolve']>[1]): ReturnType<Runtime['resolve']> {
    return this.#driver.resolve(image, options)
  }

  async present(digests: readonly Digest[], options: { signal: AbortSignal }): Promise<readonly Digest[]> {
    return this.#driver.present(digests, options)
  }

  async prune(options: { dryRun: boolean; signal: AbortSignal }): ReturnType<Runtime['prune']> {
    return this.#driver.prune(options)
  }

  async exportImage(digest: Digest, options: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>> {
    return this.#driver.exportImage(digest, options)
  }

  async importImage(fn: FunctionRecord, archive: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<void> {
    return this.#driver.importImage(fn, archive, options)
  }

  onMissingImage(bring: Parameters<Runtime['onMissingImage']>[0]): void {
    this.#driver.onMissingImage(bring)
  }

  onLog(listener: (line: Omit<LogLine, 'peer'>) => void): void {
    this.#logs.onLog(listener)
  }

  setFunctions(functions: readonly FunctionRecord[]): void {
    this.#pools.setFunctions(functions)
    this.#driver.setFunctions(functions)
    this.#prewarm.setFunctions(functions, this.arch)
  }

  setLease(remainingMs: number): void {
    this.#driver.setLease(remainingMs)
  }

  onCacheNeed(need: Parameters<NonNullable<Runtime['onCacheNeed']>>[0]): void {
    this.#llc.onNeed(need)
  }

  use(): RuntimeUse {
    const { cpus, memoryBytes } = this.#ledger.promised()
    const evictable = { cpusEvictable: 0, memoryEvictableBytes: 0 }
    for (const { reservation } of this.#idle()) {
      evictable.cpusEvictable += reservation.cpus
      evictable.memoryEvictableBytes += reservation.memoryBytes
    }
    const warm = this.#warm()
    return {
      running: this.#calls.total,
      cpusReserved: cpus,
      memoryReservedBytes: memoryBytes,
      ...evictable,
      warm,
      llc: this.#llc.state(warm)
    }
  }

  async execute(
    fn: FunctionRecord,
    call: ExecutionCall,
    { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number }
  ): Promise<ExecutionAnswer> {
    if (this.#isStopping) throw stopping()
    const ways = waysWanted(this.#llc, call.head.headers)
    const program: Program = { ways }
    const ending = createEnding({ clock: this.#clock, signal, timeoutMs, overdue: () => overdueOf(call, timeoutMs, program.instance) })
    const uncount = this.#calls.add(fn)
    const demand = this.#demands.of(fn)
    onCall(demand, this.#clock.nowMs())
    this.#endings.add(ending)
    const ended = (): void => {
      uncount()
      onCallEnd(demand, this.#clock.nowMs())
      this.#endings.delete(ending)
    }
    try {
      const isProgram = fn.contract === 'stdio'
      const answer = await (isProgram ? this.#callProgram(fn, call, ending, program) : this.#callServer(fn, call, ending, ways))
      void (answer.rest === undefined ? answer.end : Promise.allSettled([answer.end, answer.rest])).then(ended, ended)
      const { start, timing } = answer.head
      if (start === 'cold' && timing !== undefined) onColdStart(demand, timing.startMs)
      return answer
    } catch (error) {
      ending.close()
      ended()
      throw error
    }
  }

  async serve(fn: FunctionRecord, run: ServiceRun, options: { signal: AbortSignal }): Promise<never> {
    if (this.#isStopping) throw stopping()
    const onInstance = (instance: Instance): void => this.#logs.watch(instance, fn, { invocation: run.invocation, isAnswer: false })
    const components = { ...this.#init, driver: this.#start, clock: this.#clock, reserve: async () => this.#reserve(fn), onInstance }
    return runService(fn, run, components, options).finally(this.#calls.add(fn))
  }

  async #callProgram(fn: FunctionRecord, call: ExecutionCall, ending: Ending, program: Program): Promise<ExecutionAnswer> {
    const askedMs = this.#clock.nowMs()
    const prewarmed = call.task === undefined && program.ways === undefined ? this.#prewarm.take(fn) : undefined
    const instance = prewarmed?.instance ?? (await this.#startProgram(fn, call, await this.#reserve(fn), ending.signal))
    program.instance = instance
    this.#logs.watch(instance, fn, { invocation: call.invocation, isAnswer: true })
    const start = prewarmed === undefined ? 'cold' : 'prewarmed'
    const startMs = this.#clock.nowMs() - askedMs - instance.pullMs
    const run = async (): Promise<ExecutionAnswer> => executeStdio({ instance, fn, call, start, startMs, ending, clock: this.#clock })
    return runWithCache(this.#llc, { instance, ways: program.ways, onRefused: () => void instance.dispose() }, run)
  }

  /** The claim is held until the program has ended or failed to start, however early the caller gives up. */
  async #startProgram(fn: FunctionRecord, call: ExecutionCall, reservation: Reservation, signal: AbortSignal): Promise<StdioInstance> {
    const starting = this.#start.startStdio(fn, callEnv(fn, call.invocation, call.head), {
      signal,
      gpuIds: reservation.gpuIds,
      task: call.task
    })
    const ended = starting
      .then(async instance => instance.exited)
      .then(noop, noop)
      .finally(() => {
        reservation.release()
        this.#starting.delete(ended)
        this.#prewarm.refill()
      })
    this.#starting.add(ended)
    try {
      return await untilAborted(starting, signal)
    } catch (error) {
      void starting.then(async instance => instance.dispose(), noop)
      throw error
    }
  }

  async #callServer(fn: FunctionRecord, call: ExecutionCall, ending: Ending, ways: number | undefined): Promise<ExecutionAnswer> {
    const lease = await this.#pools.of(fn).acquire({ signal: ending.signal })
    const run = async (): Promise<ExecutionAnswer> => executeHttp({ lease, fn, call, ending, clock: this.#clock })
    return runWithCache(this.#llc, { instance: lease.instance, ways, onRefused: () => lease.release({ trusted: true }) }, run)
  }

  async #reserve(claim: Claim): Promise<Reservation> {
    return this.#ledger.reserveEvicting(claim, this.#idle())
  }

  #idle(): readonly Idle[] {
    return [...this.#prewarm.idle(), ...this.#pools.idle()].map(one => {
      const evict = async (): Promise<void> => {
        this.#demands.evicted(one.worth)
        await one.evict()
      }
      return { worth: one.worth, reservation: one.reservation, evict }
    })
  }

  /** Whatever ends a program, what is left of it is removed. */
  #track<Started extends Instance>(instance: Started, fn: FunctionRecord): Started {
    this.#programs.add(instance)
    this.#llc.admit(instance, functionKey(fn))
    void instance.exited.then(async () => instance.dispose()).then(() => this.#programs.delete(instance))
    return instance
  }

  #warm(): readonly WarmPool[] {
    const pools = new Map<string, WarmPool>()
    for (const pool of [...this.#prewarm.warm(), ...this.#pools.warm()]) pools.set(pool.function, pool)
    for (const [key, { count, contract }] of this.#calls.byFunction) {
      if (contract === 'stdio') pools.set(key, { function: key, idle: pools.get(key)?.idle ?? 0, busy: count })
    }
    return [...pools.values()].filter(({ idle, busy }) => idle > 0 || busy > 0)
  }

  #tidyUp(): void {
    this.#pools.tidyUp(this.#clock.nowMs())
    this.#prewarm.refill()
    this.#log.debug(this.use(), 'upkeep')
  }
}

/** What runs a one-shot call, once there is one, and with how many ways of the cache; see `CacheRun`. */
interface Program {
  readonly ways: number | undefined
  instance?: StdioInstance
}

function noop(): void {}

function stopping(): CaresError {
  return new CaresError('stopping', 'this peer is stopping', { retryable: true })
}

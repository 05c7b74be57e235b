import { Pool } from 'undici'
import { CaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { StartKind } from '../model/invocation.ts'
import type { WarmPool } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Driver, ServerInstance } from './driver.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { Tail } from './log-lines.ts'
import { endedEarly, notReady, notStarted, untilReady } from './ready.ts'
import type { Claim, Idle, Reservation } from './resources.ts'

/**
 * How long an idle connection to a container is kept. Servers close theirs without a word, and a call sent at that moment fails: this is below the
 * shortest idle time among common servers (gunicorn: 2 s), and connecting anew takes only a tenth of a millisecond.
 */
const CONNECTION_IDLE_MS_MAX = 1_500

/** One container that serves, or will. */
interface Server {
  /** Settles when it is ready, or has failed to become so. */
  readonly ready: Promise<Ready>
  /** Set once it is ready. */
  serving?: Ready
  /** Its port accepts. */
  isUp: boolean
  /** Set once it is started. */
  started?: Pick<Ready, 'instance' | 'client'>
  reservation?: Reservation
  /** Calls that run in it or wait for it. */
  busy: number
  /** Calls that it was ever given. */
  leases: number
  idleSinceMs: number
  /** When it was used last. */
  worth: number
  /** Takes no new calls; removed when the last one ends. */
  retired: boolean
  /** Resolves when it is gone; set once it is being removed. */
  removed?: Promise<void>
  readonly stop: AbortController
}

interface Ready {
  readonly instance: ServerInstance
  readonly client: Pool
  readonly tail: Tail
}

/** One call's place in one container. */
export interface Lease extends Ready {
  readonly start: StartKind
  /** How long this call waited for the container; 0 when it was warm. */
  readonly startMs: number
  /** Whether no other call has run in the container since the lease was given. */
  alone(): boolean
  /** Gives the place back. `trusted: false`: the container is not to be used again. */
  release(options: { trusted: boolean }): void
}

/** What a pool needs. */
export interface HttpPoolComponents {
  readonly driver: Pick<Driver, 'startServer'>
  readonly clock: Clock
  /** Grants room for a container, giving up idle ones if need be; throws `busy`. */
  readonly reserve: (claim: Claim) => Promise<Reservation>
  /** What a container that is used now will be worth when it is idle. */
  readonly worth: () => number
  /** A container was started: its log is to be read. */
  readonly onInstance: (instance: ServerInstance) => void
}

/** The warm containers of one function revision: started when calls need them, shared by `concurrency` calls each, removed when idle. */
export class HttpPool {
  readonly key: string
  readonly fn: FunctionRecord
  readonly #readyTimeoutMs: number
  readonly #components: HttpPoolComponents
  readonly #servers = new Set<Server>()
  /** Containers on their way out. */
  readonly #leaving = new Set<Server>()

  constructor(fn: FunctionRecord, { readyTimeoutMs }: { readyTimeoutMs: number }, components: HttpPoolComponents) {
    this.key = functionKey(fn)
    this.fn = fn
    this.#readyTimeoutMs = readyTimeoutMs
    this.#components = components
  }

  /**
   * A place for one call: in the fullest container that has one, so that others fall idle and can go; else in one that is starting; else in a
   * new one. A caller that gives up does not stop a starting container: the next call finds it further on.
   */
  async acquire({ signal }: { signal: AbortSignal }): Promise<Lease> {
    const { clock } = this.#components
    const open = [...this.#servers].filter(server => !server.retired && server.busy < this.fn.concurrency)
    const warm = open.filter(server => server.serving !== undefined).sort((a, b) => b.busy - a.busy)[0]
    const server = warm ?? open[0] ?? this.#launch()
    server.busy++
    const askedMs = clock.nowMs()
    try {
      const ready = server.serving ?? (await untilAborted(server.ready, signal))
      return this.#lease(server, ready, warm === undefined ? 'cold' : 'warm', clock.nowMs() - askedMs)
    } catch (error) {
      this.#leave(server)
      if (signal.aborted && signal.reason instanceof CaresError && signal.reason.code === 'timeout') {
        const waitedMs = clock.nowMs() - askedMs
        if (server.started === undefined) throw notStarted(this.fn, waitedMs)
        const { instance } = server.started
        throw notReady(this.fn, { port: instance.port, waitedMs, isUp: server.isUp, stderr: '' })
      }
      throw error
    }
  }

  warm(): WarmPool {
    const serving = [...this.#servers].filter(server => server.serving !== undefined && !server.retired)
    return {
      function: this.key,
      idle: serving.reduce((sum, server) => sum + this.fn.concurrency - server.busy, 0),
      busy: [...this.#servers].reduce((sum, server) => sum + server.busy, 0)
    }
  }

  isEmpty(): boolean {
    return this.#servers.size === 0 && this.#leaving.size === 0
  }

  /** Containers that could be given up: nobody calls them or waits for them. */
  idle(): readonly Idle[] {
    return [...this.#servers].flatMap(server => {
      const { reservation } = server
      if (server.busy > 0 || reservation === undefined) return []
      return [{ worth: server.worth, reservation, evict: async () => this.#remove(server) }]
    })
  }

  /** Removes containers that have been idle for `othersMs`; the one that was used last only if it is not to stay. */
  trim({ othersMs, keepsLast }: { othersMs: number; keepsLast: boolean }): void {
    const before = this.#components.clock.nowMs() - othersMs
    const servers = [...this.#servers].filter(({ serving, retired }) => serving !== undefined && !retired)
    const [last, ...others] = servers.sort((a, b) => b.busy - a.busy || b.idleSinceMs - a.idleSinceMs)
    for (const server of others) if (server.busy === 0 && server.idleSinceMs <= before) void this.#remove(server)
    if (last?.busy === 0 && !keepsLast) void this.#remove(last)
  }

  /** Removes every container that has been idle for `idleMs`. */
  trimAll(idleMs: number): void {
    const before = this.#components.clock.nowMs() - idleMs
    for (const server of this.#servers) {
      if (server.busy === 0 && server.serving !== undefined && server.idleSinceMs <= before) void this.#remove(server)
    }
  }

  /** Has a container, though nobody calls. */
  startAhead(): void {
    if (this.#servers.size === 0) this.#launch()
  }

  /** Takes no new calls into the present containers; each is removed when its calls have ended. */
  retire(): void {
    for (const server of this.#servers) {
      server.retired = true
      if (server.busy === 0) void this.#remove(server)
    }
  }

  /** Removes all containers, whatever runs in them. */
  async close(): Promise<void> {
    await Promise.all([...this.#servers, ...this.#leaving].map(async server => this.#remove(server)))
  }

  #lease(server: Server, ready: Ready, start: StartKind, startMs: number): Lease {
    const wasAlone = server.busy === 1
    const number = ++server.leases
    let held = true
    return {
      ...ready,
      startMs: start === 'warm' ? 0 : startMs,
      start,
      alone: () => wasAlone && server.leases === number,
      release: ({ trusted }) => {
        if (!held) return
        held = false
        if (!trusted) server.retired = true
        this.#leave(server)
      }
    }
  }

  #leave(server: Server): void {
    server.busy--
    server.idleSinceMs = this.#components.clock.nowMs()
    server.worth = this.#components.worth()
    if (server.busy === 0 && server.retired) void this.#remove(server)
  }

  #launch(): Server {
    const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>()
    const { clock, worth } = this.#components
    const server: Server = {
      ready,
      isUp: false,
      busy: 0,
      leases: 0,
      idleSinceMs: clock.nowMs(),
      worth: worth(),
      retired: false,
      stop: new AbortController()
    }
    // Those who wait see it; a launch that nobody waits for any more may fail unseen.
    ready.catch(() => {})
    this.#servers.add(server)
    this.#start(server).then(resolve, (error: unknown) => {
      reject(error)
      void this.#remove(server)
    })
    return server
  }

  async #start(server: Server): Promise<Ready> {
    const { driver, clock, reserve, onInstance } = this.#components
    const { signal } = server.stop
    const fn = this.fn
    const reservation = await reserve(fn)
    server.reservation = reservation
    const instance = await driver.startServer(fn, { signal, gpuIds: reservation.gpuIds }).catch((error: unknown) => {
      reservation.release()
      throw error
    })
    void instance.exited.then(() => reservation.release())
    const tail = new Tail()
    instance.stderr.on('data', (chunk: Buffer) => tail.write(chunk))
    onInstance(instance)
    if (instance.host === '') {
      const exit = await instance.exited
      await instance.dispose()
      throw endedEarly(fn, exit, tail.text())
    }
    const client = new Pool(`http://${instance.host}:${instance.port}`, {
      connections: fn.concurrency,
      keepAliveTimeout: CONNECTION_IDLE_MS_MAX,
      // The call's own deadline bounds these; a function may well be silent for minutes.
      headersTimeout: 0,
      bodyTimeout: 0
    })
    server.started = { instance, client }
    const onUp = (): void => void (server.isUp = true)
    await untilReady({ instance, client, fn, clock }, { deadlineMs: this.#readyTimeoutMs, stderr: () => tail.text(), onUp, signal })
    server.serving = { instance, client, tail }
    // Not before: until then it is the watch for readiness that tells how the program ended.
    void instance.exited.then(() => this.#remove(server))
    instance.health?.onUnhealthy(() => this.#replace(server))
    return server.serving
  }

  /** Its calls may still end well. One that was never called is not worth another, which may be no better. */
  #replace(server: Server): void {
    if (server.retired) return
    server.retired = true
    if (server.busy === 0) void this.#remove(server)
    const hasOthers = [...this.#servers].some(other => !other.retired)
    if (server.leases > 0 && !hasOthers) this.#launch()
  }

  /** Resolves when the container is gone. */
  #remove(server: Server): Promise<void> {
    server.removed ??= this.#stopAndRemove(server)
    return server.removed
  }

  async #stopAndRemove(server: Server): Promise<void> {
    server.retired = true
    this.#servers.delete(server)
    this.#leaving.add(server)
    server.stop.abort(new CaresError('stopping', 'the container is being removed', { retryable: true }))
    // Whoever waited for it to be ready has been told why it never was.
    await server.ready.catch(() => {})
    if (server.started !== undefined) {
      const { instance, client } = server.started
      await Promise.all([instance.dispose(), client.destroy()])
    }
    this.#leaving.delete(server)
  }
}

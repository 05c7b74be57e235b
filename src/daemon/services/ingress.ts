import { CaresError, toCaresError } from '../../model/errors.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { Tcp, TcpConnection } from '../../model/ports/tcp.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { isOver, type TaskRecord } from '../../model/task.ts'
import { isNewer } from '../tasks/task-progress.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import { openTunnel } from './open-tunnel.ts'
import { ConnectionQuota } from './connection-quota.ts'
import { pump } from './pump.ts'

/** How often what is published is read anew, whatever was heard of it, and a port that somebody else had is tried again. */
const LOOK_EVERY_MS = 5_000

export interface IngressComponents {
  readonly tcp: Tcp
  readonly store: Pick<TaskStore, 'published' | 'onChange'>
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventLog
}

/** A port at which this peer should take connections. */
interface Port {
  /** Absent: it is being opened, or somebody else has it. */
  listener?: Disposable
  /** Why it could not be opened. */
  reason?: string
}

/**
 * The gateway's end of connections to published services: takes them at each published port, on every peer, and passes them to the worker that runs the
 * service by then. A port that another program of the machine has is told of, and tried again.
 */
export class Ingress implements Startable {
  readonly #components: IngressComponents
  readonly #services = new Map<number, TaskRecord>()
  readonly #ports = new Map<number, Port>()
  readonly #connections = new Set<TcpConnection>()
  readonly #quota = new ConnectionQuota<number>()
  readonly #stopping = new AbortController()
  #timer: Disposable | undefined
  #looking: Promise<void> | undefined

  constructor(components: IngressComponents) {
    this.#components = components
    components.store.onChange(task => this.#onTask(task))
  }

  /** Published ports that this peer could not open, and why. */
  get taken(): ReadonlyMap<number, string> {
    return new Map([...this.#ports].flatMap(([port, { reason }]) => (reason === undefined ? [] : [[port, reason] as const])))
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return
    this.#timer = this.#components.clock.every(LOOK_EVERY_MS, () => this.#look())
    this.#look()
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#stopping.abort(new CaresError('stopping', 'this peer is stopping', { retryable: true }))
    await this.#looking
    for (const { listener } of this.#ports.values()) listener?.[Symbol.dispose]()
    this.#ports.clear()
    for (const connection of this.#connections) connection.destroy()
  }

  #onTask(task: TaskRecord): void {
    const { publish } = task.spec.service ?? {}
    if (publish === undefined) return
    const known = this.#services.get(publish)
    if (isOver(task)) {
      if (known?.id === task.id) this.#services.delete(publish)
    } else if (known?.id !== task.id || isNewer(task, known)) this.#services.set(publish, task)
    if (this.#timer !== undefined) void this.#open()
  }

  #look(): void {
    this.#looking ??= this.#lookAnew().finally(() => (this.#looking = undefined))
  }

  async #lookAnew(): Promise<void> {
    const { store, log } = this.#components
    try {
      const published = await store.published()
      const known = new Map(this.#services)
      this.#services.clear()
      for (const task of published) {
        const { publish = 0 } = task.spec.service ?? {}
        const heard = known.get(publish)
        this.#services.set(publish, heard?.id === task.id && isNewer(heard, task) ? heard : task)
      }
    } catch (err) {
      log.debug({ err }, 'published services are not known anew')
    }
    await this.#open()
  }

  /** Takes connections at the ports that are published, and at no others. */
  async #open(): Promise<void> {
    for (const [port, { listener }] of this.#ports) {
      if (this.#services.has(port)) continue
      listener?.[Symbol.dispose]()
      this.#ports.delete(port)
    }
    await Promise.all(this.#services.keys().map(port => this.#listen(port)))
  }

  async #listen(number: number): Promise<void> {
    const known = this.#ports.get(number)
    if (this.#stopping.signal.aborted || (known !== undefined && (known.listener !== undefined || known.reason === undefined))) return
    const port: Port = {}
    this.#ports.set(number, port)
    try {
      const listener = await this.#components.tcp.listen(number, connection => void this.#serve(connection, number))
      port.listener = listener
      // It may have been taken back while it was being opened.
      if (this.#stopping.signal.aborted || this.#ports.get(number) !== port) listener[Symbol.dispose]()
    } catch (err) {
      port.reason = toCaresError(err).message
      if (known === undefined) this.#tellTaken(number, port.reason)
    }
  }

  #tellTaken(port: number, reason: string): void {
    const { events, log } = this.#components
    const task = this.#services.get(port)
    if (task === undefined) return
    log.warn({ port, task: task.id, reason }, 'a published port cannot be opened here')
    events.emit('task:port-refused', { port, task: task.id, name: task.spec.name, reason })
  }

  async #serve(connection: TcpConnection, port: number): Promise<void> {
    const { transport, clock, log } = this.#components
    this.#connections.add(connection)
    try {
      using _ = this.#quota.take(port)
      const service = (): TaskRecord | undefined => this.#services.get(port)
      const channel = await openTunnel(service, { transport, clock }, { signal: this.#stopping.signal })
      await pump(connection, channel, { clock })
    } catch (err) {
      connection.destroy()
      log.debug({ err, port }, 'connection to a service broken')
    } finally {
      this.#connections.delete(connection)
    }
  }
}

import { createHash } from 'node:crypto'
import { recomputes } from '../../core/scheduler/recompute.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { FunctionRecord, PullPolicy } from '../../model/function.ts'
import { checkIdempotencyKey } from '../../model/idempotency-key.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Receipt } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Runtime } from '../../model/ports/runtime.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { Transport } from '../../model/ports/transport.ts'
import {
  type BlobRef,
  isOver,
  isServing,
  type Payload,
  type TaskId,
  type TaskOutcome,
  type TaskRecord,
  type TaskSpec
} from '../../model/task.ts'
import { isReached, parseTaskRequest, specOfFunction, specOfImage } from '../../model/task-request.ts'
import type { SubmitOptions, TaskCounts, TaskPage, TaskQuery, TaskRequest, TaskService, TaskWhy } from '../../model/task-service.ts'
import { askTask } from './ask-task.ts'
import type { Payloads } from './payloads.ts'
import { checkPort, resolveServer } from './service-image.ts'

/** Longest that looking for an image may take; what must come from a registry takes its time. */
const RESOLVE_TIMEOUT_MS = 600_000

export interface TaskGatewayComponents {
  readonly store: TaskStore
  readonly payloads: Payloads
  readonly runtime: Runtime | null
  readonly transport: Transport
  readonly clock: Clock
  readonly newTaskId: () => TaskId
  readonly orchestrator: () => PeerId | null
  /** Throws `not_found` with the closest name. */
  readonly findFunction: (name: string, options: { signal: AbortSignal }) => Promise<FunctionRecord>
  readonly views: () => readonly PeerView[]
}

/** Tasks, as the clients of this peer see them. */
export class TaskGateway implements TaskService {
  readonly #components: TaskGatewayComponents
  readonly #waiting = new Map<TaskId, Set<(task: TaskRecord) => void>>()

  constructor(components: TaskGatewayComponents) {
    this.#components = components
    components.store.onChange(task => {
      if (isSettled(task)) for (const tell of this.#waiting.get(task.id) ?? []) tell(task)
    })
  }

  async submit(request: TaskRequest, options: SubmitOptions): Promise<{ task: TaskRecord; created: boolean }> {
    const { store, transport, clock, newTaskId } = this.#components
    const { key, caller, pull = 'missing', signal } = options
    const asked = parseTaskRequest(request)
    if (key !== undefined) checkIdempotencyKey(key)
    if (asked.service !== undefined && (options.input !== undefined || options.inputDigest !== undefined))
      throw new CaresError('invalid', 'a service has no input', { hint: 'hand it in as a variable, an argument, or over its port' })
    const spec = await this.#specOf(asked, { pull, signal })
    const payload = await this.#inputOf(options)
    const id = newTaskId()
    const [outcome] = await store.commit(
      [
        {
          type: 'submit',
          id,
          ...(key === undefined ? {} : { key }),
          ...(caller === undefined ? {} : { caller }),
          fingerprint: fingerprint(asked, payload),
          spec,
          ...(payload === undefined ? {} : { input: payload }),
          gateway: transport.self,
          at: clock.timestamp()
        }
      ],
      { signal }
    )
    const task = await this.#get(idOf(outcome))
    return { task, created: task.id === id }
  }

  async upload(bytes: AsyncIterable<Uint8Array>, { signal }: { signal: AbortSignal }): Promise<BlobRef> {
    return this.#components.payloads.upload(bytes, { signal })
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    return this.#components.store.list(query)
  }

  async counts(): Promise<TaskCounts> {
    return this.#components.store.counts()
  }

  async find(id: string): Promise<TaskRecord> {
    const [task, second] = await this.#components.store.match(id)
    if (task === undefined) {
      throw new CaresError('not_found', `no task ${id}`, { hint: 'list the tasks: cares tasks' })
    }
    if (second !== undefined && task.id !== id && !isPlain(id, task, second)) {
      throw new CaresError('conflict', `several tasks are called ${id} or begin like it`, {
        hint: 'name it by its whole id: cares tasks -o wide'
      })
    }
    return task
  }

  async waitFor(id: string, { signal }: { signal: AbortSignal }): Promise<TaskRecord> {
    const task = await this.find(id)
    if (isSettled(task)) return task
    const over = Promise.withResolvers<TaskRecord | undefined>()
    const onAbort = (): void => over.resolve(undefined)
    const waiting = this.#waiting.get(task.id) ?? new Set()
    this.#waiting.set(task.id, waiting)
    waiting.add(over.resolve)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      // It may have ended while it was looked for.
      const now = await this.#get(task.id)
      if (isSettled(now) || signal.aborted) return now
      return (await over.promise) ?? (await this.#get(task.id))
    } finally {
      signal.removeEventListener('abort', onAbort)
      waiting.delete(over.resolve)
      if (waiting.size === 0) this.#waiting.delete(task.id)
    }
  }

  async cancel(id: string, { signal }: { signal: AbortSignal }): Promise<TaskRecord> {
    const { store, clock } = this.#components
    const task = await this.find(id)
    if (isOver(task)) return task
    const [outcome] = await store.commit([{ type: 'cancel', id: task.id, at: clock.timestamp() }], { signal })
    return this.#get(idOf(outcome))
  }

  async output(id: string, { signal }: { signal: AbortSignal }): Promise<{ bytes: number; body: AsyncIterable<Uint8Array> }> {
    const task = await this.find(id)
    if (task.spec.service !== undefined) {
      throw new CaresError('conflict', `task ${task.id} is a service: it has no result`, { hint: `what it writes: cares logs ${task.id}` })
    }
    if (!isOver(task)) {
      throw new CaresError('conflict', `task ${task.id} is ${task.state}, so it has no result yet`, {
        retryable: true,
        hint: `wait for it: cares wait ${task.id}`
      })
    }
    if (task.result === undefined) {
      const hint = task.state === 'dead' ? `see why: cares tasks ${task.id}` : undefined
      throw new CaresError('not_found', `task ${task.id} is ${task.state}: it has no result`, { hint })
    }
    const { output } = task.result
    return { bytes: output.bytes, body: await this.#components.payloads.open(output, { signal }) }
  }

  async explain(id: string, { signal }: { signal: AbortSignal }): Promise<TaskWhy> {
    const task = await this.find(id)
    const history = task.attempts.flatMap(({ attempt, worker, at, endedAt, failure }) => [
      `${at} attempt ${attempt} was given to ${worker}`,
      ...(endedAt === undefined || failure === undefined ? [] : [`${endedAt} attempt ${attempt} failed: ${failure.message}`])
    ])
    const leader = this.#components.orchestrator()
    if (leader === null) {
      const why = 'nobody places tasks now: the cluster has no orchestrator'
      return { reasons: isOver(task) ? history : [...history, why], receipt: null, recomputes: null }
    }
    const [reasons, receipt] = await Promise.all([
      this.#reasons(task.id, history, { leader, signal }),
      this.#receipt(task.id, { leader, signal })
    ])
    return { reasons, receipt, recomputes: receipt === null ? null : recomputes(receipt) }
  }

  /** What the orchestrator says of it, among what this peer knows. */
  async #reasons(
    task: TaskId,
    history: readonly string[],
    { leader, signal }: { leader: PeerId; signal: AbortSignal }
  ): Promise<readonly string[]> {
    try {
      const answer = await askTask(this.#components.transport, leader, { type: 'explain', task }, { signal })
      return answer.type === 'explained' ? [...history, ...answer.reasons].sort() : history
    } catch (err) {
      if (signal.aborted) throw toCaresError(err)
      return [...history, `the orchestrator could not be asked: ${toCaresError(err).message}`]
    }
  }

  /** Null, too, where the orchestrator cannot be asked, which the reasons say then, or is of an earlier version and does not know the question. */
  async #receipt(task: TaskId, { leader, signal }: { leader: PeerId; signal: AbortSignal }): Promise<Receipt | null> {
    try {
      const answer = await askTask(this.#components.transport, leader, { type: 'receipt', task }, { signal })
      return answer.type === 'receipt' ? answer.receipt : null
    } catch (err) {
      if (signal.aborted) throw toCaresError(err)
      return null
    }
  }

  async #specOf(request: TaskRequest, { pull, signal }: { pull: PullPolicy; signal: AbortSignal }): Promise<TaskSpec> {
    const { runtime, clock, findFunction } = this.#components
    if (request.function !== undefined) return specOfFunction(request, await findFunction(request.function, { signal }))
    if (runtime === null) {
      throw new CaresError('runtime_unavailable', 'this peer runs nothing (--no-work), so it cannot look at images', {
        hint: 'submit through a peer that works'
      })
    }
    const within = AbortSignal.any([signal, clock.timeout(RESOLVE_TIMEOUT_MS)])
    const { image = '', service } = request
    if (service === undefined || !isReached(service)) {
      return specOfImage(request, await runtime.resolve(image, { pull, wish: { contract: 'stdio' }, signal: within }))
    }
    checkPort(service, this.#components.views())
    return specOfImage(request, await resolveServer(runtime, image, { ...service, pull, signal: within }))
  }

  async #inputOf({ input, inputDigest, signal }: SubmitOptions): Promise<Payload | undefined> {
    const { payloads } = this.#components
    if (inputDigest !== undefined) return payloads.uploaded(inputDigest, { signal })
    const kept = input === undefined ? undefined : await payloads.keep(input, { signal })
    return kept === undefined || kept.bytes === 0 ? undefined : kept
  }

  async #get(id: TaskId): Promise<TaskRecord> {
    const task = await this.#components.store.find(id)
    if (task === undefined) throw new CaresError('not_found', `task ${id} is forgotten already`)
    return task
  }
}

/** Whether `name` tells the first of two tasks that are called so: the only one that is not over, or, where all are, the newest. */
function isPlain(name: string, first: TaskRecord, second: TaskRecord): boolean {
  return first.spec.name === name && second.spec.name === name && isOver(second)
}

/** Whether whoever waits for a task need not wait any longer. */
function isSettled(task: TaskRecord): boolean {
  return isOver(task) || isServing(task)
}

/** What a request asks for, in short: the same for the same request, whichever peer gets it and whatever an image's tag means by then. */
function fingerprint(request: TaskRequest, input: Payload | undefined): string {
  const sorted = Object.entries(request.env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const fields = Object.entries({ ...request, env: sorted }).sort(([a], [b]) => (a < b ? -1 : 1))
  const hash = createHash('sha256').update(JSON.stringify(fields))
  if (input !== undefined) hash.update(input.blob?.digest ?? addressOf(Buffer.from(input.inline ?? '', 'base64')))
  return hash.digest('hex')
}

/** The address that an inline input would have: however the same bytes are handed in, it is the same request. */
function addressOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function idOf(outcome: TaskOutcome | undefined): TaskId {
  if (outcome?.type === 'refused') throw new CaresError(outcome.code, outcome.message)
  if (outcome === undefined || outcome.type === 'expired') throw new CaresError('internal', 'a change of a task had no outcome')
  return outcome.id
}

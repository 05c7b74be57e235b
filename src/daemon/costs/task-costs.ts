import type { CostAmounts, CostKey, CostRow } from '../../model/costs.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Usage } from '../../model/invocation.ts'
import type { PeerProfile } from '../../model/peer.ts'
import { shareOfMachine, usdOf } from '../../model/price.ts'
import { type AttemptRef, isOver, type TaskAttempt, type TaskId, type TaskRecord } from '../../model/task.ts'
import { keyOf } from '../tasks/task-changes.ts'
import { NO_COSTS } from './cost-book.ts'

/** Tasks that have run here and are not over; a worker has fewer in hand. Of one that is dropped, earlier attempts are counted again at its end. */
const TASKS_MAX = 4_096

/** Attempts whose usage is remembered until the cluster has heard of their end. What is dropped, or never asked for, is counted by time alone. */
const USAGES_MAX = 1_024

/** An image may be a whole command; so much of it tells it from others, and fits into what peers send. */
const NAME_CHARS_MAX = 120

export interface TaskCostsComponents {
  readonly self: PeerId
  readonly isOrchestrator: () => boolean
  /** What is known of a peer, however it stands. */
  readonly profileOf: (peer: PeerId) => PeerProfile | undefined
  /** How long an attempt that begins here now is expected to take, in milliseconds. */
  readonly expectedMs: (task: TaskRecord) => number
  readonly add: (key: Pick<CostRow, CostKey>, amounts: CostAmounts) => void
}

/** What is remembered of a task that has run here and is not over. */
interface Known {
  /** What is expected of the attempt that runs here. */
  expectedMs: number
  /** The newest attempt that has been counted. */
  counted: number
}

/**
 * What tasks have cost. Every peer hears of every task that changes. Each worker counts its own attempts as they end, with what it has measured of
 * them. One that is cancelled runs on here until its program is gone, and is counted then. Whose worker was lost is counted when the task is over, by
 * the time that they held their room: by the worker of the last attempt, or by the orchestrator where that one was lost, too. The same peer counts
 * the task itself. So it makes no difference whose client submitted it. A task that never ran has cost nothing.
 */
export class TaskCosts {
  readonly #components: TaskCostsComponents
  readonly #known = new Map<TaskId, Known>()
  /** What attempts have used that are over here and not counted yet, by task and number. */
  readonly #usages = new Map<string, Usage>()
  /** Attempts that run here, as many as the worker takes. Those with a task are over for the cluster already: it was cancelled. */
  readonly #running = new Map<string, TaskRecord | undefined>()

  constructor(components: TaskCostsComponents) {
    this.#components = components
  }

  /** An attempt begins here. */
  onBegun(ref: AttemptRef): void {
    this.#running.set(keyOf(ref), undefined)
  }

  /**
   * An attempt that began here is over, and its program gone. To be told before the cluster hears of that.
   *
   * @param usage what it has used, as far as that was measured
   */
  onEnded(ref: AttemptRef, usage: Usage | undefined): void {
    const key = keyOf(ref)
    const task = this.#running.get(key)
    this.#running.delete(key)
    if (usage !== undefined) {
      this.#usages.set(key, usage)
      dropOldest(this.#usages, USAGES_MAX)
    }
    if (task === undefined) return
    for (const attempt of task.attempts) if (attempt.attempt === ref.attempt) this.#countOwn(task, attempt)
    if (isOver(task)) this.#known.delete(task.id)
  }

  /** A task has changed. */
  onTask(task: TaskRecord): void {
    const { self, expectedMs, isOrchestrator } = this.#components
    const last = task.attempts.at(-1)
    for (const attempt of task.attempts) {
      const key = keyOf({ task: task.id, attempt: attempt.attempt })
      if (attempt.worker !== self || attempt.endedAt === undefined) continue
      if (this.#running.has(key)) this.#running.set(key, task)
      else this.#countOwn(task, attempt)
    }
    if (task.state === 'running' && last?.worker === self) this.#of(task.id).expectedMs = expectedMs(task)
    if (!isOver(task)) return
    if (last !== undefined && (isLost(last) ? isOrchestrator() : last.worker === self)) this.#countTask(task, last)
    this.#known.delete(task.id)
  }

  /** Once: a task is told again with each further change. */
  #countOwn(task: TaskRecord, attempt: TaskAttempt): void {
    const known = this.#of(task.id)
    if (attempt.attempt <= known.counted || isLost(attempt)) return
    known.counted = attempt.attempt
    const hasResult = task.state === 'succeeded' && attempt === task.attempts.at(-1)
    const key = keyOf({ task: task.id, attempt: attempt.attempt })
    const usage = hasResult ? task.result?.usage : this.#usages.get(key)
    this.#usages.delete(key)
    this.#add(task, attempt.worker, costsOfAttempt(task, attempt, this.#profile(attempt), usage))
  }

  #countTask(task: TaskRecord, last: TaskAttempt): void {
    for (const attempt of task.attempts) {
      if (isLost(attempt)) this.#add(task, attempt.worker, costsOfAttempt(task, attempt, this.#profile(attempt), undefined))
    }
    const predictedMs = this.#known.get(task.id)?.expectedMs ?? 0
    const profile = this.#profile(last)
    const quotedUsd = usdOf(profile?.usdPerHour ?? 0, shareOf(task, profile), predictedMs)
    this.#add(task, last.worker, { ...NO_COSTS, tasks: 1, failed: task.state === 'dead' ? 1 : 0, predictedMs, quotedUsd })
  }

  #add(task: TaskRecord, peer: PeerId, amounts: CostAmounts): void {
    this.#components.add({ function: costName(task), caller: task.caller ?? '', peer }, amounts)
  }

  #profile({ worker }: TaskAttempt): PeerProfile | undefined {
    return this.#components.profileOf(worker)
  }

  #of(id: TaskId): Known {
    let known = this.#known.get(id)
    if (known === undefined) this.#known.set(id, (known = { expectedMs: 0, counted: 0 }))
    dropOldest(this.#known, TASKS_MAX)
    return known
  }
}

function dropOldest<Key>(map: Map<Key, unknown>, sizeMax: number): void {
  if (map.size > sizeMax) for (const oldest of map.keys().take(1)) map.delete(oldest)
}

/** Whether its worker cannot have counted it. */
function isLost({ failure }: TaskAttempt): boolean {
  return failure?.code === 'peer_lost'
}

/** What a task is called in the ledger. A function's name has no colon. */
export function costName({ spec: { function: fn, image } }: TaskRecord): string {
  return fn ?? `image:${image.split('@sha256:', 1)[0] ?? image}`.slice(0, NAME_CHARS_MAX)
}

/**
 * What an attempt has cost. Where its usage was not measured, all that is known is how long it held its room, by the orchestrator's clock: so much is
 * counted, and marked as an estimate.
 */
function costsOfAttempt(task: TaskRecord, attempt: TaskAttempt, profile: PeerProfile | undefined, usage: Usage | undefined): CostAmounts {
  const heldMs = heldMsOf(attempt)
  const occupiedMs = usage === undefined ? heldMs : usage.pullMs + usage.startMs + usage.runMs
  const runMs = usage?.runMs ?? heldMs
  const usd = usdOf(profile?.usdPerHour ?? 0, shareOf(task, profile), occupiedMs)
  return {
    ...NO_COSTS,
    cpuMs: usage?.cpuMs ?? 0,
    gbMs: (task.spec.memoryBytes / 1e9) * runMs,
    bytesIn: usage?.bytesIn ?? 0,
    bytesOut: usage?.bytesOut ?? 0,
    usd,
    estimatedUsd: usage === undefined ? usd : 0,
    runMs,
    totalMs: heldMs
  }
}

function shareOf({ spec }: TaskRecord, profile: PeerProfile | undefined): number {
  return profile === undefined ? 0 : shareOfMachine(profile.capacity, spec.cpus, spec.memoryBytes)
}

/** From assignment to end. Two orchestrators may have told the times, whose clocks differ. */
function heldMsOf({ at, endedAt }: TaskAttempt): number {
  return endedAt === undefined ? 0 : Math.max(0, Date.parse(endedAt) - Date.parse(at)) || 0
}

import type { CostAmounts, CostKey, CostRow } from '../../model/costs.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import { shareOfMachine, usdOf } from '../../model/price.ts'
import { isOver, type TaskAttempt, type TaskId, type TaskRecord } from '../../model/task.ts'
import { NO_COSTS } from './cost-book.ts'

/** Tasks whose expectation is remembered; a worker has fewer in hand. What is dropped is only not compared with what it took. */
const EXPECTED_MAX = 4_096

/** An image may be a whole command; so much of it tells it from others, and fits into what peers send. */
const NAME_CHARS_MAX = 120

export interface TaskCostsComponents {
  readonly self: PeerId
  /** What is known of a peer, however it stands. */
  readonly profileOf: (peer: PeerId) => PeerProfile | undefined
  /** How long an attempt that begins here now is expected to take, in milliseconds. */
  readonly expectedMs: (task: TaskRecord) => number
  readonly add: (key: Pick<CostRow, CostKey>, amounts: CostAmounts) => void
}

/**
 * What tasks have cost. Every peer hears of every task that ends, once: what is applied of the log is never applied again. The one that ran its
 * last attempt counts it, with its earlier attempts wherever they ran; so it makes no difference whose client submitted it, who places tasks
 * by then, and which of them have been restarted. A task that never ran has cost nothing. One whose last worker has died is not counted, as
 * all else that this worker had counted is lost with it.
 */
export class TaskCosts {
  readonly #components: TaskCostsComponents
  readonly #expectedMs = new Map<TaskId, number>()

  constructor(components: TaskCostsComponents) {
    this.#components = components
  }

  /** A task has changed. */
  onTask(task: TaskRecord): void {
    const { self, expectedMs, profileOf, add } = this.#components
    if (task.attempts.at(-1)?.worker === self) {
      if (task.state === 'running') return this.#expect(task.id, expectedMs(task))
      if (isOver(task)) {
        for (const { peer, amounts } of costsOfTask(task, { expectedMs: this.#expectedMs.get(task.id) ?? 0, profileOf })) {
          add({ function: costName(task), caller: task.caller ?? '', peer }, amounts)
        }
      }
    }
    this.#expectedMs.delete(task.id)
  }

  #expect(id: TaskId, ms: number): void {
    this.#expectedMs.set(id, ms)
    if (this.#expectedMs.size > EXPECTED_MAX) for (const oldest of this.#expectedMs.keys().take(1)) this.#expectedMs.delete(oldest)
  }
}

/** What a task is called in the ledger. A function's name has no colon. */
function costName({ spec: { function: fn, image } }: TaskRecord): string {
  return fn ?? `image:${image.split('@sha256:', 1)[0] ?? image}`.slice(0, NAME_CHARS_MAX)
}

/**
 * What each attempt of a task that is over has cost, where it ran. Usage is measured of the one that brought the result; of others all that is
 * known is how long they held their room, by the orchestrator's clock.
 *
 * @param expectedMs - what was expected of the last one
 */
export function costsOfTask(
  task: TaskRecord,
  { expectedMs, profileOf }: { expectedMs: number; profileOf: (peer: PeerId) => PeerProfile | undefined }
): readonly { peer: PeerId; amounts: CostAmounts }[] {
  const { spec, state, result, attempts } = task
  return attempts.map((attempt, at) => {
    const isLast = at === attempts.length - 1
    const usage = isLast ? result?.usage : undefined
    const profile = profileOf(attempt.worker)
    const share = profile === undefined ? 0 : shareOfMachine(profile.capacity, spec.cpus, spec.memoryBytes)
    const usdPerHour = profile?.usdPerHour ?? 0
    const heldMs = heldMsOf(attempt)
    const occupiedMs = usage === undefined ? heldMs : usage.pullMs + usage.startMs + usage.runMs
    const runMs = usage?.runMs ?? heldMs
    const amounts = {
      ...NO_COSTS,
      cpuMs: usage?.cpuMs ?? 0,
      gbMs: (spec.memoryBytes / 1e9) * runMs,
      bytesIn: usage?.bytesIn ?? 0,
      bytesOut: usage?.bytesOut ?? 0,
      usd: usdOf(usdPerHour, share, occupiedMs),
      runMs,
      totalMs: heldMs
    }
    if (!isLast) return { peer: attempt.worker, amounts }
    const quotedUsd = usdOf(usdPerHour, share, expectedMs)
    return { peer: attempt.worker, amounts: { ...amounts, tasks: 1, failed: state === 'dead' ? 1 : 0, predictedMs: expectedMs, quotedUsd } }
  })
}

/** From assignment to end. Two orchestrators may have told the times, whose clocks differ. */
function heldMsOf({ at, endedAt }: TaskAttempt): number {
  return endedAt === undefined ? 0 : Math.max(0, Date.parse(endedAt) - Date.parse(at)) || 0
}

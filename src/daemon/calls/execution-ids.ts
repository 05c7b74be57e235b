import type { InvocationId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { AnswerBuffer } from './answer-buffer.ts'

/** A finished answer stays readable for so long, or until newer ones need its room. */
const FINISHED_KEPT_MS = 30_000
const FINISHED_BYTES_MAX = 64 * 2 ** 20
const FINISHED_MAX = 10_000
/** Answers that are being read are not taken away from their readers, so slow ones could fill the memory: beyond this, no new work. */
const UNREAD_BYTES_MAX = 256 * 2 ** 20
/** Bare ids outlive answers: a late duplicate order must find that its work was done. */
const IDS_KEPT_MS = 600_000
const IDS_MAX = 100_000

/** One execution of a worker, from its registration until its answer is forgotten. Without the order: that may carry a large body. */
export interface Execution {
  readonly invocation: InvocationId
  /** The gateway's round that it was ordered in. */
  readonly round: number
  readonly buffer: AnswerBuffer
  readonly abort: AbortController
  /** Channels that read the answer now. */
  readers: number
}

type IdState =
  | { readonly type: 'running'; readonly execution: Execution }
  /** `bytes` as they were counted: the buffer lets some go while its last readers finish. */
  | { readonly type: 'kept'; readonly execution: Execution; readonly bytes: number; readonly atMs: number }
  | { readonly type: 'completed'; readonly atMs: number }
  | { readonly type: 'withdrawn'; readonly round: number; readonly atMs: number }

/** What a worker knows of invocation ids: those it runs or ran, and those it has promised not to run. Bounded in number, bytes and time. */
export class ExecutionIds {
  readonly #clock: Clock
  /** In order of registration, so that the oldest come first. */
  readonly #states = new Map<InvocationId, IdState>()
  /** Those whose answers are still readable, in order of their end. */
  readonly #kept = new Set<InvocationId>()
  readonly #running = new Set<Execution>()
  #keptBytes = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  get runningCount(): number {
    return this.#running.size
  }

  /** Ids that are known in any way. */
  get size(): number {
    return this.#states.size
  }

  /** Whether there is memory for another answer. */
  get hasRoom(): boolean {
    return this.#keptBytes <= UNREAD_BYTES_MAX
  }

  running(): readonly Execution[] {
    return [...this.#running]
  }

  /** An execution whose answer can be read. */
  find(invocation: InvocationId): Execution | undefined {
    const state = this.#states.get(invocation)
    return state?.type === 'running' || state?.type === 'kept' ? state.execution : undefined
  }

  /** Whether the execution has ended and its answer is gone. */
  isCompleted(invocation: InvocationId): boolean {
    return this.#states.get(invocation)?.type === 'completed'
  }

  register(execution: Execution): void {
    this.#expire()
    this.#states.set(execution.invocation, { type: 'running', execution })
    this.#running.add(execution)
  }

  /**
   * Forgets an execution that was refused before it began. That it was ordered says that its gateway had closed all earlier rounds: what was
   * promised about those still holds.
   */
  forget(execution: Execution): void {
    if (!this.#running.delete(execution)) return
    this.#states.delete(execution.invocation)
    if (execution.round > 1) this.withdraw(execution.invocation, execution.round - 1)
  }

  finished(execution: Execution): void {
    if (!this.#running.delete(execution)) return
    const bytes = execution.buffer.keptBytes
    this.#states.set(execution.invocation, { type: 'kept', execution, bytes, atMs: this.#clock.nowMs() })
    this.#kept.add(execution.invocation)
    this.#keptBytes += bytes
    this.#expire()
  }

  /** Promises that no order of `round` or an earlier one will run here. */
  withdraw(invocation: InvocationId, round: number): void {
    if (this.isWithdrawn(invocation, round)) return
    this.#expire()
    this.#states.set(invocation, { type: 'withdrawn', round, atMs: this.#clock.nowMs() })
  }

  isWithdrawn(invocation: InvocationId, round: number): boolean {
    const state = this.#states.get(invocation)
    return state?.type === 'withdrawn' && round <= state.round
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs()
    for (const invocation of this.#kept) {
      const state = this.#states.get(invocation)
      if (state?.type !== 'kept') continue
      if (nowMs - state.atMs <= FINISHED_KEPT_MS && this.#keptBytes <= FINISHED_BYTES_MAX && this.#kept.size <= FINISHED_MAX) break
      if (state.execution.readers > 0) continue
      this.#kept.delete(invocation)
      this.#keptBytes -= state.bytes
      state.execution.buffer.drop()
      this.#states.set(invocation, { type: 'completed', atMs: state.atMs })
    }
    for (const [invocation, state] of this.#states) {
      if (state.type === 'running') continue
      // Looked at for every order: it must stop at the first that is not due.
      if (nowMs - state.atMs <= IDS_KEPT_MS && this.#states.size <= IDS_MAX) break
      if (state.type !== 'kept') this.#states.delete(invocation)
    }
  }
}

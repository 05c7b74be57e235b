import type { InvocationId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Execution } from './work.ts'

/** A finished answer stays readable for so long, or until newer ones need its room. */
const FINISHED_KEPT_MS = 30_000
const FINISHED_BYTES_MAX = 64 * 2 ** 20
/** Bare ids outlive answers: a late duplicate order must find that its work was done. */
const IDS_KEPT_MS = 600_000
const IDS_MAX = 100_000

type IdState =
  | { readonly type: 'execution'; readonly execution: Execution; finishedAtMs: number | null }
  | { readonly type: 'withdrawn'; round: number; readonly atMs: number }

/** What a worker knows of invocation ids: those it runs or ran, and those it has promised not to run. Bounded in number, bytes and time. */
export class ExecutionIds {
  readonly #clock: Clock
  /** In order of registration, so that the oldest come first. */
  readonly #states = new Map<InvocationId, IdState>()
  /** Finished executions whose answers are still readable, in order of their end. */
  readonly #kept = new Map<InvocationId, { readonly execution: Execution; readonly finishedAtMs: number }>()
  #runningCount = 0
  #keptBytes = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  get runningCount(): number {
    return this.#runningCount
  }

  find(invocation: InvocationId): Execution | undefined {
    const state = this.#states.get(invocation)
    return state?.type === 'execution' ? state.execution : undefined
  }

  running(): readonly Execution[] {
    const executions: Execution[] = []
    for (const state of this.#states.values())
      if (state.type === 'execution' && state.finishedAtMs === null) executions.push(state.execution)
    return executions
  }

  register(execution: Execution): void {
    this.#expire()
    this.#states.set(execution.order.invocation, { type: 'execution', execution, finishedAtMs: null })
    this.#runningCount++
  }

  /** Forgets an execution that was refused before it began. */
  forget(invocation: InvocationId): void {
    const state = this.#states.get(invocation)
    if (state?.type !== 'execution' || state.finishedAtMs !== null) return
    this.#states.delete(invocation)
    this.#runningCount--
  }

  finished(invocation: InvocationId): void {
    const state = this.#states.get(invocation)
    if (state?.type !== 'execution' || state.finishedAtMs !== null) return
    state.finishedAtMs = this.#clock.nowMs()
    this.#runningCount--
    this.#kept.set(invocation, { execution: state.execution, finishedAtMs: state.finishedAtMs })
    this.#keptBytes += state.execution.tape.keptBytes
    this.#expire()
  }

  /** Promises that no order of `round` or an earlier one will run here. */
  withdraw(invocation: InvocationId, round: number): void {
    const known = this.#states.get(invocation)
    if (known?.type === 'withdrawn') {
      known.round = Math.max(known.round, round)
      return
    }
    this.#expire()
    this.#states.set(invocation, { type: 'withdrawn', round, atMs: this.#clock.nowMs() })
  }

  isWithdrawn(invocation: InvocationId, round: number): boolean {
    const state = this.#states.get(invocation)
    return state?.type === 'withdrawn' && round <= state.round
  }

  #expire(): void {
    const nowMs = this.#clock.nowMs()
    for (const [invocation, { execution, finishedAtMs }] of this.#kept) {
      if (nowMs - finishedAtMs <= FINISHED_KEPT_MS && this.#keptBytes <= FINISHED_BYTES_MAX) break
      this.#keptBytes -= execution.tape.keptBytes
      execution.tape.drop()
      this.#kept.delete(invocation)
    }
    for (const [invocation, state] of this.#states) {
      if (state.type === 'execution' && state.finishedAtMs === null) continue
      const sinceMs = state.type === 'withdrawn' ? state.atMs : (state.finishedAtMs ?? nowMs)
      if (nowMs - sinceMs <= IDS_KEPT_MS && this.#states.size <= IDS_MAX) break
      this.#states.delete(invocation)
    }
  }
}

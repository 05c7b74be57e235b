import { refusalText } from '../../core/scheduler/refusal-text.ts'
import { runMsOn } from '../../model/computing.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { type Headers, PARAMS_HEADER } from '../../model/invocation.ts'
import type { Estimate, Receipt } from '../../model/placement.ts'
import type { TaskRecord } from '../../model/task.ts'
import { formatDurationMs } from '../../model/units.ts'
import { paramsOf, type Placer, type Reserved } from '../calls/placer.ts'
import { executionId, placedFunction } from './task-function.ts'

/** Why a task goes where it goes, or nowhere. */
interface Grounds {
  readonly reason: string
  readonly receipt: Receipt
}

/** Where a task goes, or why nobody can have it now. */
export type TaskPlacement =
  /** `sharing`: see `Placer.sharing`. */
  (Grounds & { readonly worker: PeerId; readonly reserved: Reserved; readonly sharing: number }) | (Grounds & { readonly worker: null })

/**
 * Chooses a worker for a task by the same snapshot, costs and ledger as for calls, so that neither takes the other's room. Who is expected to be too slow for
 * its time-out comes after all others, and is not ruled out: nobody tells a task that it is hopeless, and what was learned of other work may be wrong of it.
 */
export function placeTask(placer: Placer, task: TaskRecord, exclude: readonly PeerId[]): TaskPlacement {
  const fn = placedFunction(task)
  const within = (deadlineMs: number): Receipt =>
    placer.place(
      fn,
      {
        invocation: executionId(task.id),
        headers: headersOf(task),
        inputBytes: task.input?.bytes ?? 0,
        round: 1,
        deadlineMs,
        fallback: false
      },
      { try: task.attempt + 1, exclude }
    )
  const inTime = within(task.spec.timeoutMs)
  const { chosen, rejected } = inTime.decision
  const receipt = chosen === null && rejected.deadline !== undefined ? within(Number.POSITIVE_INFINITY) : inTime
  const worker = receipt.decision.chosen
  if (worker === null) return { worker, receipt, reason: whyNobody(receipt, task) }
  try {
    const reserved = placer.reserve(worker, fn, receipt)
    return { worker, receipt, reserved, reason: whyThere(receipt, { worker, peers: placer.size }), sharing: placer.sharing(receipt) }
  } catch (err) {
    const error = toCaresError(err)
    if (!(error instanceof CaresError) || !error.retryable) throw error
    return { worker: null, receipt, reason: error.message }
  }
}

/** How long a task is expected to run on an idle peer of reference speed, in milliseconds. */
export function predictTaskMs(placer: Pick<Placer, 'estimate'>, task: TaskRecord): number {
  return estimateOf(placer, task).runMs
}

/** How long an attempt is expected to take on a peer, whose slowness is 1 at reference speed, in milliseconds. */
export function attemptMs(placer: Pick<Placer, 'estimate'>, task: TaskRecord, slowness: number): number {
  const estimate = estimateOf(placer, task)
  return estimate.coldStartMs * slowness + runMsOn(estimate, slowness)
}

function estimateOf(placer: Pick<Placer, 'estimate'>, task: TaskRecord): Estimate {
  return placer.estimate(placedFunction(task), { headers: headersOf(task), inputBytes: task.input?.bytes ?? 0 })
}

/** Learns from a task that a worker has brought to its result. */
export function learnTask(placer: Placer, task: TaskRecord, worker: PeerId, sharing: number | undefined): void {
  const usage = task.result?.usage
  if (usage === undefined || usage.disturbed === true) return
  placer.observe(placedFunction(task), worker, { start: 'cold', usage, sharing, params: paramsOf(headersOf(task)) })
}

/** What a task costs depends on its arguments as that of a call on its parameters. */
function headersOf({ spec: { args } }: TaskRecord): Headers {
  return args.length === 0 ? [] : [[PARAMS_HEADER, args.join(' ')]]
}

function whyNobody({ decision }: Receipt, { spec }: TaskRecord): string {
  return `nobody can have it now: ${refusalText(decision, spec.placement)}`
}

/** Reads no verdicts: they would be worked out for each of hundreds of placements a second. */
function whyThere({ decision: { expected }, strategy }: Receipt, { worker, peers }: { worker: PeerId; peers: number }): string {
  const time = expected == null ? '' : `, expected to take ${formatDurationMs(Math.round(expected.totalMs))}`
  return `placed on ${worker} by ${strategy}${time}; ${peers === 1 ? '1 peer was' : `${peers} peers were`} there`
}

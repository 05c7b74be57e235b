import { defined } from '../../model/defined.ts'
import { assertNever, CaresError } from '../../model/errors.ts'
import type { InvocationRecord } from '../../model/invocation.ts'
import type { Decision, Receipt, Verdict } from '../../model/placement.ts'
import type { Explanation, Invocation, PlacementItem, VerdictItem } from '../../model/rest-invocations.ts'
import type { TaskExplanation } from '../../model/rest-tasks.ts'
import type { Account } from '../../model/service.ts'
import type { TaskRecord } from '../../model/task.ts'
import type { TaskWhy } from '../../model/task-service.ts'
import { formatBytes, formatDurationMs, formatUsd } from '../../model/units.ts'
import type { PeerRef } from './names.ts'
import { priceRemarks } from './placement-remarks.ts'

/** Why a peer was left out: for a call, who refused or failed it; for a task, who took none then. */
const CALL_EXCLUDED = 'had refused or failed this invocation before'
const TASK_EXCLUDED = 'took no tasks then: it had just refused one, or had not told this orchestrator that it is there'

/** Why an invocation ran where it ran: the numbers that decided, with words for each. */
export function explanationView(
  record: InvocationRecord,
  {
    invocation,
    name,
    account,
    whyNot
  }: { invocation: Invocation; name: (id: string) => PeerRef; account?: Account | undefined; whyNot?: PeerRef | undefined }
): Explanation {
  const placements = record.receipts.map(receipt => placementView(receipt, name))
  const last = placements.at(-1)
  const chosen = last?.verdicts.find(verdict => verdict.chosen)
  return {
    invocation,
    placements,
    predictedMs: chosen?.cost?.total ?? null,
    actualMs: record.totalMs ?? null,
    ...(account === undefined ? {} : { cost: account.cost, regretMs: account.regretMs, recomputes: account.recomputes }),
    ...(whyNot === undefined ? {} : { whyNot: { peer: whyNot, why: whyNotText(last, whyNot) } })
  }
}

/** Why a task is where it is: what was said of it, and its newest placement, if that is known. Throws `not_found` for `whyNot` where it is not. */
export function taskExplanationView(
  { id, state }: Pick<TaskRecord, 'id' | 'state'>,
  { reasons, receipt, recomputes }: TaskWhy,
  { name, whyNot }: { name: (id: string) => PeerRef; whyNot?: PeerRef | undefined }
): TaskExplanation {
  const explained = { id, state, reasons: [...reasons] }
  if (receipt !== null) {
    const placement = placementView(receipt, name, TASK_EXCLUDED)
    const why = whyNot === undefined ? {} : { whyNot: { peer: whyNot, why: whyNotText(placement, whyNot) } }
    return { ...explained, placement, recomputes, ...why }
  }
  if (whyNot === undefined) return { ...explained, placement: null }
  throw new CaresError('not_found', `no placement of task ${id} is known, so it cannot be said why not ${whyNot.name}`, {
    hint: `what is known of it: cares explain ${id}`
  })
}

function placementView(receipt: Receipt, name: (id: string) => PeerRef, excluded = CALL_EXCLUDED): PlacementItem {
  const { decision } = receipt
  return {
    at: receipt.at,
    by: name(receipt.by),
    placement: receipt.placement,
    strategy: receipt.strategy,
    ...defined({ objective: receipt.objective, asked: receipt.asked, params: receipt.params }),
    term: receipt.term,
    round: receipt.round,
    try: receipt.try,
    viewAgeMs: receipt.viewAgeMs,
    needs: {
      cpus: receipt.cpus,
      memoryBytes: receipt.memoryBytes,
      imageBytes: receipt.imageBytes,
      ...(receipt.gpus === undefined ? {} : { gpus: receipt.gpus })
    },
    estimate: { ...receipt.estimate },
    chosen: decision.chosen === null ? null : name(decision.chosen),
    verdicts: verdictItems(decision, receipt.strategy, name, excluded),
    skipped: decision.skipped,
    remarks: priceRemarks({ strategy: receipt.strategy, objective: receipt.objective, verdicts: decision.verdicts }, name),
    rejected: { ...decision.rejected }
  }
}

/** Every verdict in words: the chosen one first, then by cost, then those that did not fit. */
export function verdictItems(
  { verdicts, chosen }: Decision,
  strategy: string,
  name: (id: string) => PeerRef,
  excluded = CALL_EXCLUDED
): VerdictItem[] {
  const best = verdicts.find(verdict => verdict.peer === chosen)
  return verdicts
    .map((verdict): VerdictItem => {
      const isChosen = verdict.peer === chosen
      const common = {
        peer: name(verdict.peer),
        fits: verdict.fits,
        chosen: isChosen,
        why: !verdict.fits && verdict.reason === 'excluded' ? excluded : why(verdict, best, strategy)
      }
      if (verdict.fits) {
        const { start, cost, score, terms } = verdict
        return {
          ...common,
          start,
          cost: { ...cost },
          ...defined({ score, terms })
        }
      }
      const { reason, needed, available, constraint, arch } = verdict
      return {
        ...common,
        reason,
        ...defined({ needed, available, constraint, arch })
      }
    })
    .sort(
      (a, b) =>
        Number(b.chosen) - Number(a.chosen) ||
        Number(b.fits) - Number(a.fits) ||
        (a.score ?? a.cost?.total ?? 0) - (b.score ?? b.cost?.total ?? 0) ||
        (a.peer.id < b.peer.id ? -1 : 1)
    )
}

function why(verdict: Verdict, chosen: Verdict | undefined, strategy: string): string {
  if (!verdict.fits) return rejectionText(verdict)
  if (verdict.peer === chosen?.peer) return `chosen: ${formatDurationMs(verdict.cost.total)} expected, ${verdict.start} start`
  const best = chosen?.fits === true ? chosen : verdict
  const [score, bestScore] = [scoreOf(verdict), scoreOf(best)]
  // The best few count as equal and one of them is drawn: the one that was not may even have been a little better.
  if (score <= bestScore) return 'as good as the chosen one, which was drawn among equals'
  if (verdict.score !== undefined)
    return `score ${formatScore(score)} by ${strategy}, the chosen one ${formatScore(bestScore)}; less is better`
  return `${formatDurationMs(score - bestScore)} more than the chosen one; most of its cost is ${largestCause(verdict.cost)}`
}

/** What decided. */
function scoreOf({ score, cost }: Extract<Verdict, { fits: true }>): number {
  return score ?? cost.total
}

function formatScore(score: number): string {
  return String(Number(score.toPrecision(3)))
}

function largestCause(cost: Extract<Verdict, { fits: true }>['cost']): string {
  const { total: _, ...causes } = { ...cost, cache: cost.cache ?? 0 }
  const [name = '', ms = 0] = Object.entries(causes).toSorted(([, a], [, b]) => b - a)[0] ?? []
  return `${name} (${formatDurationMs(ms)})`
}

function rejectionText({ reason, needed, available, constraint, arch }: Extract<Verdict, { fits: false }>): string {
  const amounts = (unit: (amount: number) => string): string =>
    needed === undefined || available === undefined ? '' : `: needs ${unit(needed)}, ${unit(available)} left`
  switch (reason) {
    case 'memory':
      return `memory${amounts(formatBytes)}`
    case 'slots':
      return `no free slot${amounts(String)}`
    case 'deadline':
      return `too slow for the time that was left${amounts(formatDurationMs)}`
    case 'budget':
      return `dearer than a call may be${amounts(formatUsd)}`
    case 'gpus':
      return `too few GPUs${needed === undefined || available === undefined ? '' : `: needs ${needed}, has ${available}`}`
    case 'labels':
      return constraint === undefined ? 'lacks a label that is required' : `its labels are not as required: ${constraint}`
    case 'not_alive':
      return 'not alive'
    case 'draining':
      return 'draining: takes no new work'
    case 'excluded':
      return CALL_EXCLUDED
    case 'not_pinned':
      return 'the call asked for another peer'
    case 'no_runtime':
      return 'has no runtime that answers'
    case 'wrong_arch':
      return arch === undefined
        ? 'the image is for another CPU architecture'
        : `the image is for ${arch.image}, and this peer is ${arch.peer}`
    default:
      return assertNever(reason)
  }
}

function whyNotText(last: PlacementItem | undefined, { id }: PeerRef): string {
  if (last === undefined) return 'the invocation was not placed'
  const verdict = last.verdicts.find(({ peer }) => peer.id === id)
  if (verdict !== undefined) return verdict.why
  return last.skipped > 0
    ? `not looked at: ${last.skipped} peers were left out, as a placement looks at a bounded number`
    : 'not known to the placer when it decided'
}

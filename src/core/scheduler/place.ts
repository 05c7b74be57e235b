import type { Decision, PlacementRequest, Verdict } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'
import { visitAll, visitCandidates } from './candidates.ts'
import { ask, evaluate } from './evaluate.ts'
import { Findings } from './findings.ts'
import type { PlacementTable } from './placement-table.ts'
import { FIELD, ROW_NUMBERS, type Sheet } from './sheet.ts'
import type { Field, Strategy } from './strategy.ts'

/** How to choose. */
export interface PlaceOptions {
  /** Seeded by the caller: the same table, request and seed give the same decision. */
  readonly random: Random
  readonly strategy: Strategy
  /**
   * How heavily own unseen orders count in the costs: `min(12, placers at work)`, so 1 for an orchestrator in office, and for a gateway in
   * fallback the number of gateways that it believes are placing too. Others, like itself, have ordered what no statistics show yet.
   */
  readonly kappa: number
}

/**
 * Chooses a worker for one execution: of the candidates that can have it, one of those that the strategy likes best. Reads the table, changes
 * nothing; reserve what was chosen before the next call.
 */
export function place(request: PlacementRequest, table: PlacementTable, { random, strategy, kappa }: PlaceOptions): Decision {
  const placement = table.nextPlacement()
  const sheet = table.sheet()
  sheet.begin()
  const question = ask(request, table, kappa)
  const { lookedAt } = sheet
  const visit = (slot: number): void => {
    if (lookedAt[slot] === placement) return
    lookedAt[slot] = placement
    evaluate(question, slot, sheet)
  }

  const pinned = request.pinnedTo === undefined ? undefined : table.slotOf(request.pinnedTo)
  if (pinned !== undefined) visit(pinned)
  else if (!visitCandidates(request, table, random, visit) && sheet.fitting === 0) visitAll(table, visit)

  const base = sheet.fitting === 0 ? undefined : pick(table, strategy, random, sheet)
  const chosen = base === undefined ? undefined : sheet.rows[base]
  const looked = sheet.count
  const rejected = sheet.rejected()
  // Nobody else needs to be looked at to know why it cannot be had.
  if (pinned !== undefined && looked < table.size) rejected.not_pinned = table.size - looked
  const findings = new Findings(chosen, table, sheet)
  let verdicts: readonly Verdict[] | undefined
  return {
    chosen: chosen === undefined ? null : (table.ids[chosen] ?? null),
    expected: base === undefined ? null : expectedOf(sheet.rows, base),
    get verdicts() {
      return (verdicts ??= findings.verdicts())
    },
    skipped: pinned === undefined ? table.size - looked : 0,
    rejected
  }
}

/** Scores everyone that fits, and draws one of the best. Returns where its row begins. */
function pick(table: PlacementTable, strategy: Strategy, random: Random, { rows, count }: Sheet): number {
  const end = count * ROW_NUMBERS
  const field = fieldOf(rows, end)
  const candidate = { field, totalMs: 0, occupiedMs: 0, usd: 0, cpuLoad: 0, memoryLoad: 0, cpuShare: 0, turn: 0, place: 0 }
  let best = Number.POSITIVE_INFINITY
  for (let base = 0; base < end; base += ROW_NUMBERS) {
    if (rows[base + FIELD.refusal] !== 0) continue
    const totalMs = rows[base + FIELD.total] ?? 0
    candidate.totalMs = totalMs
    candidate.occupiedMs = totalMs - (rows[base + FIELD.network] ?? 0)
    candidate.cpuLoad = rows[base + FIELD.cpuLoad] ?? 0
    candidate.memoryLoad = rows[base + FIELD.memoryLoad] ?? 0
    candidate.usd = rows[base + FIELD.usd] ?? 0
    candidate.cpuShare = rows[base + FIELD.cpuShare] ?? 0
    candidate.turn = rows[base + FIELD.turn] ?? 0
    candidate.place = rows[base + FIELD.place] ?? 0
    const score = strategy.score(candidate)
    rows[base + FIELD.score] = score
    if (score < best) best = score
  }
  const limit = best + Math.abs(best) * strategy.bandRatio
  const band: number[] = []
  for (let base = 0; base < end; base += ROW_NUMBERS) {
    if (rows[base + FIELD.refusal] === 0 && (rows[base + FIELD.score] ?? 0) <= limit) band.push(base)
  }
  // By id, so that the order of the slots does not decide.
  if (band.length > 1) band.sort((a, b) => ((table.ids[rows[a] ?? 0] ?? '') < (table.ids[rows[b] ?? 0] ?? '') ? -1 : 1))
  return band[Math.floor(random() * band.length)] ?? 0
}

function fieldOf(rows: Float64Array, end: number): Field {
  let bestMs = Number.POSITIVE_INFINITY
  let leastUsd = Number.POSITIVE_INFINITY
  let mostUsd = 0
  for (let base = 0; base < end; base += ROW_NUMBERS) {
    if (rows[base + FIELD.refusal] !== 0) continue
    const totalMs = rows[base + FIELD.total] ?? 0
    const usd = rows[base + FIELD.usdPerHour] ?? 0
    if (totalMs < bestMs) bestMs = totalMs
    if (usd < leastUsd) leastUsd = usd
    if (usd > mostUsd) mostUsd = usd
  }
  return { bestMs, pricesDiffer: leastUsd > 0 && leastUsd < mostUsd }
}

function expectedOf(rows: Float64Array, base: number): NonNullable<Decision['expected']> {
  return {
    start: rows[base + FIELD.warm] === 1 ? 'warm' : 'cold',
    queueMs: rows[base + FIELD.queue] ?? 0,
    usd: rows[base + FIELD.usd] ?? 0,
    totalMs: rows[base + FIELD.total] ?? 0
  }
}

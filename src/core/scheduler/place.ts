import type { Decision, PlacementRequest, Verdict } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'
import { wantAll, wantCandidates } from './candidates.ts'
import { ask, evaluate } from './evaluate.ts'
import { Findings } from './findings.ts'
import { HASHES, mix } from './hash-text.ts'
import type { PlacementTable } from './placement-table.ts'
import { FIELD, ROW_NUMBERS, type Sheet } from './sheet.ts'
import type { Strategy } from './strategy.ts'

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
export function place(request: PlacementRequest, table: PlacementTable, options: PlaceOptions): Decision {
  const base = choose(request, table, options)
  const sheet = table.sheet()
  const chosen = base < 0 ? undefined : sheet.rows[base]
  const looked = sheet.count
  const rejected = sheet.rejected()
  const isPinned = request.pinnedTo !== undefined && table.slotOf(request.pinnedTo) !== undefined
  // Nobody else needs to be looked at to know why it cannot be had.
  if (isPinned && looked < table.size) rejected.not_pinned = table.size - looked
  return new Placed(new Findings(chosen, request, table, sheet), {
    chosen: chosen === undefined ? null : (table.ids[chosen] ?? null),
    expected: base < 0 ? null : expectedOf(sheet.rows, base),
    skipped: isPinned ? 0 : table.size - looked,
    rejected
  })
}

/** A decision whose verdicts are made when they are read. (An object with a getter of its own took as long to make as a tenth of the decision.) */
class Placed implements Decision {
  readonly chosen: Decision['chosen']
  readonly expected: Decision['expected']
  readonly skipped: number
  readonly rejected: Decision['rejected']
  readonly #findings: Findings
  #verdicts: readonly Verdict[] | undefined

  constructor(findings: Findings, { chosen, expected, skipped, rejected }: Omit<Decision, 'verdicts'>) {
    this.#findings = findings
    this.chosen = chosen
    this.expected = expected
    this.skipped = skipped
    this.rejected = rejected
  }

  get verdicts(): readonly Verdict[] {
    return (this.#verdicts ??= this.#findings.verdicts())
  }

  /** For JSON, which knows nothing of getters of a class. */
  toJSON(): Decision {
    const { chosen, expected, verdicts, skipped, rejected } = this
    return { chosen, expected, verdicts, skipped, rejected }
  }
}

/**
 * The choice of {@link place} without an account of it, for who makes millions and explains none.
 *
 * @returns where the row of the chosen peer begins on `table.sheet()`, good until the next placement; -1 when nobody can have the work
 */
export function choose(request: PlacementRequest, table: PlacementTable, { random, strategy, kappa }: PlaceOptions): number {
  const sheet = table.sheet()
  sheet.begin()
  const question = ask(request, table, kappa)
  const pinned = request.pinnedTo === undefined ? undefined : table.slotOf(request.pinnedTo)
  let isEveryone = true
  if (pinned !== undefined) sheet.want(pinned)
  else isEveryone = wantCandidates(request, table, random, sheet)
  evaluate(question, sheet)
  if (!isEveryone && sheet.fitting === 0) {
    wantAll(table, sheet)
    evaluate(question, sheet)
  }
  return sheet.fitting === 0 ? -1 : pick(strategy, random, sheet)
}

/** What is expected of the peer whose row begins at `base`. */
export function expectedOf(rows: Float64Array, base: number): NonNullable<Decision['expected']> {
  return {
    start: rows[base + FIELD.warm] === 1 ? 'warm' : 'cold',
    queueMs: rows[base + FIELD.queue] ?? 0,
    usd: rows[base + FIELD.usd] ?? 0,
    totalMs: rows[base + FIELD.total] ?? 0
  }
}

/**
 * Scores everyone that fits, and draws one of the best. Returns where its row begins. Each of them draws a number by its id and the seed, and the
 * least wins: so the order of the slots does not decide, and nothing is sorted.
 */
function pick(strategy: Strategy, random: Random, { rows, first, end, candidate }: Sheet): number {
  candidate.rows = rows
  let best = Number.POSITIVE_INFINITY
  for (let base = first; base < end; base += ROW_NUMBERS) {
    if (rows[base + FIELD.refusal] !== 0) continue
    candidate.base = base
    const score = strategy.score(candidate)
    rows[base + FIELD.score] = score
    if (score < best) best = score
  }
  const limit = best + Math.abs(best) * strategy.bandRatio
  const seed = random() * HASHES
  let chosen = first
  let least = Number.POSITIVE_INFINITY
  for (let base = first; base < end; base += ROW_NUMBERS) {
    if (rows[base + FIELD.refusal] !== 0 || (rows[base + FIELD.score] ?? 0) > limit) continue
    const drawn = mix(((rows[base + FIELD.place] ?? 0) * HASHES) ^ seed)
    if (drawn >= least) continue
    least = drawn
    chosen = base
  }
  return chosen
}

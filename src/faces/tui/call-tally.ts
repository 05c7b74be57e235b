import type { EventItem } from '../../model/rest.ts'
import { isFailure } from './activity.ts'

/** How far back the charts and tables of the monitor look. */
export const WINDOW_MS = 5 * 60_000

/** Calls are counted in slots of this length. */
export const SLOT_MS = 5_000

/** More functions than a screen shows are not told apart. */
const FUNCTIONS_MAX = 200

/** Durations kept of one function in one slot, for its percentiles; of more, the first ones speak for the rest. */
const DURATIONS_MAX = 200

/** The calls of one function in one slot of time. */
interface Slot {
  readonly slot: number
  readonly calls: number
  readonly errors: number
  readonly durationsMs: readonly number[]
}

/** What the last minutes' calls were like: by function, and how dear each peer was. */
export interface CallTally {
  readonly functions: ReadonlyMap<string, readonly Slot[]>
  /** Of each worker: placements and the sum of their predicted costs, newer ones counting more. */
  readonly costs: ReadonlyMap<string, number>
}

/** No calls yet. */
export function emptyTally(): CallTally {
  return { functions: new Map(), costs: new Map() }
}

/** The last calls of a function in numbers. */
export interface FunctionCalls {
  readonly name: string
  readonly calls: number
  readonly perSecond: number
  readonly errors: number
  readonly p50Ms: number
  readonly p95Ms: number
  /** Calls in each slot, oldest first. */
  readonly series: readonly number[]
}

/** How much a new cost moves the one that is shown: the last ten or so decide. */
const COST_WEIGHT = 0.2

/** The tally after these events; slots older than the window are forgotten. */
export function tallied(tally: CallTally, events: readonly EventItem[]): CallTally {
  if (events.length === 0) return tally
  const functions = new Map(tally.functions)
  const costs = new Map(tally.costs)
  for (const event of events) {
    if (event.type === 'invocation:placed') {
      const { worker, costMs } = event.data
      const before = costs.get(worker)
      costs.set(worker, before === undefined ? costMs : before + COST_WEIGHT * (costMs - before))
    } else if (event.type === 'invocation:finished') {
      const { function: name, totalMs } = event.data
      if (!functions.has(name) && functions.size >= FUNCTIONS_MAX) continue
      const slot = Math.floor(Date.parse(event.at) / SLOT_MS)
      const slots = functions.get(name) ?? []
      const last = slots.at(-1)
      const at = last !== undefined && last.slot >= slot ? last : { slot, calls: 0, errors: 0, durationsMs: [] }
      const next = {
        slot: at.slot,
        calls: at.calls + 1,
        errors: at.errors + (isFailure(event.data) ? 1 : 0),
        durationsMs: at.durationsMs.length < DURATIONS_MAX ? [...at.durationsMs, totalMs] : at.durationsMs
      }
      functions.set(name, [...(at === last ? slots.slice(0, -1) : slots.slice(-WINDOW_MS / SLOT_MS)), next])
    }
  }
  return { functions, costs }
}

/** The functions that were called within the window before `nowMs`, the busiest first. */
export function functionCalls({ functions }: CallTally, nowMs: number): readonly FunctionCalls[] {
  const newest = Math.floor(nowMs / SLOT_MS)
  const oldest = newest - WINDOW_MS / SLOT_MS + 1
  const rows = [...functions].flatMap(([name, all]): FunctionCalls[] => {
    const slots = all.filter(({ slot }) => slot >= oldest)
    const first = slots[0]
    if (first === undefined) return []
    const calls = slots.reduce((sum, slot) => sum + slot.calls, 0)
    const durations = slots.flatMap(({ durationsMs }) => durationsMs).sort((a, b) => a - b)
    const bySlot = new Map(slots.map(slot => [slot.slot, slot.calls]))
    // A function that is new is as busy as it was since it came, not as it would have been all the while.
    const seconds = Math.max(SLOT_MS, nowMs - first.slot * SLOT_MS) / 1_000
    return [
      {
        name,
        calls,
        perSecond: calls / seconds,
        errors: slots.reduce((sum, slot) => sum + slot.errors, 0),
        p50Ms: percentile(durations, 0.5),
        p95Ms: percentile(durations, 0.95),
        series: Array.from({ length: WINDOW_MS / SLOT_MS }, (_, index) => bySlot.get(oldest + index) ?? 0)
      }
    ]
  })
  return rows.sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1))
}

/** Nearest rank. */
function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0
}

import type { QueueOrder } from '../../core/scheduler/admission/queue-order.ts'
import { wantAll } from '../../core/scheduler/candidates.ts'
import { CELL } from '../../core/scheduler/cells.ts'
import { ask, evaluate } from '../../core/scheduler/evaluate.ts'
import { hashText } from '../../core/scheduler/hash-text.ts'
import { choose, expectedOf, type PlaceOptions } from '../../core/scheduler/place.ts'
import type { PlacementTable } from '../../core/scheduler/placement-table.ts'
import { FIELD, ROW_NUMBERS } from '../../core/scheduler/sheet.ts'
import type { Strategy } from '../../core/scheduler/strategy.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Decision, PlacementRequest } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'

/** What makes a choice: a strategy of the scheduler, or a rule from elsewhere to compare it with. */
export interface Chooser {
  readonly name: string
  /** See `Strategy`. */
  readonly queueOrder?: QueueOrder | undefined
  choose(request: PlacementRequest, table: PlacementTable, random: Random, kappa: number): Chosen | undefined
}

/** Who gets a call, and what is expected of it there. */
export interface Chosen {
  readonly peer: PeerId
  readonly expected: NonNullable<Decision['expected']>
}

/** The scheduler itself, with one of its strategies. */
export function strategyChooser(name: string, strategy: Strategy): Chooser {
  return {
    name,
    queueOrder: strategy.queueOrder,
    choose: (request, table, random, kappa) => chosen(request, table, { random, strategy, kappa })
  }
}

function chosen(request: PlacementRequest, table: PlacementTable, options: PlaceOptions): Chosen | undefined {
  const base = choose(request, table, options)
  if (base < 0) return undefined
  const { rows } = table.sheet()
  const peer = table.ids[rows[base] ?? 0]
  return peer === undefined ? undefined : { peer, expected: expectedOf(rows, base) }
}

/** Rules of other systems. They see what the scheduler sees, their own unseen orders included, and are refused by the same filters. */
export function baselines(): readonly Chooser[] {
  const ringOf = rememberedRings()
  return [
    {
      // Mitzenmacher, "The power of two choices in randomized load balancing", TPDS 2001.
      name: 'power-of-two',
      choose: (request, table, random) => firstFit(request, table, random, powerOfTwo(table, random))
    },
    {
      name: 'least-loaded',
      choose: (request, table, random) => firstFit(request, table, random, byLoad(table, random))
    },
    {
      // Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded loads", SODA 2018.
      name: 'bounded-hashing',
      choose: (request, table, random) => firstFit(request, table, random, boundedRing(request, table, ringOf))
    },
    {
      name: 'random',
      choose: (request, table, random) => firstFit(request, table, random, shuffledSlots(table, random))
    }
  ]
}

/** The ring as a function meets it. */
type RingOf = (key: string, table: PlacementTable) => readonly number[]

/** Rings that are worked out once for each function: peers of a replay neither come nor go, they are only not there for a while. */
function rememberedRings(): RingOf {
  const byTable = new WeakMap<PlacementTable, Map<string, readonly number[]>>()
  return (key, table) => {
    let rings = byTable.get(table)
    if (rings === undefined) byTable.set(table, (rings = new Map<string, readonly number[]>()))
    let ring = rings.get(key)
    if (ring === undefined) rings.set(key, (ring = ringFrom(key, table)))
    return ring
  }
}

/** How much more than the mean a worker may have before the ring goes on. */
const LOAD_BOUND_RATIO = 1.25

/** Places of one worker on the ring: enough to even out its shares. */
const RING_PLACES = 16

/** The first of some slots that the filters let have the work; undefined if none do. */
function firstFit(request: PlacementRequest, table: PlacementTable, random: Random, slots: Iterable<number>): Chosen | undefined {
  // Mostly the first one fits. If not, all are asked at once: one after the other took several times as long where most are full.
  let fitting: ReadonlySet<number> | undefined
  for (const slot of slots) {
    const peer = table.ids[slot]
    if (peer === undefined || fitting?.has(slot) === false) continue
    const found = chosen({ ...request, pinnedTo: peer }, table, { random, strategy: TIME, kappa: 1 })
    if (found !== undefined) return found
    fitting ??= fittingSlots(request, table)
  }
  return undefined
}

function fittingSlots(request: PlacementRequest, table: PlacementTable): ReadonlySet<number> {
  const sheet = table.sheet()
  sheet.begin()
  wantAll(table, sheet)
  evaluate(ask(request, table, 1), sheet)
  const fitting = new Set<number>()
  for (let base = sheet.first; base < sheet.end; base += ROW_NUMBERS) {
    if (sheet.rows[base + FIELD.refusal] === 0) fitting.add(sheet.rows[base] ?? 0)
  }
  return fitting
}

/** Of one candidate any score will do. */
const TIME: Strategy = { name: 'predictive', bandRatio: 0, score: ({ totalMs }) => totalMs }

function load(table: PlacementTable, slot: number): number {
  return running(table, slot) / (table.cells.get(slot, CELL.cpus) || 1)
}

function* powerOfTwo(table: PlacementTable, random: Random): Iterable<number> {
  const a = Math.floor(random() * table.size)
  const b = Math.floor(random() * table.size)
  const [less, more] = load(table, a) <= load(table, b) ? [a, b] : [b, a]
  yield less
  yield more
  yield* shuffledSlots(table, random)
}

function* byLoad(table: PlacementTable, random: Random): Iterable<number> {
  // Equal loads are as good as each other: always the first of them would be a herd.
  const from = Math.floor(random() * table.size)
  let best = from
  for (let i = 1; i < table.size; i++) {
    const slot = (from + i) % table.size
    if (load(table, slot) < load(table, best)) best = slot
  }
  yield best
  yield* [...table.ids.keys()].sort((a, b) => load(table, a) - load(table, b))
}

function* boundedRing(request: PlacementRequest, table: PlacementTable, ringOf: RingOf): Iterable<number> {
  let total = 1
  for (let slot = 0; slot < table.size; slot++) total += running(table, slot)
  const bound = Math.ceil((LOAD_BOUND_RATIO * total) / Math.max(1, table.size))
  const ring = ringOf(request.function, table)
  for (const slot of ring) if (running(table, slot) + 1 <= bound) yield slot
  yield* ring
}

function running({ cells }: PlacementTable, slot: number): number {
  return cells.get(slot, CELL.cpusBusy) + cells.get(slot, CELL.unseenCpus)
}

/** Slots in the order in which the ring meets them, from a function's place on. */
function ringFrom(key: string, table: PlacementTable): readonly number[] {
  const start = hashText(key)
  const distances = new Map<number, number>()
  for (const [slot, id] of table.ids.entries()) {
    for (let i = 0; i < RING_PLACES; i++) {
      const distance = (hashText(`${id}#${i}`) - start) >>> 0
      if (distance < (distances.get(slot) ?? Number.POSITIVE_INFINITY)) distances.set(slot, distance)
    }
  }
  return [...distances].sort(([, a], [, b]) => a - b).map(([slot]) => slot)
}

function* shuffledSlots(table: PlacementTable, random: Random): Iterable<number> {
  const slots: number[] = []
  for (let slot = 0; slot < table.size; slot++) slots.push(slot)
  for (let left = slots.length; left > 0; left--) {
    const at = Math.floor(random() * left)
    const slot = slots[at] ?? 0
    slots[at] = slots[left - 1] ?? 0
    yield slot
  }
}

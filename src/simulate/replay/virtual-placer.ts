import { CELL } from '../../core/scheduler/cells.ts'
import { couldFit } from '../../core/scheduler/could-fit.ts'
import type { QueueOrder, Waiting } from '../../core/scheduler/admission/queue-order.ts'
import { serveInOrder } from '../../core/scheduler/admission/serve-in-order.ts'
import { PlacementTable } from '../../core/scheduler/placement-table.ts'
import { sharingOf } from '../../core/scheduler/sharing.ts'
import { runMsOn } from '../../model/computing.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Estimate } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'
import type { Chooser } from './choosers.ts'
import type { VirtualFunction } from './virtual-function.ts'

/** What a placer has chosen. */
export interface Choice {
  readonly peer: PeerId
  readonly order: number
  /** See `sharingOf`. */
  readonly sharing: number
}

/** One call that waits. */
interface Waiter extends Waiting {
  readonly call: number
}

/** Long enough that no simulated call is refused for it: waiting shows in its slowdown instead. */
const DEADLINE_MS = 1e9

/** How much own unseen work of others is taken to be like one's own: `min(12, placers)`. */
const KAPPA_MAX = 12

/** What a {@link VirtualPlacer} is made of. */
export interface VirtualPlacerInit {
  readonly self: PeerId
  readonly chooser: Chooser
  readonly placersCount: number
  readonly waitingOrder: QueueOrder
  readonly random: Random
}

/** An orchestrator, or a gateway in fallback: the scheduler's table, ledger and strategy with a waiting line, over a delayed view. */
export class VirtualPlacer {
  readonly self: PeerId
  readonly table: PlacementTable
  readonly #init: VirtualPlacerInit
  readonly #waiting: Waiter[] = []

  constructor(init: VirtualPlacerInit) {
    this.#init = init
    this.self = init.self
    this.table = new PlacementTable(init.self)
  }

  get waitingCount(): number {
    return this.#waiting.length
  }

  /** Takes in a word of a peer. */
  update(view: PeerView, slowness: number, nowMs: number): void {
    this.table.update(view, nowMs)
    this.table.setSlowness(view.profile.id, slowness)
  }

  /** Chooses a worker and enters the order; undefined when nobody can have the call now. */
  choose(fn: VirtualFunction, estimate: Estimate, inputBytes: number, exclude: readonly PeerId[], nowMs: number): Choice | undefined {
    const { chooser, random, placersCount } = this.#init
    const { key, digest, imageBytes, cpus, memoryBytes } = fn
    const chosen = chooser.choose(
      {
        invocation: SOME_CALL,
        function: key,
        digest,
        imageBytes,
        cpus,
        memoryBytes,
        inputBytes,
        exclude,
        deadlineMs: DEADLINE_MS,
        estimate
      },
      this.table,
      random,
      Math.min(KAPPA_MAX, placersCount)
    )
    if (chosen === undefined) return undefined
    const { start, queueMs } = chosen.expected
    const order = this.table.reserve(
      { worker: chosen.peer, function: key, cpus, memoryBytes, llcBytes: estimate.cache?.bytes, start },
      nowMs
    )
    const slowness = this.table.cells.get(this.table.slotOf(chosen.peer) ?? 0, CELL.slowness)
    return { peer: chosen.peer, order, sharing: sharingOf(queueMs, runMsOn(estimate, slowness)) }
  }

  /** Ends an order, however it ended. */
  release(order: number): void {
    this.table.release(order)
  }

  /** Whether some peer could have the work if nothing else ran there. */
  couldFit({ cpus, memoryBytes }: VirtualFunction): boolean {
    return couldFit({ cpus, memoryBytes }, this.table)
  }

  /** Lets a call wait. */
  enqueue(call: number, arrivedAtMs: number, predictedMs: number, dominantShare: number): void {
    this.#waiting.push({ call, arrivedAtMs, predictedMs: Math.max(1e-3, predictedMs), dominantShare })
  }

  /** Offers what waits to `attempt`, next one first, and keeps what it does not take. Calls that need the same are not offered twice. */
  serveWaiting(nowMs: number, needsOf: (call: number) => number, attempt: (call: number) => boolean): void {
    serveInOrder(this.#waiting, {
      order: this.#init.waitingOrder,
      nowMs,
      needsOf: ({ call }) => needsOf(call),
      attempt: ({ call }) => attempt(call)
    })
  }
}

/** The scheduler carries the id through and does not look at it. */
const SOME_CALL = 'i-simulated' as InvocationId

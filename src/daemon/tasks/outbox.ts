import type { PeerId } from '../../model/ids.ts'
import type { TaskOrder } from '../../model/task.ts'

/** Orders in one message. With the largest inputs inline, one has almost 90 KiB. */
const ORDERS_BYTES_MAX = 786_432

/** Orders on their way to workers: one message at a time for each, with all that has come together meanwhile. */
export class Outbox {
  readonly #send: (worker: PeerId, orders: readonly TaskOrder[]) => Promise<void>
  readonly #waiting = new Map<PeerId, TaskOrder[]>()
  #isClosed = false

  /** `send` must not reject. */
  constructor(send: (worker: PeerId, orders: readonly TaskOrder[]) => Promise<void>) {
    this.#send = send
  }

  /** Nothing more is sent after what is on its way. */
  close(): void {
    this.#isClosed = true
  }

  /** Sends an order soon, unless the same one waits already. */
  add(worker: PeerId, order: TaskOrder): void {
    const known = this.#waiting.get(worker)
    if (known === undefined) {
      const orders = [order]
      this.#waiting.set(worker, orders)
      void this.#flush(worker, orders)
    } else if (!known.some(({ task, attempt }) => task.id === order.task.id && attempt === order.attempt)) {
      known.push(order)
    }
  }

  async #flush(worker: PeerId, orders: TaskOrder[]): Promise<void> {
    while (orders.length > 0 && !this.#isClosed) await this.#send(worker, orders.splice(0, countWithin(orders)))
    this.#waiting.delete(worker)
  }
}

/** How many orders from the front fit into one message; one at least. */
function countWithin(orders: readonly TaskOrder[]): number {
  let bytes = 0
  for (const [at, { task }] of orders.entries()) {
    bytes += 2_048 + (task.input?.inline?.length ?? 0) + JSON.stringify(task.spec.env).length + JSON.stringify(task.spec.args).length
    if (at > 0 && bytes > ORDERS_BYTES_MAX) return at
  }
  return orders.length
}

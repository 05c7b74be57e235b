import type { TransportEvents } from '../model/ports/transport.ts'

type Name = keyof TransportEvents

/** Who listens to a transport. */
export class Listeners {
  readonly #handlers: { readonly [Event in Name]: Set<TransportEvents[Event]> } = {
    consensus: new Set(),
    heartbeat: new Set(),
    digest: new Set(),
    connected: new Set(),
    disconnected: new Set()
  }

  on<Event extends Name>(event: Event, handler: TransportEvents[Event], { signal }: { signal: AbortSignal }): void {
    if (signal.aborted) return
    this.#handlers[event].add(handler)
    signal.addEventListener('abort', () => this.#handlers[event].delete(handler), { once: true })
  }

  emit<Event extends Name>(event: Event, ...args: Parameters<TransportEvents[Event]>): void {
    for (const handler of this.#handlers[event]) (handler as (...args: Parameters<TransportEvents[Event]>) => void)(...args)
  }
}

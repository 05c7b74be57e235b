import type { ServerResponse } from 'node:http'
import type { Clock } from '../model/ports/clock.ts'

/** Proxies and browsers give up on a stream that is silent for a minute or so. */
const HEARTBEAT_MS = 15_000

/** A reader that takes nothing for so long is not there any more, or will never be fast enough. */
const STALLED_MS = 30_000

/** How long the end of a stream may take to reach its reader. */
const END_MS = 5_000

/** A stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) to one reader. */
export interface EventStream extends Disposable {
  send(event: ServerSentEvent): void
  /** Events that are in their form already, see {@link eventText}. */
  write(text: Uint8Array): void
  /** Resolves once the reader has taken what was sent, or most of it; false when it is gone, or has taken nothing for half a minute. */
  taken(options: { signal: AbortSignal }): Promise<boolean>
  /** Ends the stream. A reader that does not take the rest in time is cut off. */
  end(): void
}

/** One event; its data is JSON. */
export interface ServerSentEvent {
  readonly id?: string
  readonly event: string
  readonly data: unknown
}

/** An event as it is sent. JSON has no line breaks, so one `data:` line carries it. */
export function eventText({ id, event, data }: ServerSentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Begins the stream: head, reconnection delay, heartbeat comments. The response must be hijacked. */
export function openEventStream(response: ServerResponse, { clock }: { clock: Clock }): EventStream {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff'
  })
  // Also the first bytes: without any, some readers do not count the stream as open.
  response.write('retry: 1000\n\n')
  const heartbeat = clock.every(HEARTBEAT_MS, () => {
    if (!response.writableNeedDrain) response.write(': heartbeat\n\n')
  })
  const stop = (): void => heartbeat[Symbol.dispose]()
  response.once('close', stop)
  return {
    [Symbol.dispose]: stop,
    send: event => void response.write(eventText(event)),
    write: text => void response.write(text),
    taken: async ({ signal }) => {
      if (response.destroyed) return false
      if (!response.writableNeedDrain) return true
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const bounded = AbortSignal.any([signal, clock.timeout(STALLED_MS)])
      const onDrain = (): void => resolve(true)
      const onEnd = (): void => resolve(false)
      response.once('drain', onDrain)
      response.once('close', onEnd)
      bounded.addEventListener('abort', onEnd, { once: true })
      try {
        return await promise
      } finally {
        response.off('drain', onDrain)
        response.off('close', onEnd)
        bounded.removeEventListener('abort', onEnd)
      }
    },
    end: () => {
      stop()
      response.end()
      const cutOff = clock.timeout(END_MS)
      cutOff.addEventListener('abort', () => {
        if (!response.writableFinished) response.destroy()
      })
    }
  }
}

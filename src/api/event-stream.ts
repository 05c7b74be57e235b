import type { ServerResponse } from 'node:http'
import type { Clock } from '../model/ports/clock.ts'

/** Proxies and browsers give up on a stream that is silent for a minute or so. */
const HEARTBEAT_MS = 15_000

/** What may wait in this process for a reader: some thousand events. What is sent beyond it is lost to that reader. */
const BUFFER_BYTES_MAX = 262_144

/** How long a full buffer may take to drain before the stream ends. */
const DRAIN_MS = 5_000

/** A stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) to one reader. */
export interface EventStream extends Disposable {
  /** Whether the reader is too far behind to be sent more. Once it is, it stays so. */
  readonly behind: boolean
  /** Resolves when a reader that was behind has caught up, has gone, or has had its time. */
  caughtUp(options: { signal: AbortSignal }): Promise<void>
  send(event: { readonly id?: string; readonly event: string; readonly data: unknown }): void
  /** Ends the stream. A reader that does not take the rest in time is cut off. */
  end(): void
}

/** Begins the stream: head, reconnection delay, heartbeat comments. The response must be hijacked. */
export function openEventStream(response: ServerResponse, { clock }: { clock: Clock }): EventStream {
  let behind = false
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff'
  })
  // Also the first bytes: without any, some readers do not count the stream as open.
  response.write('retry: 1000\n\n')
  const heartbeat = clock.every(HEARTBEAT_MS, () => {
    if (!behind) response.write(': heartbeat\n\n')
  })
  const stop = (): void => heartbeat[Symbol.dispose]()
  response.once('close', stop)
  return {
    [Symbol.dispose]: stop,
    get behind() {
      behind ||= response.writableLength > BUFFER_BYTES_MAX
      return behind
    },
    caughtUp: async ({ signal }) => {
      const bounded = AbortSignal.any([signal, clock.timeout(DRAIN_MS)])
      await new Promise<void>(resolve => {
        response.once('drain', resolve)
        response.once('close', resolve)
        if (bounded.aborted) resolve()
        else bounded.addEventListener('abort', () => resolve(), { once: true })
      })
    },
    send: ({ id, event, data }) => {
      // JSON has no line breaks, so one `data:` line carries it.
      response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    end: () => {
      stop()
      response.end()
      const cutOff = clock.timeout(DRAIN_MS)
      cutOff.addEventListener('abort', () => {
        if (!response.writableFinished) response.destroy()
      })
    }
  }
}

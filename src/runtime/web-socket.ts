import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import { formatDurationMs } from '../model/units.ts'
import type { Ending } from './ending.ts'

/** What holds for one conversation. */
export interface ConversationInit {
  /** How long both sides may be silent before it is ended. */
  readonly idleMs: number
  /** Cut when the client is gone, the conversation is over its time, or `idleMs` have passed; that breaks the connection. */
  readonly ending: Ending
  readonly clock: Clock
}

/**
 * Both directions of a connection to a container that has switched to WebSocket: passes `input` on, and yields what comes back. What the messages
 * mean is the two ends' own affair. Ends when the container closes; an `input` that ends closes only its direction, so that the container can
 * still say goodbye. Begins when it is called, not when it is first read.
 */
export function converse(
  socket: Duplex,
  input: AsyncIterable<Uint8Array>,
  { idleMs, ending, clock }: ConversationInit
): AsyncIterable<Uint8Array> {
  let activeMs = clock.nowMs()
  let idling: Disposable
  const watch = (ms: number): void => {
    idling = clock.after(ms, () => {
      const leftMs = activeMs + idleMs - clock.nowMs()
      if (leftMs > 0) watch(leftMs)
      else ending.cut(new CaresError('timeout', `neither side of the WebSocket has said anything for ${formatDurationMs(idleMs)}`))
    })
  }
  watch(idleMs)
  const onCut = (): void => void socket.destroy(ending.signal.reason as Error)
  ending.signal.addEventListener('abort', onCut, { once: true })
  socket.once('close', () => {
    idling[Symbol.dispose]()
    ending.signal.removeEventListener('abort', onCut)
  })
  if (ending.signal.aborted) onCut()

  const pass = async (): Promise<void> => {
    for await (const chunk of input) {
      activeMs = clock.nowMs()
      if (!socket.write(chunk)) await once(socket, 'drain', { signal: ending.signal })
    }
    socket.end()
  }
  // An input that breaks off has cut the call itself; a container that closes is what ends the conversation.
  pass().catch(() => {})
  async function* output(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of socket as AsyncIterable<Uint8Array>) {
        activeMs = clock.nowMs()
        yield chunk
      }
    } finally {
      socket.destroy()
    }
  }
  return output()
}

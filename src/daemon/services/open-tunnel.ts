import { CaresError, toCaresError } from '../../model/errors.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { currentAttempt, type TaskRecord } from '../../model/task.ts'
import type { TunnelDown, TunnelUp } from '../../model/tunnel.ts'

/** Longest that a client waits for a service that is on its way to another worker: a drain or a restart takes so long. */
const OPEN_TIMEOUT_MS = 5_000
/** Between two tries. */
const AGAIN_MS = 100

/**
 * A way to the program of a service, by what is known of it at each moment. Throws what was wrong at last: `not_found` for one that does not run,
 * `peer_unreachable`, `overloaded`.
 */
export async function openTunnel(
  service: () => TaskRecord | undefined,
  { transport, clock }: { transport: Transport; clock: Clock },
  { signal }: { signal: AbortSignal }
): Promise<Channel<TunnelUp, TunnelDown>> {
  const within = AbortSignal.any([signal, clock.timeout(OPEN_TIMEOUT_MS)])
  let error = new CaresError('not_found', 'the service does not run now', { retryable: true })
  while (!within.aborted) {
    const task = service()
    if (task === undefined) throw new CaresError('not_found', 'nothing is published here any more')
    const current = currentAttempt(task)
    if (current?.health !== undefined) {
      try {
        return await ask(await transport.open('tunnel', current.worker, { signal: within }), task, within)
      } catch (err) {
        error = toCaresError(err)
        if (!error.retryable && error.code !== 'peer_lost') throw error
      }
    }
    await clock.sleep(AGAIN_MS, { signal: within }).catch(() => {}) // The loop ends by itself.
  }
  throw error
}

async function ask(channel: Channel<TunnelUp, TunnelDown>, { id }: TaskRecord, signal: AbortSignal): Promise<typeof channel> {
  const onAbort = (): void => channel.abort(toCaresError(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await channel.send({ type: 'open', task: id })
    const answer = await channel.receive()
    if (answer?.type === 'opened') return channel
    throw new CaresError('protocol', `worker ${channel.remote} did not say that the tunnel is open`)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { ServiceAddress } from '../../model/ports/runtime.ts'
import type { Tcp } from '../../model/ports/tcp.ts'
import type { Channel } from '../../model/ports/transport.ts'
import type { TaskId } from '../../model/task.ts'
import type { TunnelDown, TunnelUp } from '../../model/tunnel.ts'
import { ConnectionQuota } from './connection-quota.ts'
import { pump } from './pump.ts'

/** Longest that the program of a service may take to take a connection; one that is healthy does so at once. */
const CONNECT_TIMEOUT_MS = 2_000

export interface TunnelsComponents {
  readonly tcp: Tcp
  readonly clock: Clock
  /** Nobody else reaches a service. */
  readonly isMember: (peer: PeerId) => boolean
  /** Where a service that runs here and is published takes connections. */
  readonly addressOf: (task: TaskId) => ServiceAddress | undefined
}

/** The worker's end of connections to services: connects to the programs that run here. */
export class Tunnels {
  readonly #components: TunnelsComponents
  readonly #quota = new ConnectionQuota<TaskId>()

  constructor(components: TunnelsComponents) {
    this.#components = components
  }

  /** Serves one connection that another peer, or this one, has for a service. */
  async serve(channel: Channel<TunnelDown, TunnelUp>): Promise<void> {
    const { tcp, clock, isMember, addressOf } = this.#components
    const first = await channel.receive()
    if (first?.type !== 'open') throw new CaresError('protocol', 'a tunnel begins with the service that it is for')
    if (!isMember(channel.remote)) throw new CaresError('unauthorized', 'only members of the cluster reach its services')
    const address = addressOf(first.task)
    if (address === undefined) throw new CaresError('not_found', `the service ${first.task} does not run here`, { retryable: true })
    using _ = this.#quota.take(first.task)
    const connection = await tcp.connect(address, { signal: AbortSignal.any([channel.signal, clock.timeout(CONNECT_TIMEOUT_MS)]) })
    try {
      await channel.send({ type: 'opened' })
    } catch (err) {
      connection.destroy()
      throw err
    }
    await pump(connection, channel, { clock })
  }
}

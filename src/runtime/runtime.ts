import type { ClusterUid, PeerId, Session } from '../model/ids.ts'
import type { Capacity } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Runtime } from '../model/ports/runtime.ts'
import { createDockerDriver } from './docker-driver.ts'
import { FunctionRuntime } from './function-runtime.ts'
import { createProcessDriver } from './process-driver.ts'

/** How long a server may take until it is ready: the slowest common ones (JVM applications on one core) take most of a minute. */
const READY_TIMEOUT_MS = 60_000

/** Containers at once. An engine carries each with some 10 MB of its own and with work at every start and stop: 256 are 2.5 GB of that. */
const SLOTS_MAX = 256

export interface RuntimeInit {
  readonly kind: 'docker' | 'process'
  /** Who starts the containers: written on each, so that a later life of the peer finds what this one leaves behind. */
  readonly peer: PeerId
  /** Null before the peer has joined its first cluster. */
  readonly cluster: ClusterUid | null
  readonly session: Session
  /** What the peer may use in all, from `Host.capacity`. */
  readonly capacity: Capacity
  /** How long every warm container waits for its next call. @default as the calls of its function so far suggest, and until its memory is needed */
  readonly keepAliveMs?: number | undefined
  /** How long an `http` container may take until it is ready. @default 60_000 */
  readonly readyTimeoutMs?: number | undefined
  /** Containers at once, of whatever size. @default 256 */
  readonly slotsMax?: number | undefined
  /** Ids of the machine's GPUs. @default none */
  readonly gpus?: readonly string[] | undefined
  /** Where the Docker engine answers, as in DOCKER_HOST. @default 'unix:///var/run/docker.sock' */
  readonly dockerHost?: string | undefined
  /** The folder with the credentials of registries, as in DOCKER_CONFIG. @default images are pulled without */
  readonly dockerConfig?: string | undefined
  /** Folders where the `process` runtime looks for programs, as in PATH. @default '/usr/local/bin:/usr/bin:/bin' */
  readonly path?: string | undefined
}

/** The runtime of a peer. It starts even when the engine does not answer: `check` says so, and calls fail with `runtime_unavailable`. */
export function createRuntime(init: RuntimeInit, { clock, log }: { clock: Clock; log: Logger }): Runtime {
  const components = { clock, log: log.child('runtime') }
  const driver = init.kind === 'docker' ? createDockerDriver(init, components) : createProcessDriver(init, components)
  const { keepAliveMs, readyTimeoutMs = READY_TIMEOUT_MS, slotsMax = SLOTS_MAX, gpus = [], capacity } = init
  return new FunctionRuntime({ capacity, keepAliveMs, readyTimeoutMs, slotsMax, gpus }, { driver, ...components })
}

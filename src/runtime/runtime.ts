import type { ClusterUid, PeerId, Session } from '../model/ids.ts'
import type { Capacity } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Runtime } from '../model/ports/runtime.ts'
import { createDockerDriver } from './docker-driver.ts'
import { readIfThere } from './host.ts'
import { LlcControl } from './llc/llc-control.ts'
import { resctrlFiles } from './llc/resctrl-files.ts'
import { DOCKER_HOST_DEFAULT } from './docker-engine.ts'
import { FunctionRuntime } from './function-runtime.ts'
import { createProcessDriver } from './process-driver.ts'

/** How long a server may take until it is ready: the slowest common ones (JVM applications on one core) take most of a minute. */
const READY_TIMEOUT_MS = 60_000

/** Containers at once. An engine carries each with some 10 MB of its own and with work at every start and stop: 256 are 2.5 GB of that. */
const SLOTS_MAX = 256

/** Of a peer's id, in the names of what it makes on its machine: the end of it is random. */
const PREFIX_CHARACTERS = 8

export interface RuntimeInit {
  /** `process`: without isolation. */
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
  /** Whether the last-level cache is divided among functions, where that can be done. @default 'auto' */
  readonly llc?: 'auto' | 'off' | undefined
  /** Folders where the `process` runtime looks for programs, as in PATH. @default '/usr/local/bin:/usr/bin:/bin' */
  readonly path?: string | undefined
}

/** The runtime of a peer. It starts even when the engine does not answer: `check` says so, and calls fail with `runtime_unavailable`. */
export function createRuntime(init: RuntimeInit, { clock, log }: { clock: Clock; log: Logger }): Runtime {
  const components = { clock, log: log.child('runtime') }
  const driver = init.kind === 'docker' ? createDockerDriver(init, components) : createProcessDriver(init, components)
  const { keepAliveMs, readyTimeoutMs = READY_TIMEOUT_MS, slotsMax = SLOTS_MAX, gpus = [], capacity } = init
  return new FunctionRuntime(
    { capacity, keepAliveMs, readyTimeoutMs, slotsMax, gpus },
    { driver, llc: llcControl(init, components), ...components }
  )
}

function llcControl(
  { kind, dockerHost = DOCKER_HOST_DEFAULT, peer, llc = 'auto' }: RuntimeInit,
  { clock, log }: { clock: Clock; log: Logger }
): LlcControl {
  const blind = kind === 'process' ? 'processes' : dockerHost.startsWith('unix://') ? undefined : 'engine_elsewhere'
  const prefix = `cares_${peer.slice(-PREFIX_CHARACTERS)}_`
  return new LlcControl({ use: llc, blind, prefix }, { files: resctrlFiles(), read: readIfThere, clock, log })
}

import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Recovery } from '../../model/recovery.ts'
import type { HealthCheck, PeerService } from '../../model/service.ts'
import type { SimulationReport, SimulationRequest, SimulationStep } from '../../model/simulation.ts'
import type { OptionSpec, OutputFormat, Terminal } from './command.ts'

/**
 * What the command line needs of its process. `cli-environment.ts` gives the real things, tests give fakes. What costs time to load is behind a
 * function, so that only the command that needs it pays.
 */
export interface CliEnvironment {
  readonly version: string
  readonly terminal: Terminal
  readonly clock: Clock
  /** Aborts at SIGINT or SIGTERM, with a CaresError `cancelled` whose `details.signal` names it. */
  readonly signal: AbortSignal
  /** Completes the flags of a client command from environment and files. Throws `invalid`. */
  readonly readClientSettings: (flags: Flags) => Promise<ClientSettings>
  /** The flags of `cares peer`. */
  readonly peerFlags: () => Promise<readonly OptionSpec[]>
  /** How a peer would be run here, with these flags. Throws `invalid`. */
  readonly readPeerSettings: (flags: Flags) => Promise<PeerSettings>
  /** Puts a peer together, without starting it. Its log goes to stderr. */
  readonly createPeer: (flags: Flags) => Promise<RunnablePeer>
  /** Takes hold of the data directory of a stopped peer. Throws as `openRecovery` of `src/recover.ts` does. */
  readonly openRecovery: (flags: Flags) => Promise<Recovery>
  /** The virtual cluster. */
  readonly simulator: () => Promise<Simulator>
}

/** What replays workloads, and shows what came of it. */
export interface Simulator {
  /** Names of everything that can place. */
  readonly strategies: () => readonly string[]
  /** Members of a request that make no difference to this trace. */
  readonly ignoredBy: (trace: string) => readonly ('peers' | 'priceSpread' | 'load')[]
  /** Yields before each replay; throws `invalid`, `not_found` or `too_large` for what cannot be replayed. */
  readonly simulate: (request: SimulationRequest) => Generator<SimulationStep, SimulationReport, undefined>
  /** The report as a page of its own. */
  readonly html: (report: SimulationReport) => string
  /** One line for each replay. */
  readonly csv: (report: SimulationReport) => string
}

/** Flags that the user wrote, by their long name in camel case. */
export type Flags = Readonly<Record<string, unknown>>

/** Whom a client asks, and how it shows the answer. */
export interface ClientSettings {
  readonly api: string
  readonly token: string | null
  readonly output: OutputFormat
  readonly color: 'auto' | 'always' | 'never'
  readonly verbose: boolean
  readonly quiet: boolean
  /** Whether the locale lets a terminal show more than ASCII. @default false */
  readonly unicode?: boolean
  /** Whether whatever changes something is refused before it is asked. */
  readonly readOnly: boolean
  /** What is allowed and perhaps not meant, as sentences. */
  readonly warnings: readonly string[]
}

/** What of a peer's configuration can be checked and told before it runs. */
export interface PeerSettings {
  readonly data: string
  /** `none` with `--no-work`. */
  readonly runtime: 'docker' | 'process' | 'none'
  /** Where the API would listen. */
  readonly http: { readonly host: string; readonly port: number }
  /** Where other peers would dial, as multiaddrs. */
  readonly listen: readonly string[]
  /** Cluster ids to join by. */
  readonly bootstrap: readonly string[]
  /** As in `DOCKER_HOST`; null: the engine's usual socket. */
  readonly dockerHost: string | null
  /** Each setting, and where it came from. */
  readonly origins: readonly { readonly name: string; readonly value: string; readonly from: string }[]
  readonly warnings: readonly string[]
  /** What can be told of the machine and of the data directory before a peer is started. Never throws. */
  readonly inspect: () => Promise<readonly HealthCheck[]>
}

/** A peer that this process can run. */
export type RunnablePeer = Startable & {
  readonly service: Pick<PeerService, 'profile' | 'cluster'>
  /** `http://host:port`, once started. */
  readonly apiUrl: string
  /** Resolves when the peer has left its cluster for good, and should be stopped. */
  readonly left: Promise<void>
}

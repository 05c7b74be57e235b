import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { HealthCheck, PeerService } from '../../model/service.ts'
import type { CaresClient } from '../client.ts'

/** What the screens need of their process. `screens.ts` gives the real things, tests give fakes. */
export interface TuiEnvironment {
  readonly version: string
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly clock: Clock
  /** Aborts at SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly settings: TuiSettings
  /** A client of the peer at that address. */
  readonly connect: (api: string) => CaresClient
  /** Runs one command line of `cares` to its end; never throws. */
  readonly runCommand: (words: readonly string[], io: CommandIo) => Promise<number>
  /** Puts a peer together, without starting it. Throws `invalid`, `conflict` and the like, in words for people. */
  readonly createPeer: (flags: Readonly<Record<string, unknown>>, output: { readonly log: (line: string) => void }) => Promise<OwnPeer>
  /** What this machine has to offer, and whether a peer could work here. */
  readonly inspectMachine: () => Promise<MachineFacts>
}

/** How the screens are drawn, and whom they ask first. */
export interface TuiSettings {
  /** Where a peer of this machine would answer. */
  readonly api: string
  readonly colour: boolean
  readonly unicode: boolean
  /** Everything in words, for programs that read the screen aloud. */
  readonly screenReader: boolean
  /** Nothing is changed from these screens. */
  readonly readOnly: boolean
  /** The peer at `api` is shown whether it answers or not: the user has named it. */
  readonly named: boolean
}

/** Where a command's output goes, and whose cluster it is about. */
export interface CommandIo {
  readonly api: string
  readonly columns: number
  readonly colour: boolean
  readonly write: (text: string) => void
  readonly signal: AbortSignal
}

/** A peer that runs in this process. */
export type OwnPeer = Startable & {
  readonly service: Pick<PeerService, 'profile' | 'cluster'>
  /** `http://host:port`, once started. */
  readonly apiUrl: string
  /** Resolves when the peer has left its cluster for good. */
  readonly left: Promise<void>
}

/** What is known of this machine before a peer runs on it. */
export interface MachineFacts {
  readonly checks: readonly HealthCheck[]
  readonly runtime: string
  readonly cpus: number
  /** As people write it: `15.6Gi`. */
  readonly memory: string
  /** The data directory of a peer that ran here before; null: none did. */
  readonly knownData: string | null
  /** A data directory that no peer has used. */
  readonly freshData: string
}

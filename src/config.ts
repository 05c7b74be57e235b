import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CLIENT_SETTINGS } from './config/client-settings.ts'
import { PEER_SETTINGS } from './config/peer-settings.ts'
import { proxyChecks } from './config/proxy-check.ts'
import { alertSecretOf, checkSecrets, contradiction, readTokens, secretOf, tokenOf } from './config/secrets.ts'
import { taskStoreUrlOf } from './config/task-store.ts'
import type { Environment, Settings } from './config/setting.ts'
import { type ConfigSources, type Flags, misspelledVariables, type Origin, resolveSettings, userDirectory } from './config/sources.ts'
import type { AlertThresholds } from './model/alerts.ts'
import { CaresError } from './model/errors.ts'
import type { StrategyName } from './model/placement.ts'
import type { Preset } from './model/presets.ts'
import type { HealthCheck } from './model/service.ts'

/** Everything about a peer that its operator decides. Plain data, frozen; may be cloned or sent to another thread. */
export interface PeerConfig {
  /** Null: `peerName` of its id. */
  readonly name: string | null
  /** Absolute path of the data directory. */
  readonly data: string
  /** Port 0: any that is free. */
  readonly http: { readonly host: string; readonly port: number }
  /** Where connections for published services are taken; null: at the host of the API. */
  readonly publishHost: string | null
  /** Multiaddrs. */
  readonly listen: readonly string[]
  /** Multiaddrs; empty: those listened on. */
  readonly announce: readonly string[]
  /** Cluster ids, secret included; empty: the cluster of last time, else a new one. */
  readonly bootstrap: readonly string[]
  /** Create a cluster that needs no secret. */
  readonly open: boolean
  /** The cluster's secret. Null: the one in `bootstrap`, else the one kept from last time, else, unless `open`, a new one. */
  readonly secret: string | null
  readonly runtime: 'docker' | 'process'
  /** Whether functions run here. */
  readonly work: boolean
  /** Null: what the machine has. */
  readonly cpus: number | null
  /** Null: what the machine has. */
  readonly memoryBytes: number | null
  /** Connection URL of the PostgreSQL database that keeps the tasks; null: the replicated log keeps them. */
  readonly taskStoreUrl: string | null
  /** Bytes of the disk for large inputs and results of tasks. */
  readonly taskRoomBytes: number
  /** Whether the last-level cache is divided among functions where that can be done. */
  readonly llc: 'auto' | 'off'
  /** Price of the machine. 0: not stated. */
  readonly usdPerHour: number
  /** How workers are chosen while this peer is orchestrator, or places by fallback. */
  readonly strategy: StrategyName
  /** Whether the machine's speed is measured at the start. */
  readonly calibrate: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly preset: Preset
  /** API clients must send one of these. Empty: they need none. */
  readonly tokens: readonly string[]
  /** Names, in lower case, that clients without a token may use for this peer, beside those of the local network. */
  readonly hostNames: readonly string[]
  /** Thresholds of alerts that replace the default ones. */
  readonly alerts: AlertThresholds
  /** URL that alerts are posted to. Null: none are posted. */
  readonly alertWebhook: string | null
  /** Secret that posted alerts are signed with. Null: they are not signed. */
  readonly alertSecret: string | null
  /** Base URL of an OpenTelemetry collector; null: calls are not traced. */
  readonly traceEndpoint: string | null
  /** Share of the traces that begin here that is recorded, 0 to 1. */
  readonly traceRatio: number
  /** As in `DOCKER_HOST`; null: the engine's local socket. */
  readonly dockerHost: string | null
  /** Folder with the credentials that `docker login` left; null: none. */
  readonly dockerConfig: string | null
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug'
  readonly logFormat: 'pretty' | 'json'
  readonly logLevelLibp2p: 'silent' | 'error' | 'warn' | 'info' | 'debug'
}

/** Whom a client asks, and how it shows the answer. Plain data, frozen. */
export interface ClientConfig {
  /** Without a slash at its end. */
  readonly api: string
  readonly token: string | null
  readonly output: 'table' | 'wide' | 'json' | 'jsonl' | 'yaml' | 'name'
  readonly color: 'auto' | 'always' | 'never'
  readonly verbose: boolean
  readonly quiet: boolean
  /** Whether whatever changes something is refused before it is asked. */
  readonly readOnly: boolean
  /** Whether the locale lets a terminal show more than ASCII. */
  readonly unicode: boolean
  /** Whether the screens are for a program that reads them aloud. */
  readonly screenReader: boolean
}

/** A configuration, and how it came about. */
export interface ConfigReading<Config> {
  readonly config: Config
  /** Each setting with its value and where that came from, for `cares doctor`. */
  readonly origins: readonly Origin[]
  /** What is allowed and perhaps not meant, as sentences. */
  readonly warnings: readonly string[]
}

const KNOWN_SETTINGS: Settings = { ...CLIENT_SETTINGS, ...PEER_SETTINGS }

/**
 * The configuration of a peer: flag > environment > `--config` file > `./cares.yaml` > `$XDG_CONFIG_HOME/cares/config.yaml` > default.
 * Throws `invalid` for a value that is not allowed, or for two that contradict each other, and says where each stands.
 */
export function readPeerConfig(flags: Flags, sources: Partial<ConfigSources> = {}): ConfigReading<PeerConfig> {
  const from = { ...processSources(), ...sources }
  const settings = resolveSettings(PEER_SETTINGS, KNOWN_SETTINGS, flags, from)
  const { values, origins } = settings
  const secret = secretOf(settings, from)
  checkSecrets(settings, secret)
  const tokens = values['token-file'] === null ? [] : readTokens(values['token-file'], from)
  const config: PeerConfig = {
    name: values.name,
    data: values.data ?? defaultData(from),
    http: values.http,
    publishHost: values['publish-host'],
    listen: values.listen,
    announce: values.announce,
    bootstrap: values.bootstrap,
    open: values.open,
    secret,
    runtime: values.runtime,
    work: values.work,
    cpus: values.cpus,
    memoryBytes: values.memory,
    taskStoreUrl: taskStoreUrlOf(settings),
    taskRoomBytes: values['task-room'],
    llc: values.llc,
    usdPerHour: values.price,
    strategy: values.strategy,
    calibrate: values.calibrate,
    labels: values.label,
    preset: values.preset,
    tokens,
    hostNames: [...values['allow-host'], ...announcedNames(values.announce)],
    alerts: values.alert,
    alertWebhook: values['alert-webhook'],
    alertSecret: alertSecretOf(settings, from),
    traceEndpoint: values['trace-endpoint'],
    traceRatio: values['trace-ratio'],
    dockerHost: values['docker-host'],
    dockerConfig: values['docker-config'],
    logLevel: values['log-level'],
    logFormat: values['log-format'],
    logLevelLibp2p: values['log-libp2p']
  }
  checkAnnounced(config.announce, settings.from('announce'))
  const exposed = !isLoopback(config.http.host) && tokens.length === 0
  const warnings = [
    ...misspelledVariables(KNOWN_SETTINGS, from.env),
    ...(exposed
      ? [`anyone who reaches ${config.http.host}:${config.http.port} can use the API without a token; ask for one with --token-file`]
      : [])
  ]
  return { config: deepFreeze(config), origins: withData(origins, config.data), warnings }
}

/** The configuration of a client, in the same order of precedence. `--json` is short for `--output json`. Throws `invalid`. */
export function readClientConfig(flags: Flags, sources: Partial<ConfigSources> = {}): ConfigReading<ClientConfig> {
  const from = { ...processSources(), ...sources }
  const { json, output: format } = flags
  if (json === true && typeof format === 'string' && format !== 'json') throw contradiction('--json', `--output ${format}`)
  const asked = json === true ? { ...flags, output: 'json' } : flags
  const settings = resolveSettings(CLIENT_SETTINGS, KNOWN_SETTINGS, asked, from)
  const { api, output, color, verbose, quiet } = settings.values
  if (verbose && quiet && settings.rank('verbose') === settings.rank('quiet'))
    throw contradiction(settings.from('verbose'), settings.from('quiet'))
  const config: ClientConfig = {
    api,
    token: tokenOf(settings, from),
    output,
    color,
    // The stronger source has the last word: -q on the command line against CARES_VERBOSE.
    verbose: verbose && !(quiet && settings.rank('quiet') < settings.rank('verbose')),
    quiet: quiet && !(verbose && settings.rank('verbose') < settings.rank('quiet')),
    readOnly: settings.values['read-only'],
    unicode: hasUnicode(from.env),
    screenReader: settings.values['screen-reader']
  }
  return { config: deepFreeze(config), origins: settings.origins, warnings: misspelledVariables(KNOWN_SETTINGS, from.env) }
}

function processSources(): ConfigSources {
  return { env: process.env, cwd: process.cwd(), home: homedir, readFile: path => readFileSync(path, 'utf8') }
}

function defaultData(sources: ConfigSources): string {
  const directory = userDirectory('XDG_DATA_HOME', join('.local', 'share'), sources)
  if (directory === undefined)
    throw new CaresError('invalid', 'there is no place for data: the user has no home directory', {
      hint: 'name a directory with --data or CARES_DATA'
    })
  return join(directory, 'cares')
}

function checkAnnounced(announce: readonly string[], from: string): void {
  for (const address of announce) {
    if (/^\/(ip4\/0\.0\.0\.0|ip6\/::)(\/|$)/.test(address))
      throw new CaresError('invalid', `${from}: nobody can dial ${address}`, {
        hint: 'announce an address that the other peers reach this machine by'
      })
  }
}

/** The names in announced addresses: `/dns4/elm.example/tcp/4001`. */
function announcedNames(announce: readonly string[]): readonly string[] {
  return announce.flatMap(address => /^\/dns[46]?\/([^/]+)/.exec(address)?.[1]?.toLowerCase() ?? [])
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

/** Whether a proxy of the environment stands in the way; see {@link proxyChecks}. */
export function environmentChecks(): readonly HealthCheck[] {
  return proxyChecks(processSources().env)
}

/** POSIX: the first that is set and not empty decides. */
function hasUnicode(env: Environment): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '')
}

function withData(origins: readonly Origin[], data: string): readonly Origin[] {
  return origins.map(origin => (origin.name === 'data' ? { ...origin, value: data } : origin))
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object)
  return Object.freeze(value)
}

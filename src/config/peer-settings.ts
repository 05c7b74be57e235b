import { STRATEGY_NAMES } from '../model/placement.ts'
import type { Preset } from '../model/presets.ts'
import { type FlagDefinition, setting } from './setting.ts'
import {
  alertsSchema,
  bytesSchema,
  choiceSchema,
  clusterIdSchema,
  hostNameSchema,
  hostPortSchema,
  labelsSchema,
  listSchema,
  multiaddrSchema,
  numberSchema,
  postgresUrlSchema,
  switchSchema,
  textSchema,
  urlSchema
} from './value-schemas.ts'

/** Addresses of one kind; a machine with more interfaces names the few that others can reach. */
const ADDRESSES_MAX = 16

/** Peers to join by. One is enough; a few make a start independent of any of them. */
const BOOTSTRAP_MAX = 32

/** Names of one machine; where there are more, a token is less to keep. */
const HOST_NAMES_MAX = 16

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
const PRESET_NAMES = ['lan', 'wan', 'loopback'] as const satisfies readonly Preset[]

/** Every setting of a peer, by name. */
export const PEER_SETTINGS = {
  bootstrap: setting('bootstrap', {
    flags: '--bootstrap <CLUSTER_ID>',
    description: 'Join the cluster of this peer',
    defaultText: 'the cluster of last time, else a new one',
    schema: listSchema(clusterIdSchema, BOOTSTRAP_MAX),
    fallback: [] as readonly string[],
    repeats: true,
    emptyHint: 'the command that was to print the cluster id has failed; unset the variable to found a cluster'
  }),
  listen: setting('listen', {
    flags: '--listen <MADDR>',
    description: 'Accept other peers here',
    defaultText: '/ip4/0.0.0.0/tcp/4001',
    schema: listSchema(multiaddrSchema, ADDRESSES_MAX),
    fallback: ['/ip4/0.0.0.0/tcp/4001'],
    repeats: true
  }),
  announce: setting('announce', {
    flags: '--announce <MADDR>',
    description: 'Tell other peers this address instead of those listened on',
    defaultText: 'the addresses of the machine',
    schema: listSchema(multiaddrSchema, ADDRESSES_MAX),
    fallback: [] as readonly string[],
    repeats: true
  }),
  http: setting('http', {
    flags: '--http <HOST:PORT>',
    description: 'Serve the API and the dashboard here',
    defaultText: '127.0.0.1:7070',
    schema: hostPortSchema,
    fallback: { host: '127.0.0.1', port: 7_070 }
  }),
  'publish-host': setting('publish-host', {
    flags: '--publish-host <HOST>',
    description: 'Take connections for published services at this address',
    defaultText: 'the host of --http',
    schema: textSchema.nullable(),
    fallback: null
  }),
  data: setting('data', {
    flags: '--data <DIR>',
    description: 'Keep identity and state in this directory',
    defaultText: '$XDG_DATA_HOME/cares',
    schema: textSchema.nullable(),
    fallback: null,
    isPath: true
  }),
  name: setting('name', {
    flags: '--name <NAME>',
    description: 'Name of this peer, for people',
    defaultText: 'made from its id',
    schema: textSchema.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 of a-z, 0-9 and - (not at the ends)').nullable(),
    fallback: null
  }),
  open: setting('open', {
    flags: '--open',
    description: 'Create a cluster that any peer may join, without a secret',
    defaultText: 'private',
    schema: switchSchema,
    fallback: false
  }),
  'secret-file': setting('secret-file', {
    flags: '--secret-file <FILE>',
    description: "Read the cluster's secret from this file",
    defaultText: 'the one kept from last time, else a new one',
    schema: textSchema.nullable(),
    fallback: null,
    isPath: true
  }),
  secret: setting('secret', {
    flags: null,
    description: "The cluster's secret itself",
    defaultText: 'none',
    schema: textSchema.nullable(),
    fallback: null,
    isSecret: true
  }),
  'token-file': setting('token-file', {
    flags: '--token-file <FILE>',
    description: 'Ask API clients for one of the tokens in this file, one a line',
    defaultText: 'no token needed',
    schema: textSchema.nullable(),
    fallback: null,
    isPath: true
  }),
  'allow-host': setting('allow-host', {
    flags: '--allow-host <NAME>',
    description: 'Answer clients without a token that call this peer by this name, too',
    defaultText: 'addresses and names of the local network',
    schema: listSchema(hostNameSchema, HOST_NAMES_MAX),
    fallback: [] as readonly string[],
    repeats: true
  }),
  runtime: setting('runtime', {
    flags: '--runtime <KIND>',
    description: 'Run functions in Docker, or as plain processes (no isolation)',
    defaultText: 'docker',
    choices: ['docker', 'process'],
    schema: choiceSchema(['docker', 'process']),
    fallback: 'docker'
  }),
  work: setting('work', {
    flags: '--no-work',
    description: 'Run no functions here, only route and vote',
    defaultText: 'work',
    schema: switchSchema,
    fallback: true
  }),
  cpus: setting('cpus', {
    flags: '--cpus <N>',
    description: 'Cores that functions may use',
    defaultText: 'all',
    schema: numberSchema({ above: 0, max: 4_096 }).nullable(),
    fallback: null
  }),
  memory: setting('memory', {
    flags: '--memory <SIZE>',
    description: 'Memory that functions may use',
    defaultText: "most of the machine's",
    schema: bytesSchema.nullable(),
    fallback: null
  }),
  'task-store': setting('task-store', {
    flags: '--task-store <KIND>',
    description: 'Keep tasks in the replicated log, or in a PostgreSQL database (the same for all peers)',
    defaultText: 'log',
    choices: ['log', 'postgres'],
    schema: choiceSchema(['log', 'postgres']),
    fallback: 'log'
  }),
  'task-store-url': setting('task-store-url', {
    flags: '--task-store-url <URL>',
    description: 'The database, as postgres://USER@HOST/NAME; its password is read from PGPASSWORD',
    defaultText: 'none',
    schema: postgresUrlSchema.nullable(),
    fallback: null
  }),
  'task-room': setting('task-room', {
    flags: '--task-room <SIZE>',
    description: 'Disk for copies of large inputs and results of tasks',
    defaultText: '4Gi',
    schema: bytesSchema,
    fallback: 4 * 2 ** 30
  }),
  llc: setting('llc', {
    flags: '--llc <USE>',
    description: 'Divide the last-level cache among functions where the machine can, or leave it alone',
    defaultText: 'auto',
    choices: ['auto', 'off'],
    schema: choiceSchema(['auto', 'off']),
    fallback: 'auto'
  }),
  price: setting('price', {
    flags: '--price <USD_PER_HOUR>',
    description: 'What this machine costs, for placements and reports',
    defaultText: '0, not stated',
    schema: numberSchema({ min: 0, max: 10_000 }),
    fallback: 0
  }),
  strategy: setting('strategy', {
    flags: '--strategy <NAME>',
    description: 'Choose workers by this rule while this peer places',
    defaultText: 'cost',
    choices: STRATEGY_NAMES,
    schema: choiceSchema(STRATEGY_NAMES),
    fallback: 'cost'
  }),
  calibrate: setting('calibrate', {
    flags: '--no-calibrate',
    description: 'Start without measuring for a tenth of a second how fast this machine is',
    defaultText: 'calibrate',
    schema: switchSchema,
    fallback: true
  }),
  label: setting('label', {
    flags: '--label <K=V>',
    description: 'Mark this peer for people and placements',
    defaultText: 'none',
    schema: labelsSchema,
    fallback: {},
    repeats: true
  }),
  preset: setting('preset', {
    flags: '--preset <NET>',
    description: 'Timings for this kind of network',
    defaultText: 'lan',
    choices: PRESET_NAMES,
    schema: choiceSchema(PRESET_NAMES),
    fallback: 'lan'
  }),
  alert: setting('alert', {
    flags: '--alert <RULE=VALUE>',
    description: 'Raise an alert from this value on, or never: disk_low=0.8, cpu_high=off',
    defaultText: 'see: cares alerts --rules',
    schema: alertsSchema,
    fallback: {},
    repeats: true
  }),
  'alert-webhook': setting('alert-webhook', {
    flags: '--alert-webhook <URL>',
    description: 'Post alerts to this URL while this peer is orchestrator',
    defaultText: 'nobody is told',
    schema: urlSchema.nullable(),
    fallback: null
  }),
  'alert-secret-file': setting('alert-secret-file', {
    flags: '--alert-secret-file <FILE>',
    description: 'Sign what is posted with the secret in this file',
    defaultText: 'not signed',
    schema: textSchema.nullable(),
    fallback: null,
    isPath: true
  }),
  'trace-endpoint': setting('trace-endpoint', {
    flags: '--trace-endpoint <URL>',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    description: 'Send traces of calls to this OpenTelemetry collector, by OTLP over HTTP',
    defaultText: 'no traces',
    schema: urlSchema.nullable(),
    fallback: null
  }),
  'trace-ratio': setting('trace-ratio', {
    flags: '--trace-ratio <RATIO>',
    description: 'Record this share of the traces that begin here, 0 to 1',
    defaultText: '1',
    schema: numberSchema({ min: 0, max: 1 }),
    fallback: 1
  }),
  'docker-host': setting('docker-host', {
    flags: null,
    env: 'DOCKER_HOST',
    description: 'Where the Docker engine answers',
    defaultText: 'its local socket',
    schema: textSchema.nullable(),
    fallback: null
  }),
  'docker-config': setting('docker-config', {
    flags: null,
    env: 'DOCKER_CONFIG',
    description: 'Folder with the credentials of registries, as docker login leaves them',
    defaultText: '~/.docker',
    schema: textSchema.nullable(),
    fallback: null,
    isPath: true,
    otherEnv: ({ HOME }) => (HOME === undefined ? undefined : ['HOME', `${HOME}/.docker`])
  }),
  'log-level': setting('log-level', {
    flags: '--log-level <LEVEL>',
    description: 'How much to log',
    defaultText: 'info',
    choices: LEVELS,
    schema: choiceSchema(LEVELS),
    fallback: 'info'
  }),
  'log-format': setting('log-format', {
    flags: '--log-format <FORMAT>',
    description: 'Log lines for people or for programs',
    defaultText: 'pretty',
    choices: ['pretty', 'json'],
    schema: choiceSchema(['pretty', 'json']),
    fallback: 'pretty'
  }),
  'log-libp2p': setting('log-libp2p', {
    flags: '--log-libp2p <LEVEL>',
    description: 'How much to log of what libp2p says',
    defaultText: 'error',
    choices: LEVELS,
    schema: choiceSchema(LEVELS),
    // Its warnings are ordinary life: a dial that was refused, a connection that closed.
    fallback: 'error'
  })
} as const

/** The settings of `cares peer`, in the order of its help. */
export const PEER_FLAGS: readonly FlagDefinition[] = Object.values(PEER_SETTINGS)

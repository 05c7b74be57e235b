/** What one room of `src/` may import. The table of the README, held true by the tidy test. */
export interface Room {
  /** A folder (ends with `/`) or a file. The longest path that fits a file is its room. */
  readonly path: string
  /** Rooms whose files it may import, by path prefix; its own files always. */
  readonly rooms: readonly string[]
  /** npm packages and `node:` modules it may import; a `*` at the end stands for any rest. */
  readonly packages: readonly string[]
  /** Functions of their arguments only: no clock, timer, random, environment, I/O, log or await. */
  readonly pure?: true
}

const MODEL = 'src/model/'
const POOLS = 'src/core/pools/'
const TASKS = 'src/core/tasks/'
const LLC = 'src/core/llc/'
const REGISTRY = 'src/core/registry/'
const CORE = [
  'src/core/membership/',
  'src/core/consensus/',
  REGISTRY,
  'src/core/scheduler/',
  'src/core/predictor/',
  TASKS,
  POOLS,
  LLC
] as const
/** What core rooms import of each other: nothing, but for these. */
const CORE_IMPORTS: Readonly<Record<string, readonly string[]>> = { [REGISTRY]: [TASKS], 'src/core/predictor/': [LLC] }
/** A process of its own, with nothing of a peer in it. */
const WATCHDOG = 'src/runtime/watchdog-process.ts'
const LIBP2P = [
  'libp2p',
  '@libp2p/*',
  '@chainsafe/libp2p-noise',
  '@chainsafe/libp2p-noise/crypto',
  '@multiformats/*',
  'it-*',
  'uint8arraylist',
  'multiformats/*'
]

/** Every room there is. A file under `src/` that is in none of them is a finding. */
const ROOMS: readonly Room[] = [
  { path: MODEL, rooms: [], packages: ['zod'], pure: true },
  { path: 'src/wire/', rooms: [MODEL], packages: ['@bufbuild/protobuf', '@bufbuild/protobuf/*', 'zod'], pure: true },
  // What a command does to a task is the same in the log's tables and in a database's, so it has a room of its own.
  // So has how run time falls with the cache: predictors learn it, and whoever divides a cache goes by it.
  ...CORE.map(path => ({ path, rooms: [MODEL, ...(CORE_IMPORTS[path] ?? [])], packages: [], pure: true as const })),
  { path: 'src/daemon/', rooms: [MODEL, ...CORE], packages: ['node:*'] },
  { path: 'src/network/', rooms: [MODEL, 'src/wire/'], packages: ['node:*', ...LIBP2P] },
  { path: 'src/runtime/', rooms: [MODEL, POOLS, LLC], packages: ['node:*', 'dockerode', 'undici', 'systeminformation'] },
  { path: 'src/store/', rooms: [MODEL, REGISTRY, TASKS], packages: ['node:*', '@libp2p/crypto/*', '@libp2p/peer-id', 'pg'] },
  {
    path: 'src/api/',
    rooms: [MODEL],
    packages: ['node:*', 'fastify', '@fastify/*', 'fastify-type-provider-zod', 'zod', 'prom-client']
  },
  { path: 'src/telemetry/', rooms: [MODEL], packages: ['node:*', 'undici', '@opentelemetry/*'] },
  { path: 'src/faces/', rooms: [MODEL], packages: ['node:*', 'undici', 'eventsource-parser', 'yaml', 'string-width'] },
  {
    path: 'src/faces/cli/',
    rooms: [MODEL, 'src/faces/*'],
    packages: ['node:*', 'commander', 'yaml', 'string-width', 'zod']
  },
  { path: 'src/faces/tui/', rooms: [MODEL, 'src/faces/*'], packages: ['node:*', 'ink', 'react', 'string-width'] },
  { path: 'src/faces/web/', rooms: [MODEL, 'src/faces/*'], packages: ['preact', 'preact/*'] },
  { path: 'src/faces/web/vite.config.ts', rooms: [], packages: ['node:url', 'vite'] },
  // Its fakes of transport and store share what those have that does no I/O, so that they cannot behave otherwise.
  { path: 'src/simulate/', rooms: [MODEL, 'src/wire/', ...CORE, 'src/daemon/', 'src/network/', 'src/store/'], packages: ['node:*'] },
  { path: 'src/config.ts', rooms: [MODEL, 'src/config/'], packages: ['node:*'] },
  { path: 'src/config/', rooms: [MODEL], packages: ['node:*', 'zod', 'yaml', '@libp2p/peer-id', '@multiformats/*'] },
  { path: 'src/version.ts', rooms: ['package.json'], packages: [] },
  { path: 'src/log.ts', rooms: [MODEL], packages: ['node:*', 'pino'] },
  {
    path: 'src/peer.ts',
    rooms: [
      MODEL,
      'src/wire/',
      ...CORE,
      'src/daemon/',
      'src/network/',
      'src/runtime/',
      'src/store/',
      'src/api/',
      'src/telemetry/',
      'src/config.ts',
      'src/version.ts'
    ],
    packages: ['node:*']
  },
  { path: 'src/recover.ts', rooms: [MODEL, 'src/daemon/', 'src/store/', 'src/config.ts'], packages: [] },
  { path: 'src/inspect.ts', rooms: [MODEL, 'src/runtime/', 'src/store/', 'src/config.ts'], packages: [] },
  {
    path: 'src/cli-environment.ts',
    rooms: [
      MODEL,
      'src/peer.ts',
      'src/runtime/precedence.ts',
      'src/recover.ts',
      'src/inspect.ts',
      'src/config.ts',
      'src/config/',
      'src/log.ts',
      'src/version.ts',
      'src/faces/',
      'src/simulate/'
    ],
    packages: ['node:*']
  },
  {
    path: 'src/screens.ts',
    rooms: [MODEL, 'src/cli-environment.ts', 'src/config.ts', 'src/version.ts', 'src/faces/'],
    packages: ['node:*']
  },
  {
    path: 'src/main.ts',
    rooms: [MODEL, 'src/cli-environment.ts', 'src/screens.ts', 'src/daemon/system-clock.ts', 'src/faces/'],
    packages: ['node:*']
  },
  { path: 'src/cares.js', rooms: ['src/main.ts', 'dist/'], packages: ['node:*'] }
]

/** The room of a file under `src/`: of all that fit, the one with the longest path. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.filter(room => within(path, room.path)).sort((a, b) => b.path.length - a.path.length)[0]
}

/** Whether a file is in a folder (`src/model/`), directly in one (`src/faces/*`), or is the file itself. */
export function within(path: string, prefix: string): boolean {
  if (prefix.endsWith('/*')) return path.startsWith(prefix.slice(0, -1)) && !path.slice(prefix.length - 1).includes('/')
  return prefix.endsWith('/') ? path.startsWith(prefix) : path === prefix
}

/** Whether a package specifier is one of a list in which a `*` at the end stands for any rest. */
export function allowsPackage(packages: readonly string[], specifier: string): boolean {
  return packages.some(allowed => (allowed.endsWith('*') ? specifier.startsWith(allowed.slice(0, -1)) : specifier === allowed))
}

/** What only a few places may use, and what everyone else does instead. */
export interface Restriction {
  /** `object.member`, `name()` for a call of a global, `new Name()` for a construction without arguments, or a `node:` module. */
  readonly uses: readonly string[]
  readonly allowedIn: readonly string[]
  readonly instead: string
}

/** The hidden inputs and outputs of a process. Faces are processes of their own and may look at the clock and the terminal. */
export const RESTRICTIONS: readonly Restriction[] = [
  {
    uses: ['Date.now', 'performance.now', 'process.hrtime', 'process.uptime', 'new Date()'],
    allowedIn: ['src/daemon/system-clock.ts', WATCHDOG, 'src/faces/'],
    instead: 'take a Clock (model/ports/clock.ts), or nowMs as an argument in a pure room'
  },
  {
    uses: ['setTimeout()', 'setInterval()', 'AbortSignal.timeout', 'node:timers', 'node:timers/promises'],
    allowedIn: ['src/daemon/system-clock.ts', WATCHDOG, 'src/faces/'],
    instead: 'take a Clock: clock.timeout, clock.sleep or clock.every'
  },
  {
    uses: ['Math.random'],
    allowedIn: [],
    instead: 'take a Random (model/random.ts) seeded by the caller, or node:crypto for ids and secrets'
  },
  {
    uses: ['process.env'],
    allowedIn: ['src/config.ts', 'src/cares.js'],
    instead: 'add a setting to src/config.ts and take it as an argument'
  },
  {
    uses: ['console.log', 'console.error', 'console.warn', 'console.info', 'console.debug', 'process.stdout', 'process.stderr'],
    allowedIn: ['src/faces/', 'src/main.ts', 'src/log.ts', 'src/cares.js'],
    instead: 'take a Logger (model/ports/logger.ts)'
  },
  { uses: ['process.exit'], allowedIn: ['src/main.ts', 'src/cares.js'], instead: 'throw, or return, and let main.ts end the process' }
]

/** What no pure room may touch, over and above the restrictions: the rest of the outside world. */
export const IMPURE_GLOBALS: readonly string[] = ['process', 'console', 'fetch', 'crypto', 'performance', 'globalThis', 'queueMicrotask']

/** Longest file under `src/`, in lines. */
export const LINES_MAX = 350

/** Widest line with a comment, in characters, anywhere. The formatter breaks code at 140; prose is left as it was written, and may be a little wider. */
export const COMMENT_WIDTH_MAX = 160

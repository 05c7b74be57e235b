import { appendFile, writeFile } from 'node:fs/promises'
import type { SimulationRequest } from '../../../model/simulation.ts'
import type { AnyCommand } from '../command.ts'
import type { CliEnvironment, Simulator } from '../environment.ts'
import { CaresError } from '../../../model/errors.ts'
import { parseDurationMs } from '../../../model/units.ts'
import { simulationLines } from '../../simulation-view.ts'
import { defineCommand } from '../command.ts'
import { parseCount, parsePositive } from '../flags.ts'
import { write } from '../output.ts'

/** Machines of one simulation: what a table of placements holds. */
const PEERS_MAX = 10_000

/** Placers that are simulated, and replays of each strategy. */
const PLACERS_MAX = 200
const RUNS_MAX = 100

interface Options {
  strategies?: readonly string[]
  peers?: number
  seed?: number
  runs?: number
  load?: number | 'trace'
  limit?: number
  gossip?: number
  gossipDelay?: number
  loss?: number
  placers?: number
  estimates?: 'learned' | number
  prices?: number
  keepAlive?: number
  crashes?: number
  outside?: number
  cache?: 'off' | 'blind' | 'known'
  html?: string
  csv?: string
}

/** What is simulated where the command line says nothing. */
const DEFAULTS = {
  trace: 'steady',
  strategies: ['cost', 'predictive', 'balanced', 'round-robin', 'least-loaded', 'power-of-two'],
  peers: 10,
  seed: 1,
  runs: 3,
  load: 0.5,
  callsMax: 200_000,
  gossipMs: 1_000,
  gossipDelayMs: 100,
  lossRatio: 0,
  placers: 1,
  estimates: null,
  priceSpread: 1,
  keepAliveMs: 600_000,
  crashesPerHour: 0,
  outsideShare: 0,
  cache: 'off'
} as const satisfies SimulationRequest

/** `cares simulate`: strategies compared on a virtual cluster. Needs no peer. */
export function simulate({ simulator }: Pick<CliEnvironment, 'simulator'>): AnyCommand {
  return defineCommand<Options>({
    description:
      'Replays calls on a virtual cluster, with the scheduler, ledger, predictor and admission that peers run, and compares strategies. No peer is needed. ' +
      'TRACE is a scenario (steady, bursts, batch-gpu, batch-cpu) or a CSV file: Azure Functions 2019 or 2021, Azure LLM, Alibaba batch, or ' +
      'arrival_s,function,duration_s with optional columns input_bytes, cpus and memory_mb.',
    args: [{ name: 'TRACE', description: 'a scenario or a file', required: false, completes: 'file' }],
    options: [
      {
        flags: '-s, --strategies <NAMES>',
        description: 'strategies and baselines, by comma; or all',
        defaultText: 'a selection',
        parse: parseNames
      },
      { flags: '-n, --peers <N>', description: 'machines of the cluster', defaultText: '10', parse: within('peers', 1, PEERS_MAX) },
      { flags: '--seed <N>', description: 'the first seed: the same seed gives the same result', defaultText: '1', parse: parseCount },
      { flags: '--runs <N>', description: 'seeds, one after the other', defaultText: '3', parse: within('runs', 1, RUNS_MAX) },
      {
        flags: '--load <SHARE>',
        description: 'share of the cores to keep busy, by moving arrivals; or trace',
        defaultText: '0.5',
        parse: parseLoad
      },
      { flags: '--limit <N>', description: 'replay only so many calls', defaultText: '200000', parse: within('limit', 1, 5_000_000) },
      { flags: '--gossip <D>', description: 'time between two words of a peer', defaultText: '1s', parse: parseDurationMs },
      { flags: '--gossip-delay <D>', description: 'how long a word is under way', defaultText: '100ms', parse: parseDurationMs },
      { flags: '--loss <SHARE>', description: 'share of gossip that is lost', defaultText: '0', parse: parseShare },
      {
        flags: '--placers <N>',
        description: '1: an orchestrator; more: gateways in fallback',
        defaultText: '1',
        parse: within('placers', 1, PLACERS_MAX)
      },
      {
        flags: '--estimates <HOW>',
        description: 'learned, exact, or a noise like 0.25',
        defaultText: 'learned; 0.25 for batches',
        parse: parseEstimates
      },
      { flags: '--prices <FACTOR>', description: 'the dearest core against the cheapest', defaultText: '1', parse: parsePriceSpread },
      { flags: '--keep-alive <D>', description: "of idle containers, in the trace's time", defaultText: '10m', parse: parseDurationMs },
      { flags: '--crashes <N>', description: 'crashes of a peer in an hour', defaultText: '0', parse: parseRate },
      {
        flags: '--outside <SHARE>',
        description: 'of the functions, work outside CARES that asks for admission',
        defaultText: '0',
        parse: parseShare
      },
      {
        flags: '--cache <HOW>',
        description: 'runs share the cache of their machine: blind, or known to placers',
        defaultText: 'off',
        choices: ['off', 'blind', 'known']
      },
      { flags: '--html <FILE>', description: 'write a report with plots; - for stdout, instead of the table', completes: 'file' },
      { flags: '--csv <FILE>', description: 'write one line for each replay; - for stdout, instead of the table', completes: 'file' }
    ],
    examples: [
      { comment: 'Who places best on ten unlike machines?', command: 'cares simulate' },
      { comment: '100 tasks at once on five workers', command: 'cares simulate batch-gpu --strategies all --runs 10' },
      { comment: 'A real day, with a report to look at', command: 'cares simulate 200_inv.csv --peers 50 --html report.html' },
      { comment: 'Gateways without an orchestrator, and dear machines', command: 'cares simulate bursts --placers 8 --prices 4' }
    ],
    async run({ args: [trace], options, clock, signal, note, terminal }) {
      const engine = await simulator()
      const request = requestOf(trace, options, engine)
      const outputs = [
        { path: options.html, textOf: engine.html },
        { path: options.csv, textOf: engine.csv }
      ].flatMap(({ path, textOf }) => (path === undefined ? [] : [{ path, textOf }]))
      const [toStdout, another] = outputs.filter(({ path }) => path === '-')
      if (another !== undefined)
        throw new CaresError('invalid', 'stdout takes either the page or the lines', { hint: 'name a file for one of them' })
      // Found out before the minutes that a simulation may take, not after.
      for (const { path } of outputs) if (path !== '-') await writable(path, () => appendFile(path, ''))
      const report = await finished(engine.simulate(request), async ({ strategy, seed, done, total }) => {
        note(`${done + 1} of ${total}: ${strategy}, seed ${seed}`)
        // A replay does not let anything else happen: between two of them an interruption can be noticed.
        await clock.sleep(0, { signal })
      })
      for (const { path, textOf } of outputs) {
        if (path === '-') continue
        await writable(path, () => writeFile(path, textOf(report)))
        note(`wrote ${path}`)
      }
      if (toStdout !== undefined) {
        await write(terminal.stdout, toStdout.textOf(report))
        return { kind: 'written' }
      }
      return {
        kind: 'item',
        data: report,
        names: report.rows.map(row => row.strategy),
        lines: view => simulationLines(report, view)
      }
    }
  })
}

/** The flags by which members of a request are said. */
const FLAGS = { peers: '--peers', priceSpread: '--prices', load: '--load' } as const

function requestOf(trace: string | undefined, options: Options, { strategies, ignoredBy }: Simulator): SimulationRequest {
  const said = { peers: options.peers, priceSpread: options.prices, load: options.load }
  for (const member of ignoredBy(trace ?? DEFAULTS.trace)) {
    if (said[member] === undefined) continue
    const why = member === 'load' ? 'all its work is there at once' : 'it brings its own machines'
    throw new CaresError('invalid', `${FLAGS[member]} makes no difference to ${trace}: ${why}`, { hint: `leave ${FLAGS[member]} out` })
  }
  const request = {
    trace: trace ?? DEFAULTS.trace,
    strategies: options.strategies?.includes('all') === true ? strategies() : (options.strategies ?? DEFAULTS.strategies),
    peers: options.peers ?? DEFAULTS.peers,
    seed: options.seed ?? DEFAULTS.seed,
    runs: options.runs ?? DEFAULTS.runs,
    load: options.load === 'trace' ? null : (options.load ?? DEFAULTS.load),
    callsMax: options.limit ?? DEFAULTS.callsMax,
    gossipMs: options.gossip ?? DEFAULTS.gossipMs,
    gossipDelayMs: options.gossipDelay ?? DEFAULTS.gossipDelayMs,
    lossRatio: options.loss ?? DEFAULTS.lossRatio,
    placers: options.placers ?? DEFAULTS.placers,
    estimates: options.estimates ?? DEFAULTS.estimates,
    priceSpread: options.prices ?? DEFAULTS.priceSpread,
    keepAliveMs: options.keepAlive ?? DEFAULTS.keepAliveMs,
    crashesPerHour: options.crashes ?? DEFAULTS.crashesPerHour,
    outsideShare: options.outside ?? DEFAULTS.outsideShare,
    cache: options.cache ?? DEFAULTS.cache
  }
  if (request.gossipMs === 0) throw new CaresError('invalid', '--gossip must be above 0', { hint: 'write it like 1s' })
  return request
}

async function finished<Step, Value>(steps: Generator<Step, Value, undefined>, onStep: (step: Step) => Promise<void>): Promise<Value> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    await onStep(value)
  }
}

async function writable(path: string, writing: () => Promise<void>): Promise<void> {
  try {
    await writing()
  } catch (cause) {
    throw new CaresError('invalid', `${path} cannot be written: ${(cause as Error).message}`, {
      hint: 'name a file in a directory that exists',
      cause
    })
  }
}

function parseNames(text: string): readonly string[] {
  const names = text
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  if (names.length === 0) throw new CaresError('invalid', 'no strategy is named', { hint: 'write them like cost,least-loaded' })
  return [...new Set(names)]
}

function within(what: string, least: number, most: number): (text: string) => number {
  return text => {
    const count = parseCount(text)
    if (count < least || count > most) throw new CaresError('invalid', `${what} must be from ${least} to ${most}, not ${count}`)
    return count
  }
}

function parseLoad(text: string): number | 'trace' {
  if (text === 'trace') return text
  const load = parsePositive(text)
  if (load > 2)
    throw new CaresError('invalid', `not a load: ${text}`, { hint: 'write a share like 0.5, or trace for arrivals as they are' })
  return load
}

function parseShare(text: string): number {
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share < 1))
    throw new CaresError('invalid', `not a share: ${text}`, { hint: 'write it like 0.1' })
  return share
}

function parseRate(text: string): number {
  const rate = Number(text)
  if (text.trim() === '' || !(rate >= 0 && rate <= 3_600)) throw new CaresError('invalid', `not a number of crashes in an hour: ${text}`)
  return rate
}

function parsePriceSpread(text: string): number {
  const factor = parsePositive(text)
  if (factor < 1 || factor > 1_000)
    throw new CaresError('invalid', `not a factor of prices: ${text}`, { hint: 'write it like 4, at least 1' })
  return factor
}

function parseEstimates(text: string): 'learned' | number {
  if (text === 'learned') return 'learned'
  if (text === 'exact') return 0
  const noise = Number(text)
  if (text.trim() === '' || !(noise >= 0 && noise <= 3)) {
    throw new CaresError('invalid', `not a way to estimate: ${text}`, { hint: 'write learned, exact, or a noise like 0.25' })
  }
  return noise
}

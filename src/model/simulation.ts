/** What a simulation is asked for: a workload, the cluster that it runs on, and who places. */
export interface SimulationRequest {
  /** The name of a scenario, or the path of a trace. */
  readonly trace: string
  /** Names of strategies and baselines; see {@link SimulationReport} for what came of each. */
  readonly strategies: readonly string[]
  /** Machines; ignored by scenarios that bring their own. */
  readonly peers: number
  /** The first of `runs` seeds: everything that is drawn follows from the seed. */
  readonly seed: number
  /** Replays of each strategy. */
  readonly runs: number
  /** Share of the cluster's cores that the calls keep busy; arrivals are moved closer or apart until they do. Null: arrivals as they are. */
  readonly load: number | null
  /** Calls of the trace that are replayed at most. */
  readonly callsMax: number
  readonly gossipMs: number
  readonly gossipDelayMs: number
  /** Share of gossip that gets lost. */
  readonly lossRatio: number
  /** Who place at once without seeing each other. */
  readonly placers: number
  /** `learned`: by the production predictor; a number: the truth with so much noise. Null: noise of 0.25 for tasks at once, else learned. */
  readonly estimates: 'learned' | number | null
  /** The dearest peer's price of a core, as a multiple of the cheapest one's. */
  readonly priceSpread: number
  /** How long idle containers are kept, in the time of the trace: it shrinks as arrivals do. */
  readonly keepAliveMs: number
  /** Crashes of a peer in an hour. */
  readonly crashesPerHour: number
  /** Share of the functions that are work outside CARES, which asks for admission. @default 0 */
  readonly outsideShare?: number
  /**
   * Whether runs on a machine take longer for sharing its last-level cache, by needs that are drawn: `known` to placers, who then weigh it, or not
   * (`blind`). @default 'off'
   */
  readonly cache?: 'off' | 'blind' | 'known'
}

/** What is measured of a replay. */
export const METRICS = [
  {
    name: 'makespanRatio',
    title: 'makespan / bound',
    unit: '',
    better: 'less',
    says: 'time until all is done, against a time that no schedule can beat'
  },
  { name: 'makespanS', title: 'makespan', unit: 's', better: 'less', says: 'time from the first arrival to the last answer' },
  { name: 'waitMeanS', title: 'mean wait', unit: 's', better: 'less', says: 'from arrival until a worker has the call and its image' },
  {
    name: 'slowdownMean',
    title: 'slowdown, mean',
    unit: '',
    better: 'less',
    says: 'response time against a warm, idle machine of speed 1 (at least 100 ms)'
  },
  { name: 'slowdownP50', title: 'slowdown, p50', unit: '', better: 'less', says: 'half of the calls are below it' },
  { name: 'slowdownP99', title: 'slowdown, p99', unit: '', better: 'less', says: 'all but one call in a hundred are below it' },
  {
    name: 'functionSlowdownP90',
    title: 'slowdown of functions',
    unit: '',
    better: 'less',
    says: "90th percentile over functions of each one's median"
  },
  { name: 'coldShare', title: 'cold starts', unit: '%', better: 'less', says: 'share of calls for which a container was started' },
  { name: 'utilisation', title: 'utilisation', unit: '%', better: 'neither', says: 'share of the cores that was in use, mean over peers' },
  { name: 'loadDeviation', title: 'load deviation', unit: '%', better: 'less', says: 'standard deviation over peers of that share' },
  {
    name: 'starved',
    title: 'starved',
    unit: '',
    better: 'less',
    says: 'calls that waited for more than 30 s and 5 times their own run time'
  },
  {
    name: 'usd',
    title: 'cost',
    unit: 'USD',
    better: 'less',
    says: "the machines' prices for the time and the share of them that calls took"
  },
  { name: 'throughput', title: 'throughput', unit: '/s', better: 'more', says: 'answers in a second' },
  { name: 'redirects', title: 'redirects', unit: '', better: 'less', says: 'orders that the worker had no room for after all' },
  { name: 'failed', title: 'failed', unit: '', better: 'less', says: 'calls lost in crashes, or too large for every peer' },
  {
    name: 'cacheLoss',
    title: 'lost to cache',
    unit: '%',
    better: 'less',
    says: 'by what share runs took longer for sharing caches'
  },
  {
    name: 'outsideWaitS',
    title: 'wait for admission',
    unit: 's',
    better: 'less',
    says: 'of work outside CARES, from its question to its approval; mean'
  },
  {
    name: 'outsideWaitErrorS',
    title: 'promised wait, error',
    unit: 's',
    better: 'less',
    says: 'of work outside CARES that had to wait: how wrong it was told for how long; median'
  },
  {
    name: 'outsideRefused',
    title: 'refusals of admission',
    unit: '',
    better: 'less',
    says: 'to work outside CARES, those included that were followed by another question'
  },
  {
    name: 'overTarget',
    title: 'over target',
    unit: '%',
    better: 'less',
    says: 'share of the looks of admission at a machine that found more of its cores in use or promised than it aims at'
  }
] as const satisfies readonly MetricSpec[]

/** One thing that is measured. */
export interface MetricSpec {
  readonly name: string
  readonly title: string
  /** Shares are shown in `%`, and kept from 0 to 1. */
  readonly unit: '' | 's' | '%' | 'USD' | '/s'
  /** `neither`: it depends on what is asked of the cluster. At a given load, a high utilisation is only slow work. */
  readonly better: 'less' | 'more' | 'neither'
  readonly says: string
}

/** The name of one of {@link METRICS}. */
export type MetricName = (typeof METRICS)[number]['name']

/** Of fewer values the bootstrap has nothing to say: its interval is all of them. */
export const INTERVAL_SEEDS_MIN = 6

/** One metric of one strategy over all seeds. NaN: it cannot be said. */
export interface Spread {
  readonly median: number
  /** Of {@link INTERVAL_SEEDS_MIN} seeds or more a 95 % interval for the median (bootstrap), of fewer the lowest and the highest value. */
  readonly low: number
  readonly high: number
}

/** The replay that a simulation begins next. */
export interface SimulationStep {
  readonly strategy: string
  readonly seed: number
  /** Replays that are done, and all there are. */
  readonly done: number
  readonly total: number
}

/** One replay of the trace: by one strategy, from one seed. */
export interface SimulationRun {
  readonly strategy: string
  readonly seed: number
  readonly metrics: Readonly<Record<MetricName, number>>
  readonly calls: number
  readonly events: number
  readonly crashes: number
}

/** One strategy over all seeds. */
export interface SimulationRow {
  readonly strategy: string
  /** `strategy`: the scheduler's own. `baseline`: a rule of another system, to compare with. */
  readonly kind: 'strategy' | 'baseline'
  readonly metrics: Readonly<Record<MetricName, Spread>>
  /** Of the first seed: slowdowns at shares 0, 0.01 … 1 of the calls, for a plot. */
  readonly slowdownQuantiles: readonly number[]
  /** Of the first seed: cores that executions asked for over time, as a share of all, 120 samples; above 1 where they had to share. */
  readonly coresOverTime: readonly number[]
}

/** What came out of a simulation. The same request gives the same report. */
export interface SimulationReport {
  readonly request: SimulationRequest
  readonly workload: string
  readonly functions: number
  readonly calls: number
  /** How many times closer together arrivals were moved; below 1, apart. */
  readonly compression: number
  /** Virtual time in which calls arrive. */
  readonly spanS: number
  readonly peers: number
  readonly cores: number
  readonly notes: readonly string[]
  readonly rows: readonly SimulationRow[]
  readonly runs: readonly SimulationRun[]
}

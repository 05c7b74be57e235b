/** What a run is before chance has its say: data, to be printed, replayed and cut down. */
export interface Plan<Knobs, Fault> {
  readonly knobs: Knobs
  /** In order of time. */
  readonly faults: readonly Fault[]
}

/** One run to make. */
export interface Run<Knobs, Fault> {
  /** Decides everything: knobs, faults, chance. The same seed gives the same run, in any process. */
  readonly seed: number
  /** In place of some of the knobs that the seed draws. */
  readonly knobs?: Partial<Knobs> | undefined
  /** In place of the faults that the seed draws. */
  readonly faults?: readonly Fault[] | undefined
  /** Gets a readable line for each thing that happens. */
  readonly trace?: (line: string) => void
}

/** How often runs went through what they are meant to try, by corner. A suite whose counters stay at 0 proves nothing about that corner. */
export type Counters = Readonly<Record<string, number>>

/** What came of one run. */
export interface Outcome {
  readonly seed: number
  /** What went wrong, in one line; undefined when nothing did. */
  readonly violation: string | undefined
  readonly coverage: Counters
  readonly virtualMs: number
  readonly eventsCount: number
  /** Equal for equal runs. */
  readonly digest: string
}

/** Something that can be simulated seed by seed. */
export interface Subject<Knobs, Fault> {
  readonly name: string
  /** The plan that a seed draws, or what is given in place of it. */
  plan(run: Pick<Run<Knobs, Fault>, 'seed' | 'knobs' | 'faults'>): Plan<Knobs, Fault>
  simulate(run: Run<Knobs, Fault>): Outcome | Promise<Outcome>
  /** One calm thing each, to put in place of what a failing seed drew. */
  readonly calmer: readonly Partial<Knobs>[]
  /** Runs that may be spent on cutting one failure down: some seconds for what somebody will look at for an hour. */
  readonly shrinkRunsMax: number
}

/** A subject of which only seeds are asked. */
export interface AnySubject {
  readonly name: string
  simulate(run: Pick<Run<unknown, unknown>, 'seed' | 'trace'>): Outcome | Promise<Outcome>
}

/** The same subject in clusters of one size, instead of the one that each seed draws. */
export function withPeers<Knobs extends { readonly peersCount: number }, Fault>(
  subject: Subject<Knobs, Fault>,
  peersCount: number
): Subject<Knobs, Fault> {
  const sized = (knobs: Partial<Knobs> = {}): Partial<Knobs> => ({ peersCount, ...knobs })
  return {
    ...subject,
    name: `${subject.name} of ${peersCount} peers`,
    plan: run => subject.plan({ ...run, knobs: sized(run.knobs) }),
    simulate: run => subject.simulate({ ...run, knobs: sized(run.knobs) })
  }
}

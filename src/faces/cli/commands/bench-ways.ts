import type { Peer } from '../../../model/rest.ts'
import type { WaysBench } from '../../bench-ways-view.ts'
import type { CommandContext, Result } from '../command.ts'
import { CaresError } from '../../../model/errors.ts'
import { formatBytes } from '../../../model/units.ts'
import { waysBenchLines } from '../../bench-ways-view.ts'
import { withProgress } from '../progress.ts'
import { medianOf, measureRuns } from './bench-runs.ts'

/** A page of text: each size takes as many runs as there are ways, times --runs. */
const SIZES_DEFAULT = [65_536]

/** What resctrl has. */
const WAYS_MAX = 32

/** A peer hears of what was observed elsewhere within so long. */
const LEARNED_WITHIN_MS = 4_000
const LOOK_MS = 500

/** What is to be measured. */
export interface WaysWanted {
  readonly name: string
  readonly ways: 'all' | readonly number[]
  readonly runs: number
  readonly sizes: readonly number[] | undefined
  readonly bodyOf: (bytes: number) => Uint8Array
}

/** `all`, or numbers of ways. */
export function parseWays(text: string): 'all' | readonly number[] {
  if (text === 'all') return 'all'
  const ways = text.split(',').map(Number)
  if (!ways.every(each => Number.isInteger(each) && each >= 1 && each <= WAYS_MAX)) {
    throw new CaresError('invalid', `not numbers of ways: ${JSON.stringify(text)}`, { hint: `all, or e.g. 1,2,4,8; at most ${WAYS_MAX}` })
  }
  return [...new Set(ways)]
}

/**
 * Runs a function with more and fewer ways of the last-level cache, on a peer that can confine it, and shows what the cluster has learned of its
 * need. The runs are slower than ordinary ones and are not taken for such.
 */
export async function benchWays(
  context: CommandContext<{ on?: string }>,
  { name, ways, runs, sizes, bodyOf }: WaysWanted
): Promise<Result> {
  const { client, terminal, output, clock, signal, options } = context
  const { id, llc, name: peer } = enforcing((await client.peers({ signal })).items, options.on)
  const tried = ways === 'all' ? halvings(llc.ways) : ways.toSorted((a, b) => b - a)
  if (Math.max(...tried) > llc.ways) throw new CaresError('invalid', `the cache of ${peer} has ${llc.ways} ways`)
  const points: WaysBench['points'][number][] = []
  for (const inputBytes of (sizes ?? SIZES_DEFAULT).toSorted((a, b) => a - b)) {
    for (const each of tried) {
      const measure = (): ReturnType<typeof measureRuns> =>
        measureRuns(context, { name, body: bodyOf(inputBytes), runs, on: id, ways: each })
      const label = `${name} with ${formatBytes(inputBytes)} and ${each} ways`
      const { runsMs, llcBytes = 0, failure } = await withProgress(label, { terminal, output, clock }, measure)
      // A curve over the ways needs each of them.
      if (failure !== undefined) throw failure
      points.push({ inputBytes, ways: each, llcBytes, runsMs, medianMs: medianOf(runsMs) })
    }
  }
  const needs: WaysBench['needs'][number][] = []
  const untilMs = clock.nowMs() + LEARNED_WITHIN_MS
  let revision = 0
  for (const inputBytes of new Set(points.map(point => point.inputBytes))) {
    let quote = await client.quote(name, { inputBytes, signal })
    while (quote.cache?.basis !== 'ways' && clock.nowMs() < untilMs) {
      await clock.sleep(LOOK_MS, { signal })
      quote = await client.quote(name, { inputBytes, signal })
    }
    revision = quote.revision
    needs.push({ inputBytes, cache: quote.cache ?? null })
  }
  const result: WaysBench = { function: name, revision, peer, points, needs }
  return { kind: 'item', data: result, names: [name], lines: view => waysBenchLines(result, view) }
}

/** The peer that was asked for, or any, if it can confine functions to ways. Throws `no_capacity` with what the peers can do instead, and why. */
function enforcing(peers: readonly Peer[], on: string | undefined): Peer & { llc: NonNullable<Peer['llc']> } {
  const asked = on === undefined ? peers : peers.filter(({ id, name }) => id === on || name === on)
  if (asked.length === 0) throw new CaresError('not_found', `there is no peer ${on}`, { hint: 'see: cares peers' })
  const found = asked.find(({ llc, state }) => state === 'alive' && llc?.mode === 'enforced')
  if (found?.llc != null) return { ...found, llc: found.llc }
  const reasons = asked.map(({ name, llc }) => `${name}: ${llc == null ? 'runs no functions' : `${llc.mode}, ${llc.why}`}`)
  throw new CaresError(
    'no_capacity',
    `${on ?? 'no peer'} can${on === undefined ? '' : 'not'} confine a function to some ways of its cache: ${reasons.join('; ')}`,
    {
      hint: 'that takes a machine whose processor and kernel have resctrl; what can be learned without it is: cares bench NAME'
    }
  )
}

function halvings(most: number): readonly number[] {
  const ways = [most]
  for (let each = 2 ** Math.floor(Math.log2(most)); each >= 1; each /= 2) if (each !== most) ways.push(each)
  return ways
}

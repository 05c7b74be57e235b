import type { Quote } from '../../../model/rest-quote.ts'
import type { Bench, BenchPoint } from '../../bench-view.ts'
import type { CommandContext } from '../command.ts'
import { readFile } from 'node:fs/promises'
import { CaresError } from '../../../model/errors.ts'
import { formatBytes, parseBytes } from '../../../model/units.ts'
import { benchLines } from '../../bench-view.ts'
import { defineCommand } from '../command.ts'
import { parseCount } from '../flags.ts'
import { PARAMS_FLAG } from '../policy-flags.ts'
import { withProgress } from '../progress.ts'
import { medianOf, measureRuns } from './bench-runs.ts'
import { benchWays, parseWays } from './bench-ways.ts'

/** From a line of text to a photo, four times as large each time: a power of the size shows as a straight line. */
const SIZES_DEFAULT = [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576]
const SIZES_MAX = 32
const SIZE_BYTES_MAX = 256 * 2 ** 20
/** A median of five hides two odd runs. */
const RUNS_DEFAULT = 5
const RUNS_MAX = 100
/** A peer hears of what was observed elsewhere within so long. */
const LEARNED_WITHIN_MS = 4_000
const LOOK_MS = 500
/** One size as it was measured; without runs where none came to its end, and why. */
type Measured = Omit<BenchPoint, 'predictedMs' | 'upperMs'>

interface BenchOptions {
  sizes?: readonly number[]
  ways?: 'all' | readonly number[]
  runs?: number
  data?: string
  params?: string
  on?: string
}

export const bench = defineCommand<BenchOptions>({
  args: [{ name: 'NAME', description: 'the function', completes: 'function' }],
  options: [
    {
      flags: '--sizes <SIZES>',
      description: 'sizes of input, e.g. 1Ki,64Ki,1Mi',
      defaultText: '1Ki to 1Mi in six steps',
      parse: parseSizes
    },
    { flags: '--runs <N>', description: 'runs with each size, after one that may be a cold start', defaultText: '5', parse: parseCount },
    {
      flags: '-d, --data <@FILE>',
      description: 'input that is repeated or cut to each size',
      defaultText: 'lines of text',
      completes: 'file'
    },
    {
      flags: '--ways <WAYS>',
      description: 'how it takes to have few ways of the last-level cache: all, or e.g. 1,2,4,8; on a peer that can confine it',
      defaultText: 'none, all of the cache',
      parse: parseWays
    },
    { flags: '--on <PEER>', description: 'only this peer may run it', completes: 'peer' },
    PARAMS_FLAG
  ],
  description:
    'The runs are real calls: they are paid for, and the cluster learns from them as from any other. What is refused for now is put again for some seconds; a size that fails even so is reported as missing.',
  examples: [
    { comment: 'How the run time grows with the input, and what the cluster makes of it', command: 'cares bench thumb' },
    { comment: 'With larger inputs made of a file, on one peer', command: 'cares bench thumb --sizes 1Mi,4Mi,16Mi -d @cat.jpg --on elm' },
    { comment: 'How much of the last-level cache it needs', command: 'cares bench thumb --ways all --sizes 64Ki,1Mi' },
    { comment: 'For a program', command: 'cares bench thumb --runs 20 --json' }
  ],
  async run(context) {
    const {
      args: [name = ''],
      options,
      client,
      terminal,
      output,
      clock,
      signal
    } = context
    const sizes = (options.sizes ?? SIZES_DEFAULT).toSorted((a, b) => a - b)
    const runs = options.runs ?? RUNS_DEFAULT
    if (runs < 1 || runs > RUNS_MAX) throw new CaresError('invalid', `--runs must be 1 to ${RUNS_MAX}`)
    const pattern = await readPattern(options.data)
    const { ways } = options
    if (ways !== undefined) {
      return await benchWays(context, { name, ways, runs, sizes: options.sizes, bodyOf: bytes => bodyOf(pattern, bytes) })
    }
    const before = await client.quote(name, { signal })
    const measured: Measured[] = []
    let firstFailure: CaresError | undefined
    for (const inputBytes of sizes) {
      const measure = (): ReturnType<typeof measureRuns> =>
        measureRuns(context, { name, body: bodyOf(pattern, inputBytes), runs, on: options.on, params: options.params })
      const { runsMs, memoryPeakBytes, failure } = await withProgress(
        `${name} with ${formatBytes(inputBytes)}`,
        { terminal, output, clock },
        measure
      )
      firstFailure ??= failure
      const missing = failure === undefined ? {} : { missing: `${failure.code}: ${failure.message}` }
      measured.push({ inputBytes, runsMs, medianMs: runsMs.length === 0 ? null : medianOf(runsMs), memoryPeakBytes, ...missing })
    }
    if (firstFailure !== undefined && measured.every(({ runsMs }) => runsMs.length === 0)) throw firstFailure
    const learned = await afterLearning(context, name, before)
    const points: BenchPoint[] = []
    for (const point of measured)
      points.push({ ...point, ...prediction(await client.quote(name, { inputBytes: point.inputBytes, params: options.params, signal })) })
    const { revision, sure } = learned
    const result: Bench = { function: name, revision, basis: sure.basis ?? 'prior', samples: sure.samples, points }
    return { kind: 'item', data: result, names: [name], lines: view => benchLines(result, view) }
  }
})

/** What the cluster makes of it once this peer knows of the runs: at most so much later. */
async function afterLearning({ client, clock, signal }: CommandContext<unknown>, name: string, before: Quote): Promise<Quote> {
  const untilMs = clock.nowMs() + LEARNED_WITHIN_MS
  let now = await client.quote(name, { signal })
  while (now.sure.samples === before.sure.samples && clock.nowMs() < untilMs) {
    await clock.sleep(LOOK_MS, { signal })
    now = await client.quote(name, { signal })
  }
  return now
}

function prediction({ candidates, run }: Quote): Pick<BenchPoint, 'predictedMs' | 'upperMs'> {
  const chosen = candidates.find(candidate => candidate.chosen)?.cost
  if (chosen === undefined) return { predictedMs: null, upperMs: null }
  // What is measured beside programs that use the same cores has that delay in it.
  const predictedMs = chosen.run + chosen.queue
  return { predictedMs, upperMs: run.ms > 0 ? (predictedMs * run.upperMs) / run.ms : predictedMs }
}

function parseSizes(text: string): readonly number[] {
  const sizes = text.split(',').map(part => parseBytes(part))
  if (sizes.length > SIZES_MAX) throw new CaresError('invalid', `at most ${SIZES_MAX} sizes`)
  const large = sizes.find(size => size > SIZE_BYTES_MAX)
  if (large !== undefined) throw new CaresError('invalid', `inputs of at most ${formatBytes(SIZE_BYTES_MAX)}`)
  return [...new Set(sizes)]
}

/** What inputs are made of. */
async function readPattern(data: string | undefined): Promise<Buffer> {
  if (data === undefined) return Buffer.from('the quick brown fox jumps over the lazy dog\n')
  const bytes = data.startsWith('@')
    ? await readFile(data.slice(1)).catch((cause: unknown) => {
        throw new CaresError('invalid', `cannot read ${data.slice(1)}: ${(cause as Error).message}`, { cause })
      })
    : Buffer.from(data)
  if (bytes.length === 0) throw new CaresError('invalid', 'inputs cannot be made of nothing')
  return bytes
}

function bodyOf(pattern: Buffer, bytes: number): Uint8Array {
  return Buffer.alloc(bytes, pattern)
}

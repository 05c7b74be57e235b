import type { Quote } from '../../../model/rest-quote.ts'
import type { Bench, BenchPoint } from '../../bench-view.ts'
import type { CommandContext } from '../command.ts'
import { readFile } from 'node:fs/promises'
import { CaresError } from '../../../model/errors.ts'
import { formatBytes, parseBytes } from '../../../model/units.ts'
import { benchLines } from '../../bench-view.ts'
import { defineCommand } from '../command.ts'
import { parseCount } from '../flags.ts'
import { withProgress } from '../progress.ts'

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

interface BenchOptions {
  sizes?: readonly number[]
  runs?: number
  data?: string
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
    { flags: '--on <PEER>', description: 'only this peer may run it', completes: 'peer' }
  ],
  description: 'The runs are real calls: they are paid for, and the cluster learns from them as from any other.',
  examples: [
    { comment: 'How the run time grows with the input, and what the cluster makes of it', command: 'cares bench thumb' },
    { comment: 'With larger inputs made of a file, on one peer', command: 'cares bench thumb --sizes 1Mi,4Mi,16Mi -d @cat.jpg --on elm' },
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
    const before = await client.quote(name, { signal })
    const measured: Omit<BenchPoint, 'predictedMs' | 'upperMs'>[] = []
    for (const inputBytes of sizes) {
      const measure = (): ReturnType<typeof measureSize> => measureSize(context, { name, body: bodyOf(pattern, inputBytes), runs })
      measured.push(await withProgress(`${name} with ${formatBytes(inputBytes)}`, { terminal, output, clock }, measure))
    }
    const learned = await afterLearning(context, name, before)
    const points: BenchPoint[] = []
    for (const point of measured)
      points.push({ ...point, ...prediction(await client.quote(name, { inputBytes: point.inputBytes, signal })) })
    const { revision, sure } = learned
    const result: Bench = { function: name, revision, basis: sure.basis ?? 'prior', samples: sure.samples, points }
    return { kind: 'item', data: result, names: [name], lines: view => benchLines(result, view) }
  }
})

async function measureSize(
  { client, options, signal }: CommandContext<BenchOptions>,
  { name, body, runs }: { name: string; body: Uint8Array; runs: number }
): Promise<Omit<BenchPoint, 'predictedMs' | 'upperMs'>> {
  const runsMs: number[] = []
  let coldMs: number | undefined
  let memoryPeakBytes: number | null = null
  // One more, as the first may start a container; but never more than that, where every start is a cold one.
  for (let run = 0; run <= runs && runsMs.length < runs; run++) {
    const headers = [['content-type', 'text/plain'] as const, ...(options.on === undefined ? [] : [['x-cares-on', options.on] as const])]
    const answer = await client.invoke(name, { method: 'POST', path: '/', headers, body }, { signal })
    if (answer.status >= 400) throw await client.failure(answer, { signal })
    // Read to its end, or the run would be cut short.
    for await (const _ of answer.body) signal.throwIfAborted()
    const id = answer.headers.get('x-cares-invocation') ?? ''
    const { usage, start } = await client.invocation(id, { waitMs: 1_000, signal })
    if (usage === null) throw new CaresError('protocol', `the peer does not say what ${id} took`)
    memoryPeakBytes = usage.memoryPeakBytes === undefined ? memoryPeakBytes : Math.max(memoryPeakBytes ?? 0, usage.memoryPeakBytes)
    if (start === 'cold' && run === 0) coldMs = usage.runMs
    else runsMs.push(usage.runMs)
  }
  if (runsMs.length === 0 && coldMs !== undefined) runsMs.push(coldMs)
  return { inputBytes: body.length, runsMs, medianMs: median(runsMs), memoryPeakBytes }
}

/** What the cluster makes of it once this peer knows of the runs: at most so much later. */
async function afterLearning({ client, clock, signal }: CommandContext<BenchOptions>, name: string, before: Quote): Promise<Quote> {
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
  return { predictedMs: chosen.run, upperMs: run.ms > 0 ? (chosen.run * run.upperMs) / run.ms : chosen.run }
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

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

import { CaresError } from '../../model/errors.ts'
import { createRandom, type Random } from '../../model/random.ts'
import type { CsvFile, CsvRow } from './csv.ts'
import { drawnFunction, type Workload, WorkloadBuilder } from './workload.ts'

const MINUTE_MS = 60_000

/** Runs are cut to this: the few that last longer than a compressed replay would distort every mean. */
const RUN_MS_MAX = 30_000

const SHARES = [0, 1, 25, 50, 75, 99, 100] as const
const MEMORY_COLUMN = 'AverageAllocatedMb_pct99'

/** The three tables that the sample of one day consists of. */
export interface Azure2019Files {
  /** Invocations in each of 1,440 minutes. */
  readonly invocations: CsvFile
  /** Percentiles of run times. */
  readonly durations: CsvFile
  /** Memory of each application; absent: 256 MiB for all. */
  readonly memory: CsvFile | undefined
}

/**
 * One day of Azure Functions 2019 (Shahrad et al., ATC'20), as single calls: uniformly spread inside their minute, run times drawn from the
 * piecewise linear inverse of the seven percentiles and cut at {@link RUN_MS_MAX}.
 */
export function readAzure2019({ invocations, durations, memory }: Azure2019Files, seed: number): Workload {
  const builder = new WorkloadBuilder('azure-2019')
  const random = createRandom(seed)
  const runs = new Map(durations.rows.map(row => [row.text('HashFunction'), row]))
  const sizes = new Map(memory?.rows.map(row => [row.text('HashApp'), row.number(MEMORY_COLUMN) * 2 ** 20]))
  const firstMinute = invocations.columns.findIndex(column => /^(minute_)?1$/.test(column))
  if (firstMinute < 0) throw new CaresError('invalid', `${invocations.name} has no column minute_1`)
  let cut = 0
  let once = 0
  for (const row of invocations.rows) {
    const id = row.text('HashFunction')
    const duration = runs.get(id)
    if (duration === undefined) {
      throw new CaresError('invalid', `${durations.name} has no row for function ${id.slice(0, 12)}…`, {
        hint: 'the files of a sample belong together: 200_inv.csv, 200_run.csv, 200_mem.csv'
      })
    }
    // An application's memory is what its functions share; asking for all of it for each errs on the safe side.
    const memoryBytes = sizes.get(row.text('HashApp')) ?? 256 * 2 ** 20
    const index = builder.functionIndex(id, name => drawnFunction(name.slice(0, 12), random, { memoryBytes }))
    const sample = runTimes(duration)
    const before = builder.count
    for (const [minute, count] of row.cells.slice(firstMinute).entries()) {
      for (let i = 0; i < Number(count); i++) {
        const runMs = sample(random)
        if (runMs > RUN_MS_MAX) cut++
        builder.add(index, (minute + random()) * MINUTE_MS, Math.min(RUN_MS_MAX, runMs))
      }
    }
    if (builder.count === before + 1) once++
  }
  return builder.build([
    'calls are spread evenly inside their minute; run times are drawn from the published percentiles, which understate the tail',
    `${cut} of ${builder.count} run times were cut to ${RUN_MS_MAX / 1_000} s`,
    `${once} functions are called once and so are always cold`,
    'images (50 to 800 MB) and cold starts (0.45 to 2.4 s) are drawn; each call asks for one core and the memory of its application'
  ])
}

/** The inverse of a distribution that is known by its percentiles. */
function runTimes(row: CsvRow): (random: Random) => number {
  const known = SHARES.map(share => row.number(`percentile_Average_${share}`))
  return random => {
    const share = random() * 100
    const upper = Math.max(
      1,
      SHARES.findIndex(each => each >= share)
    )
    const [from, to] = [SHARES[upper - 1] ?? 0, SHARES[upper] ?? 100]
    const [low, high] = [known[upper - 1] ?? 0, known[upper] ?? 0]
    return low + ((high - low) * (share - from)) / (to - from)
  }
}

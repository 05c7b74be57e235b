import { CaresError } from '../../model/errors.ts'
import { createRandom } from '../../model/random.ts'
import type { CsvFile, CsvRow } from './csv.ts'
import { drawnFunction, type Workload, WorkloadBuilder } from './workload.ts'

const MIB = 2 ** 20

/** Azure Functions 2021 (Zhang et al., SOSP'21): one row for each call, with its end and its duration in seconds. */
export function readAzure2021(file: CsvFile, seed: number): Workload {
  const builder = new WorkloadBuilder('azure-2021')
  const random = createRandom(seed)
  const earliestS = file.rows.reduce((least, row) => Math.min(least, arrivalS(row)), 0)
  for (const row of file.rows) {
    const index = builder.functionIndex(row.text('func'), name => drawnFunction(name.slice(0, 12), random))
    builder.add(index, (arrivalS(row) - earliestS) * 1_000, row.number('duration') * 1_000)
  }
  return builder.build(['images and cold starts are drawn; each call asks for one core and 256 MiB'])
}

function arrivalS(row: CsvFile['rows'][number]): number {
  return row.number('end_timestamp') - row.number('duration')
}

/** Run time of a request to a language model: a fixed part, and a part for each token in and out. */
const LLM_FIXED_MS = 50
const LLM_PER_CONTEXT_TOKEN_MS = 0.2
const LLM_PER_GENERATED_TOKEN_MS = 20

/** Characters of a token, for the size of the input. */
const BYTES_PER_TOKEN = 4

/** Requests to one code-completion model (Azure LLM inference 2023; Patel et al., ISCA'24): real arrivals and sizes, run times by a cost model. */
export function readAzureLlm(file: CsvFile, seed: number): Workload {
  const builder = new WorkloadBuilder('azure-llm')
  const random = createRandom(seed)
  const index = builder.functionIndex('complete', name => drawnFunction(name, random, { cpus: 2, memoryBytes: 2_048 * MIB }))
  const times = file.rows.map(row => {
    // Digits beyond the milliseconds are more than a date can read.
    const ms = Date.parse(`${row.text('TIMESTAMP').slice(0, 23).replace(' ', 'T')}Z`)
    if (Number.isNaN(ms)) throw new CaresError('invalid', `${file.name}: not a time: ${JSON.stringify(row.text('TIMESTAMP'))}`)
    return ms
  })
  const firstMs = times.reduce((least, ms) => Math.min(least, ms), Number.POSITIVE_INFINITY)
  for (const [i, row] of file.rows.entries()) {
    const context = row.number('ContextTokens')
    const runMs = LLM_FIXED_MS + LLM_PER_CONTEXT_TOKEN_MS * context + LLM_PER_GENERATED_TOKEN_MS * row.number('GeneratedTokens')
    builder.add(index, (times[i] ?? firstMs) - firstMs, runMs, context * BYTES_PER_TOKEN)
  }
  return builder.build([
    `run times are not in the trace: ${LLM_FIXED_MS} ms + ${LLM_PER_CONTEXT_TOKEN_MS} ms for each token of context + ` +
      `${LLM_PER_GENERATED_TOKEN_MS} ms for each that is generated; the output's length is not known to the predictor`
  ])
}

/** Instances of one task that are replayed: the largest has 36,326, and would be a trace of its own. */
const INSTANCES_MAX = 20

/** Of the machines that the memory column is a share of. */
const ALIBABA_MEMORY_BYTES = 64 * 1_024 * MIB

/** Batch tasks of the Alibaba cluster trace, as CloudSimPy publishes them: bursts of equal instances. A job's tasks are one function. */
export function readAlibabaBatch(file: CsvFile): Workload {
  const builder = new WorkloadBuilder('alibaba-batch')
  let dropped = 0
  for (const row of file.rows) {
    const [cpus, share] = [row.number('cpu'), row.number('memory')]
    const memoryBytes = Math.max(16 * MIB, Math.round(share * ALIBABA_MEMORY_BYTES))
    const index = builder.functionIndex(`${row.text('job_id')}-${row.text('task_id')}`, name => ({
      name: `task-${name}`,
      contract: 'stdio',
      cpus,
      memoryBytes,
      imageBytes: 0,
      coldStartMs: 200,
      gpus: 0
    }))
    const instances = row.number('instances_num', 1)
    dropped += Math.max(0, instances - INSTANCES_MAX)
    for (let i = 0; i < Math.min(INSTANCES_MAX, instances); i++) {
      builder.add(index, row.number('submit_time') * 1_000, row.number('duration') * 1_000)
    }
  }
  return builder.build([
    `of each task at most ${INSTANCES_MAX} instances are replayed; ${dropped} were left out`,
    `memory is a share of a machine of ${ALIBABA_MEMORY_BYTES / 2 ** 30} GiB; images are there already`
  ])
}

/** What a container asks for belongs to its function: it cannot be another with each call. */
function refuseOther(column: string, row: CsvRow, first: CsvRow): void {
  const [now, before] = [row.number(column), first.number(column)]
  if (now === before) return
  throw new CaresError('invalid', `${row.where}: ${column} of ${row.text('function')} is ${now}, and was ${before} at ${first.where}`, {
    hint: 'all calls of a function ask for the same: give those that differ another name'
  })
}

/**
 * The plain format, for traces of one's own: `arrival_s,function,duration_s`, and, if there are such columns, `input_bytes`, `cpus` and
 * `memory_mb`.
 */
export function readPlain(file: CsvFile, seed: number): Workload {
  const builder = new WorkloadBuilder('trace')
  const random = createRandom(seed)
  const has = (column: string): boolean => file.columns.includes(column)
  const asked = (['cpus', 'memory_mb'] as const).filter(has)
  const firstRows = new Map<string, CsvRow>()
  for (const row of file.rows) {
    const first = firstRows.get(row.text('function'))
    if (first === undefined) firstRows.set(row.text('function'), row)
    else for (const column of asked) refuseOther(column, row, first)
    const index = builder.functionIndex(row.text('function'), name =>
      drawnFunction(name, random, {
        ...(has('cpus') ? { cpus: row.number('cpus', 0.001) } : {}),
        ...(has('memory_mb') ? { memoryBytes: row.number('memory_mb', 1) * MIB } : {})
      })
    )
    builder.add(
      index,
      row.number('arrival_s') * 1_000,
      row.number('duration_s') * 1_000,
      has('input_bytes') ? row.number('input_bytes') : 0
    )
  }
  return builder.build(['images and cold starts are drawn'])
}

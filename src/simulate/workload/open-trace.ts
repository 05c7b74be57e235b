import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { closest } from '../../model/closest.ts'
import { CaresError } from '../../model/errors.ts'
import { BATCH_FLEET, type MachineSpec } from '../replay/fleet.ts'
import { readAzure2019 } from './azure-2019.ts'
import { readAlibabaBatch, readAzure2021, readAzureLlm, readPlain } from './call-lists.ts'
import { type CsvFile, headings, parseCsv } from './csv.ts'
import { batchTasks, burstyCalls, CPU_BOUND_MIX, GPU_BOUND_MIX, steadyCalls } from './generated.ts'
import type { Workload } from './workload.ts'

/** Where a workload comes from, and the machines that belong to it if it brings its own. */
export interface TraceSource {
  /** The calls; all that the source leaves open is drawn with the seed. */
  readonly workload: (seed: number) => Workload
  readonly fleet?: readonly MachineSpec[]
  /** All is there at once, so there is no load to aim at. */
  readonly isBatch: boolean
}

/** Scenarios that are generated, by name, with what they are. */
export const SCENARIOS: Readonly<Record<string, { readonly says: string; readonly source: TraceSource }>> = {
  steady: { says: '40 functions, called at random moments', source: { workload: steadyCalls, isBatch: false } },
  bursts: { says: 'the same, in bursts of eight times the rate', source: { workload: burstyCalls, isBatch: false } },
  'batch-gpu': {
    says: '100 tasks at once on 5 workers; graphics processors are scarce',
    source: { workload: seed => batchTasks('batch-gpu', GPU_BOUND_MIX, seed), fleet: BATCH_FLEET, isBatch: true }
  },
  'batch-cpu': {
    says: '100 tasks at once on 5 workers; cores are scarce',
    source: { workload: seed => batchTasks('batch-cpu', CPU_BOUND_MIX, seed), fleet: BATCH_FLEET, isBatch: true }
  }
}

/** What of a request makes no difference to a scenario: its machines are its own, or all is there at once. */
export function ignoredBy(trace: string): readonly ('peers' | 'priceSpread' | 'load')[] {
  const source = SCENARIOS[trace]?.source
  return [
    ...(source?.fleet === undefined ? [] : (['peers', 'priceSpread'] as const)),
    ...(source?.isBatch === true ? (['load'] as const) : [])
  ]
}

/** Larger files are refused rather than read into memory. */
const FILE_BYTES_MAX = 256 * 2 ** 20

interface Format {
  readonly name: string
  /** Columns that tell it from the others. */
  readonly columns: readonly string[]
  readonly read: (file: CsvFile, path: string) => (seed: number) => Workload
}

const FORMATS: readonly Format[] = [
  { name: 'Azure Functions 2019', columns: ['HashFunction', 'HashApp', 'minute_1'], read: withAzure2019Siblings },
  { name: 'Azure Functions 2021', columns: ['func', 'end_timestamp', 'duration'], read: file => seed => readAzure2021(file, seed) },
  {
    name: 'Azure LLM inference',
    columns: ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'],
    read: file => seed => readAzureLlm(file, seed)
  },
  { name: 'Alibaba batch', columns: ['submit_time', 'duration', 'instances_num'], read: file => () => readAlibabaBatch(file) },
  { name: 'plain', columns: ['arrival_s', 'function', 'duration_s'], read: file => seed => readPlain(file, seed) }
]

/** Opens a scenario by its name, or a trace by its path; a trace's format is told by its headings. Throws `not_found`, `invalid` or `too_large`. */
export function openTrace(trace: string): TraceSource {
  const scenario = SCENARIOS[trace]
  if (scenario !== undefined) return scenario.source
  const path = fileIn(trace)
  const text = readText(path)
  const columns = headings(text)
  const format = FORMATS.find(each => each.columns.every(column => columns.includes(column)))
  if (format === undefined) {
    throw new CaresError(
      'invalid',
      `${basename(path)} is no trace that CARES can read; its columns are ${columns.slice(0, 6).join(', ')}`,
      {
        hint: 'name a file of Azure Functions 2019 (…_inv.csv) or 2021, Azure LLM or Alibaba batch, or one with arrival_s,function,duration_s'
      }
    )
  }
  return { workload: format.read(parseCsv(text, basename(path)), path), isBatch: false }
}

/** The file itself, or of a directory the one that is a trace. */
function fileIn(trace: string): string {
  const status = statSync(trace, { throwIfNoEntry: false })
  if (status === undefined) {
    const near = closest(trace, Object.keys(SCENARIOS))
    throw new CaresError('not_found', `there is no scenario and no file ${trace}`, {
      hint: near === undefined ? `scenarios are ${Object.keys(SCENARIOS).join(', ')}` : `cares simulate ${near}   (closest name)`
    })
  }
  if (status.isFile()) return trace
  const names = readdirSync(trace).filter(name => name.endsWith('.csv'))
  const invocations = names.filter(name => name.endsWith('_inv.csv'))
  const [only, ...others] = invocations.length > 0 ? invocations : names
  if (only !== undefined && others.length === 0) return join(trace, only)
  throw new CaresError('invalid', `${trace} is a directory with ${names.length} CSV files`, {
    hint: names.length === 0 ? 'name the file of a trace' : `name one of them: ${names.slice(0, 4).join(', ')}`
  })
}

function readText(path: string): string {
  const { size } = statSync(path)
  if (size > FILE_BYTES_MAX) {
    throw new CaresError('too_large', `${path} has ${Math.round(size / 2 ** 20)} MiB; at most ${FILE_BYTES_MAX / 2 ** 20} are read`, {
      hint: 'cut a part of it: head -n 100000 TRACE.csv >part.csv'
    })
  }
  return readFileSync(path, 'utf8')
}

function readCsv(path: string): CsvFile {
  return parseCsv(readText(path), basename(path))
}

/** `200_inv.csv` is one of three: the others stand beside it. */
function withAzure2019Siblings(invocations: CsvFile, path: string): (seed: number) => Workload {
  const sibling = (part: string): string => join(dirname(path), basename(path).replace(/inv(?=\.csv$)/, part))
  const [durationsPath, memoryPath] = [sibling('run'), sibling('mem')]
  if (durationsPath === path || statSync(durationsPath, { throwIfNoEntry: false }) === undefined) {
    throw new CaresError('not_found', `beside ${invocations.name} there must be ${basename(durationsPath)}, with the run times`, {
      hint: 'keep the files of a sample together: 200_inv.csv, 200_run.csv, 200_mem.csv'
    })
  }
  const durations = readCsv(durationsPath)
  const memory = statSync(memoryPath, { throwIfNoEntry: false }) === undefined ? undefined : readCsv(memoryPath)
  return seed => readAzure2019({ invocations, durations, memory }, seed)
}

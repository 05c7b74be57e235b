import assert from 'node:assert/strict'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CaresError, type ErrorCode } from '../../../src/model/errors.ts'
import { openTrace, SCENARIOS } from '../../../src/simulate/workload/open-trace.ts'
import { compressed, spanMs, type Workload, workMs } from '../../../src/simulate/workload/workload.ts'

/** The calls of a trace in a file of this name, beside the others. */
function read(files: Readonly<Record<string, string>>, name: string, seed = 1): Workload {
  using directory = mkdtempDisposableSync(join(tmpdir(), 'cares-trace-'))
  for (const [each, text] of Object.entries(files)) writeFileSync(join(directory.path, each), text)
  return openTrace(join(directory.path, name)).workload(seed)
}

const fails = (code: ErrorCode, message: RegExp) => (error: unknown) =>
  error instanceof CaresError && error.code === code && message.test(error.message) && error.hint !== ''

const AZURE_2019 = {
  's_inv.csv': 'HashFunction,HashOwner,HashApp,minute_1,minute_2\nf1,o,a,2,0\nf2,o,a,0,1\n',
  's_run.csv':
    'HashOwner,HashApp,HashFunction,percentile_Average_0,percentile_Average_1,percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,percentile_Average_100\n' +
    'o,a,f1,100,100,100,100,100,100,100\no,a,f2,50000,50000,50000,50000,50000,50000,50000\n',
  's_mem.csv': 'HashApp,AverageAllocatedMb_pct99\na,200\n'
}

describe('traces', () => {
  it('reads a day of Azure Functions 2019: calls inside their minutes, run times by percentiles, long ones cut', () => {
    const { functions, functionOf, arrivalMs, runMs, notes } = read(AZURE_2019, 's_inv.csv')
    assert.deepEqual([...functionOf], [0, 0, 1])
    assert.deepEqual([...runMs], [100, 100, 30_000])
    assert.ok((arrivalMs[1] ?? 0) < 60_000 && (arrivalMs[2] ?? 0) < 120_000)
    assert.equal(functions[0]?.memoryBytes, 200 * 2 ** 20)
    assert.ok(notes.some(note => note.startsWith('1 of 3 run times were cut')))
  })

  it('finds the files of a sample by its directory, and draws alike for one seed', () => {
    assert.deepEqual(read(AZURE_2019, '.', 5), read(AZURE_2019, 's_inv.csv', 5))
    assert.notDeepEqual(read(AZURE_2019, '.', 5).arrivalMs, read(AZURE_2019, '.', 6).arrivalMs)
  })

  it('reads Azure Functions 2021: the arrival is the end without the duration', () => {
    const { arrivalMs, runMs } = read({ 't.csv': 'app,func,end_timestamp,duration\na,f,10.5,0.5\na,g,9,4\n' }, 't.csv')
    assert.deepEqual([...arrivalMs], [0, 5_000])
    assert.deepEqual([...runMs], [4_000, 500])
  })

  it('reads requests to a language model: times of day, and run times by tokens', () => {
    const text = 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,1000,10\n2023-11-16 18:17:04.4799600,2000,0\n'
    const { arrivalMs, runMs, inputBytes } = read({ 't.csv': text }, 't.csv')
    assert.deepEqual([...arrivalMs], [0, 500])
    assert.deepEqual([...runMs], [450, 450])
    assert.deepEqual([...inputBytes], [4_000, 8_000])
  })

  it('reads batches of Alibaba: instances up to a limit, memory as a share', () => {
    const text = ',submit_time,duration,cpu,memory,job_id,task_id,instances_num,disk\n0,9,2.5,0.5,0.25,1,2,30,0\n1,5,1,1,0.5,1,3,1,0\n'
    const { functions, arrivalMs, notes } = read({ 'jobs.csv': text }, 'jobs.csv')
    assert.equal(arrivalMs.length, 21)
    assert.equal(functions[0]?.memoryBytes, 16 * 2 ** 30)
    assert.ok(notes.some(note => note.includes('10 were left out')))
  })

  it("reads a trace of one's own", () => {
    const { functions, arrivalMs, inputBytes } = read(
      { 't.csv': 'arrival_s,function,duration_s,input_bytes,cpus,memory_mb\r\n2,f,1,10,0.5,64\r\n1,g,1,20,2,128\r\n' },
      't.csv'
    )
    assert.deepEqual([...arrivalMs], [0, 1_000])
    assert.deepEqual([...inputBytes], [20, 10])
    assert.deepEqual(
      functions.map(({ cpus }) => cpus),
      [0.5, 2]
    )
  })

  it('reads cells in quotes, with commas, quotes and ends of lines in them', () => {
    const text = '\uFEFF"arrival_s","function",duration_s\r\n"1","a,b",2\r\n2,"say ""hi""\r\ntwice",3\r\n\r\n3,"a,b",""\r\n'
    assert.throws(() => read({ 't.csv': text }, 't.csv'), fails('invalid', /^t\.csv:6: duration_s must be a number/))
    const { functions, functionOf, runMs } = read({ 't.csv': text.replace(',""\r\n', ',"4"') }, 't.csv')
    assert.deepEqual(
      functions.map(({ name }) => name),
      ['a,b', 'say "hi"\r\ntwice']
    )
    assert.deepEqual([...functionOf], [0, 1, 0])
    assert.deepEqual([...runMs], [2_000, 3_000, 4_000])
  })

  const broken: readonly (readonly [
    claim: string,
    files: Readonly<Record<string, string>>,
    name: string,
    code: ErrorCode,
    message: RegExp
  ])[] = [
    [
      'a file of another kind',
      { 't.csv': 'root:x:0:0\na,b,c\n' },
      't.csv',
      'invalid',
      /no trace that CARES can read; its columns are root:x:0:0/
    ],
    ['no calls', { 't.csv': 'arrival_s,function,duration_s\n' }, 't.csv', 'invalid', /no calls/],
    ['a cell too few', { 't.csv': 'arrival_s,function,duration_s\n1,f\n' }, 't.csv', 'invalid', /t\.csv:2 has 2 cells/],
    [
      'a quote that does not end',
      { 't.csv': 'arrival_s,function,duration_s\n1,"f,1\n' },
      't.csv',
      'invalid',
      /line 2: a quote inside a cell, or one that does not end/
    ],
    [
      'a function that asks for something else in a later call',
      { 't.csv': 'arrival_s,function,duration_s,cpus,memory_mb\n1,f,1,1,64\n2,g,1,2,64\n3,f,1,1,128\n' },
      't.csv',
      'invalid',
      /^t\.csv:4: memory_mb of f is 128, and was 64 at t\.csv:2$/
    ],
    ['a negative time', { 't.csv': 'arrival_s,function,duration_s\n1,f,1\n2,f,-3\n' }, 't.csv', 'invalid', /t\.csv:3: duration_s/],
    ['a time that is none', { 't.csv': 'TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,1,1\n' }, 't.csv', 'invalid', /not a time: "noon"/],
    ['a sample without its run times', { 's_inv.csv': AZURE_2019['s_inv.csv'] }, 's_inv.csv', 'not_found', /must be s_run\.csv/],
    [
      'run times of other functions',
      { ...AZURE_2019, 's_run.csv': AZURE_2019['s_run.csv'].replace('f1', 'f9') },
      '.',
      'invalid',
      /no row for function f1/
    ],
    ['a directory with several traces', { 'a.csv': '', 'b.csv': '' }, '.', 'invalid', /2 CSV files/],
    ['nothing at all', {}, 'absent.csv', 'not_found', /no scenario and no file/]
  ]
  for (const [claim, files, name, code, message] of broken) {
    it(`refuses ${claim}`, () => assert.throws(() => read(files, name), fails(code, message)))
  }

  for (const [name, { source }] of Object.entries(SCENARIOS)) {
    it(`generates ${name}: the same for one seed, in order of arrival`, () => {
      const workload = source.workload(1)
      assert.deepEqual(source.workload(1).runMs, workload.runMs)
      assert.notDeepEqual(source.workload(2).runMs, workload.runMs)
      assert.ok(workload.arrivalMs.every((ms, call) => ms >= (workload.arrivalMs[call - 1] ?? 0)))
      assert.ok(workMs(workload) > 0)
      assert.equal(spanMs(compressed(workload, 2)), spanMs(workload) / 2)
    })
  }
})

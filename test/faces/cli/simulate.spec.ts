import assert from 'node:assert/strict'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SimulationReport, SimulationRequest } from '../../../src/model/simulation.ts'
import { CaresError } from '../../../src/model/errors.ts'
import { reportCsv } from '../../../src/simulate/report/csv.ts'
import { reportHtml } from '../../../src/simulate/report/html.ts'
import { choosers, simulate } from '../../../src/simulate/simulation.ts'
import { ignoredBy } from '../../../src/simulate/workload/open-trace.ts'
import { run } from './run.ts'

const simulator = async () => ({ strategies: () => [...choosers().keys()], ignoredBy, simulate, html: reportHtml, csv: reportCsv })
const cares = async (...argv: string[]) => await run(['simulate', ...argv], { environment: { simulator } })

describe('cares simulate', () => {
  it('compares strategies without a peer, and says what was replayed', async () => {
    const { code, stdout, stderr } = await cares('steady', '--limit', '200', '--runs', '2', '-s', 'cost,random')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^steady: 200 calls of \d+ functions .* on 10 peers with \d+ cores\n\nSTRATEGY +SLOWDOWN, MEAN/)
    assert.match(stdout, /\ncost +\d/)
    assert.match(stdout, /\nrandom +\d/)
    assert.match(stdout, /medians over seeds 1 to 2/)
    assert.match(stderr, /^1 of 4: cost, seed 1\n/)
  })

  it('gives the same report for the same seed, and writes it as a page and as lines', async () => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'cares-simulate-'))
    const [html, csv] = [join(directory.path, 'report.html'), join(directory.path, 'runs.csv')]
    const argv = ['batch-gpu', '--runs', '2', '--seed', '7', '-s', 'predictive,greedy', '--json', '-q']
    const first = await cares(...argv, '--html', html, '--csv', csv)
    assert.equal(first.code, 0, first.stderr)
    assert.equal((await cares(...argv)).stdout, first.stdout)
    const report = JSON.parse(first.stdout) as SimulationReport
    assert.deepEqual(
      report.rows.map(({ strategy }) => strategy),
      ['predictive', 'greedy']
    )
    assert.equal(report.request.seed, 7)
    assert.match(readFileSync(html, 'utf8'), /^<!doctype html>[^]*<svg/)
    assert.equal(readFileSync(csv, 'utf8').trim().split('\n').length, 1 + 4)
  })

  it('writes the lines or the page to stdout instead of the table', async () => {
    const argv = ['batch-gpu', '--runs', '1', '-s', 'predictive']
    assert.match((await cares(...argv, '--csv', '-')).stdout, /^strategy,seed,calls,[^\n]*\npredictive,1,100,[^\n]*\n$/)
    assert.match((await cares(...argv, '--html', '-')).stdout, /^<!doctype html>[^]*<svg/)
  })

  it('passes on what the command line says', async () => {
    let asked: SimulationRequest | undefined
    const fake = async () => ({
      ...(await simulator()),
      // eslint-disable-next-line require-yield
      *simulate(request: SimulationRequest): Generator<never, SimulationReport, undefined> {
        asked = request
        throw new CaresError('not_found', 'enough')
      }
    })
    const words =
      'simulate trace.csv -n 7 --load trace --gossip 3s --gossip-delay 10ms --loss 0.1 --placers 4 --estimates exact --prices 4 --keep-alive 26m --cache blind'
    await run(words.split(' '), { environment: { simulator: fake } })
    assert.deepEqual(asked, {
      trace: 'trace.csv',
      strategies: ['cost', 'predictive', 'balanced', 'round-robin', 'least-loaded', 'power-of-two'],
      peers: 7,
      seed: 1,
      runs: 3,
      load: null,
      callsMax: 200_000,
      gossipMs: 3_000,
      gossipDelayMs: 10,
      lossRatio: 0.1,
      placers: 4,
      estimates: 0,
      priceSpread: 4,
      keepAliveMs: 1_560_000,
      crashesPerHour: 0,
      outsideShare: 0,
      cache: 'blind'
    })
  })

  it('says what failed, and nothing of how quick and cheap nothing was', async () => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'cares-simulate-'))
    const trace = join(directory.path, 'big.csv')
    writeFileSync(trace, 'arrival_s,function,duration_s,cpus\n0,f,1,512\n5,f,2,512\n')
    const { code, stdout } = await cares(trace, '-s', 'cost', '--runs', '1')
    assert.equal(code, 0)
    const [heads = '', row = ''] = stdout.split('\n').slice(2)
    assert.match(heads, /FAILED$/)
    assert.match(row, /^cost +– +– +– +– +– +0\.0 % +– +– +2$/)
    assert.match(stdout, /- up to 2 of 2 calls failed/)
    assert.doesNotMatch((await cares('steady', '--limit', '50', '--runs', '1', '-s', 'cost')).stdout, /FAILED|failed/)
  })

  it('shows a batch against the least time that it could take', async () => {
    assert.match((await cares('batch-gpu', '--runs', '1', '-s', 'cost')).stdout, /STRATEGY +MAKESPAN \/ BOUND[^]*\ncost +1\.\d/)
  })

  const mistakes: readonly (readonly [argv: readonly string[], code: number, stderr: RegExp])[] = [
    [['stedy'], 4, /no scenario and no file stedy\n {2}try: cares simulate steady/],
    [['-s', 'cots'], 2, /no strategy cots\n {2}try: did you mean cost\?/],
    [['-s', ','], 2, /no strategy is named/],
    [['--peers', '0'], 2, /peers must be from 1 to 10000/],
    [['--runs', '1000'], 2, /runs must be from 1 to 100/],
    [['--load', '9'], 2, /not a load: 9; write a share like 0\.5, or trace/],
    [['--loss', '1'], 2, /not a share: 1/],
    [['--estimates', 'wild'], 2, /write learned, exact, or a noise like 0\.25/],
    [['--prices', '0.5'], 2, /not a factor of prices/],
    [['--gossip', '0s'], 2, /--gossip must be above 0/],
    [['--crashes', '-1'], 2, /not a number of crashes|argument missing/],
    [['batch-gpu', '--runs', '1', '-s', 'cost', '--html', '/no/such/place.html'], 2, /^cares: \/no\/such\/place\.html cannot be written/],
    [['batch-gpu', '-n', '50'], 2, /--peers makes no difference to batch-gpu: it brings its own machines\n {2}try: leave --peers out/],
    [['batch-cpu', '--prices', '4'], 2, /--prices makes no difference to batch-cpu/],
    [['batch-cpu', '--load', '0.9'], 2, /--load makes no difference to batch-cpu: all its work is there at once/],
    [['--html', '-', '--csv', '-'], 2, /stdout takes either the page or the lines/]
  ]
  for (const [argv, code, stderr] of mistakes) {
    it(`${argv.join(' ')}: says what is wrong`, async () => {
      const outcome = await cares(...argv)
      assert.match(outcome.stderr, stderr)
      assert.equal(outcome.code, code)
    })
  }

  it('shows the spread over seeds where everything is asked for, and calls it what it is', async () => {
    const argv = ['batch-gpu', '--runs', '2', '-s', 'cost']
    const wide = (await cares(...argv, '-o', 'wide')).stdout
    assert.match(wide, /\ncost +1\.\d+ \(1\.\d+ to 1\.\d+\)/)
    assert.match(wide, /medians over seeds 1 to 2; in brackets: from the lowest to the highest/)
    assert.doesNotMatch((await cares(...argv)).stdout, /\(1\.\d+ to|in brackets/)
  })

  it('stops between two replays when it is interrupted', async () => {
    const stop = new AbortController()
    stop.abort(new CaresError('cancelled', 'interrupted', { details: { signal: 'SIGINT' } }))
    const { code } = await run(['simulate', 'batch-gpu', '-s', 'all'], { signal: stop.signal, environment: { simulator } })
    assert.equal(code, 130)
  })
})

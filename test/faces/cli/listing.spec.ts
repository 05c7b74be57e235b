import assert from 'node:assert/strict'
import { startHealthyApi } from '../healthy-api.ts'
import { run } from './run.ts'

describe('cares events --tail', () => {
  const lines = async (...flags: string[]): Promise<string[]> => {
    await using api = await startHealthyApi()
    return (await run(['events', '-o', 'name', ...flags], { api: api.url })).stdout.trimEnd().split('\n')
  }

  it('shows only so many of the newest', async () => {
    const all = await lines()
    assert.equal(all.length, 6)
    assert.deepEqual(await lines('--tail', '2'), all.slice(-2))
    assert.deepEqual(await lines('--tail', '100'), all)
    assert.deepEqual(await lines('--tail', '0'), [''])
  })
})

describe('lists, ordered and picked from', () => {
  const cases: readonly (readonly [line: string, names: readonly string[]])[] = [
    ['peers --sort name', ['atlas', 'birch', 'cedar', 'dogwood', 'elm']],
    ['peers --sort name -r', ['elm', 'dogwood', 'cedar', 'birch', 'atlas']],
    ['peers --sort running --filter state!=gone', ['dogwood', 'atlas', 'birch', 'elm']],
    ['peers --filter state=gone', ['cedar']],
    ['peers --filter name=*e* --filter state=ALIVE --sort name', ['elm']],
    ['peers --filter role=orchestrator', ['atlas']],
    ['peers --filter name=a.las', []],
    ['stats --sort cpu --filter state=alive', ['atlas', 'birch', 'elm']],
    ['functions --sort name -r', ['upper', 'thumb']],
    ['functions --filter contract=stdio', ['upper']],
    ['functions --filter image=acme/*', ['thumb']],
    ['functions --reverse', ['upper', 'thumb']]
  ]
  for (const [line, names] of cases) {
    it(`shows ${names.join(', ') || 'nothing'} for "cares ${line}"`, async () => {
      await using api = await startHealthyApi()
      const { code, stdout } = await run([...line.split(' '), '-o', 'name'], { api: api.url })
      assert.deepEqual([code, stdout.split('\n').filter(Boolean)], [0, names])
    })
  }

  it('leave the same out of JSON', async () => {
    await using api = await startHealthyApi()
    const { stdout } = await run(['peers', '--filter', 'state=gone', '--json'], { api: api.url })
    assert.deepEqual(
      (JSON.parse(stdout) as { items: { name: string }[] }).items.map(({ name }) => name),
      ['cedar']
    )
  })

  it('pick by a label, and by the want of one', async () => {
    await using api = await startHealthyApi()
    const names = async (condition: string): Promise<string> =>
      (await run(['peers', '--filter', condition, '-o', 'name'], { api: api.url })).stdout
    assert.equal(await names('label.zone=at*'), 'birch\n')
    assert.equal(await names('label.zone='), 'atlas\nelm\ndogwood\ncedar\n')
  })

  it('say what there is to filter by', async () => {
    await using api = await startHealthyApi()
    const wrong = await run(['functions', '--filter', 'colour=red'], { api: api.url })
    assert.equal(wrong.code, 2)
    assert.equal(wrong.stderr, 'cares: nothing to filter by is called colour\n  try: filter by name, contract, image, network\n')
    assert.match((await run(['peers', '--filter', 'alive'], { api: api.url })).stderr, /not K=V or K!=V: "alive"/)
    assert.match((await run(['peers', '--sort', 'beauty'], { api: api.url })).stderr, /beauty.*Allowed choices are name, state/)
  })

  it('say that none fits, not that there is none', async () => {
    await using api = await startHealthyApi()
    assert.equal((await run(['functions', '--filter', 'name=zzz'], { api: api.url })).stderr, 'none fits the filter\n')
  })

  it('watch every list', async () => {
    await using api = await startHealthyApi()
    const interrupt = new AbortController()
    const clock = {
      sleep: async () => {
        interrupt.abort(new Error('enough'))
        interrupt.signal.throwIfAborted()
      }
    }
    const watch = async (...argv: string[]): Promise<string> =>
      (await run([...argv, '-w'], { api: api.url, clock, signal: interrupt.signal })).stdout
    assert.equal(await watch('functions', '--sort', 'name'), 'thumb=r1 upper=r12\n')
  })
})

describe('--since', () => {
  it('leaves out what is older, by the clock of the peer', async () => {
    await using api = await startHealthyApi()
    const count = async (...argv: string[]): Promise<number> =>
      (await run(argv, { api: api.url })).stdout.split('\n').filter(Boolean).length
    const all = await count('events')
    assert.ok(all > 1)
    assert.equal(await count('events', '--since', '1000d'), all)
    assert.equal(await count('events', '--since', '1ms'), 0)
    assert.equal(await count('logs', 'thumb', '--since', '1000d'), await count('logs', 'thumb'))
    assert.equal(
      (await run(['logs', 'thumb', '--since', '1ms'], { api: api.url })).stderr,
      'thumb has logged nothing that is kept, in that time\n'
    )
  })

  it('goes with times before the lines', async () => {
    await using api = await startHealthyApi()
    for (const line of (await run(['logs', 'thumb', '-t'], { api: api.url })).stdout.trimEnd().split('\n'))
      assert.match(line, /^\d{2}:\d{2}:\d{2}/)
  })
})

import assert from 'node:assert/strict'
import { COMMANDS } from '../../../src/faces/cli/commands.ts'
import { GLOBAL_OPTIONS, screenFlags } from '../../../src/faces/cli/program.ts'
import { eventSchema } from '../../../src/model/rest-events.ts'
import { problem, startFakeApi } from '../fake-api.ts'
import { startHealthyApi } from '../healthy-api.ts'
import { THUMB } from '../samples.ts'
import { run } from './run.ts'

describe('cares, its command tree', () => {
  it('shows help on stderr and exits with 2 when it is called alone', async () => {
    const { code, stdout, stderr } = await run([])
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /Usage: cares/)
    for (const { name, summary, hidden } of COMMANDS) {
      if (hidden !== true) assert.ok(stderr.replace(/\s+/g, ' ').includes(summary), `the help does not list ${name}`)
    }
  })

  it('prints its version, whatever else is wrong with the machine', async () => {
    assert.deepEqual(await run(['--version']), { code: 0, stdout: '0.1.0\n', stderr: '' })
  })

  it('keeps its help within 80 columns', async () => {
    const pages = [(await run(['help'])).stdout]
    for (const { name } of COMMANDS) pages.push((await run([name, '--help'])).stdout)
    const long = pages
      .flatMap(page => page.split('\n'))
      .filter(line => line.length > 80 && !/^ {2}(cares|CARES|until|source|kustomize)/.test(line))
    assert.deepEqual(long, [])
  })

  for (const { name, aliases = [], hidden } of COMMANDS) {
    it(`${name}: has a help with examples and its flags with their environment names`, async () => {
      const { code, stdout, stderr } = await run([name, '--help'])
      assert.equal(code, 0)
      assert.equal(stderr, '')
      const examples = /Examples:\n([\s\S]+)$/.exec(stdout)?.[1] ?? ''
      const headings = [...stdout.matchAll(/^([A-Z]\w+(?: \w+)?):(?: cares .*)?$/gm)].map(([, heading]) => heading)
      assert.deepEqual(headings.slice(-2), ['Examples', 'Global options'])
      assert.deepEqual(
        headings.slice(0, -2),
        ['Usage', 'Arguments', 'Options'].filter(heading => headings.includes(heading))
      )
      const count = examples.split('\n').filter(line => line.startsWith('  #')).length
      assert.ok(count >= 2 && count <= 4, `${count} examples`)
      assert.ok(examples.includes(`cares ${name}`) || hidden, 'no example shows the command')
      for (const { flags, env } of GLOBAL_OPTIONS) {
        const long = /--[a-z-]+/.exec(flags)?.[0] ?? ''
        assert.ok(stdout.includes(long), `${long} is missing`)
        if (env !== undefined) assert.ok(stdout.replace(/\s+/g, ' ').includes(`env: ${env}`), `${env} is missing beside ${long}`)
      }
    })

    it(`${name}: help ${name} says the same as ${name} --help`, async () => {
      for (const word of [name, ...aliases]) assert.equal((await run(['help', word])).stdout, (await run([name, '--help'])).stdout)
    })

    it(`${name}: refuses an unknown flag with exit code 2, and says which is near`, async () => {
      const { code, stdout, stderr } = await run([name, '--verbos'])
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.equal(stderr, `cares: unknown option '--verbos'; did you mean --verbose?\n  try: cares ${name} --help\n`)
    })
  }

  it('lists in the help of apply every key that a file may hold', async () => {
    const { stdout } = await run(['apply', '--help'])
    const keys = /Keys: ([\s\S]+?)\./.exec(stdout)?.[1]?.replace(/\s+/g, ' ') ?? ''
    for (const part of [
      'resources {cpu, memory, gpus}',
      'placement {strategy, objective, maxCost, require}',
      'http {port, ready}',
      'prewarm'
    ])
      assert.ok(keys.includes(part), `${part} is not in: ${keys}`)
  })

  it('lists in the help of events every kind that there is', async () => {
    const { stdout } = await run(['events', '--help'])
    const kinds = eventSchema.options.map(({ shape }) => shape.type.value.split(':')[0] ?? '')
    for (const kind of new Set(kinds)) assert.match(stdout, new RegExp(`\\b${kind},`), kind)
  })

  it('offers the closest name to remove without the consent that was given for another', async () => {
    await using api = await startFakeApi({
      'GET /v1/functions/thmb': problem('not_found', 'no function named thmb', 404),
      'GET /v1/functions': { items: [THUMB] }
    })
    const { code, stderr } = await run(['remove', 'thmb', '--yes'], { api: api.url })
    assert.equal(code, 4)
    assert.equal(stderr, 'cares: no function named thmb\n  try: cares remove thumb   (closest name)\n')
  })

  it('offers the closest command for one that does not exist', async () => {
    assert.deepEqual(await run(['uplod']), {
      code: 2,
      stdout: '',
      stderr: 'cares: there is no command uplod\n  try: cares upload   (closest name)\n'
    })
  })

  it('says so, too, where its help is asked for', async () => {
    const { code, stdout, stderr } = await run(['deploy', '--help'])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^cares: there is no command deploy\n/)
    assert.equal((await run(['--help'])).code, 0)
    assert.equal((await run(['upload', '--help'])).code, 0)
  })

  it('has every command that is promised, by the names that are', () => {
    const promised =
      'peer peers drain resume leave status id doctor upload apply functions remove invoke run tasks wait cancel logs explain quote stats events costs bench simulate prune token recover completion'
    const names = new Set(COMMANDS.map(({ name }) => name))
    assert.deepEqual(
      promised.split(' ').filter(name => !names.has(name)),
      []
    )
  })

  it('orders, picks and watches in every list alike', async () => {
    for (const { name } of COMMANDS) {
      const { stdout } = await run([name, '--help'])
      const flags = ['--sort', '--filter', '--reverse'].map(flag => stdout.includes(`${flag} `))
      assert.equal(new Set(flags).size, 1, `${name} has some of --sort, --filter and --reverse, and not all`)
      if (stdout.includes('--sort ')) assert.match(stdout, /--watch/, name)
    }
  })

  it('changes nothing with --read-only, and says how it could', async () => {
    await using api = await startHealthyApi()
    for (const argv of [
      ['upload', 'busybox'],
      ['drain', 'atlas'],
      ['remove', 'thumb', '-y'],
      ['invoke', 'thumb', '-d', 'x'],
      ['prune'],
      ['leave', '-y']
    ]) {
      const { code, stderr } = await run([...argv, '--read-only'], { api: api.url })
      assert.deepEqual([code, stderr.includes('leave out --read-only')], [5, true], `${argv.join(' ')}: ${stderr}`)
    }
    assert.deepEqual(
      api.asked.filter(({ method }) => method !== 'GET'),
      []
    )
  })

  const lines: readonly (readonly [argv: readonly string[], flags: object | undefined])[] = [
    [[], {}],
    [['--api', 'http://atlas:7070', '--read-only'], { api: 'http://atlas:7070', readOnly: true }],
    [['--color=never'], { color: 'never' }],
    [['--no-color'], { color: 'never' }],
    [['peers'], undefined],
    [['--api', 'http://atlas:7070', 'peers'], undefined],
    [['--json'], undefined],
    [['--help'], undefined],
    [['--version'], undefined],
    [['--api'], undefined],
    [['--colour', 'never'], undefined]
  ]
  for (const [argv, flags] of lines) {
    it(`${flags === undefined ? 'is no call for' : 'opens'} the screens: cares ${argv.join(' ')}`, () => {
      assert.deepEqual(screenFlags(argv), flags)
    })
  }

  it('says which argument is missing', async () => {
    const { code, stderr } = await run(['explain'])
    assert.equal(code, 2)
    assert.match(stderr, /^cares: missing required argument 'ID\|NAME'\n {2}try: cares explain --help\n$/)
  })

  it('says what a flag with a wrong value wants', async () => {
    const { code, stderr } = await run(['upload', 'busybox', '--memory', '12x'])
    assert.equal(code, 2)
    assert.match(stderr, /--memory <SIZE>.*not a size: "12x"; write a size like 64Mi/)
  })

  it('tells programs what is wrong in one line of JSON on stderr, and leaves stdout empty', async () => {
    for (const flags of [['--json'], ['-o', 'json'], ['-o', 'jsonl']]) {
      const { code, stdout, stderr } = await run(['uplod', ...flags])
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.equal(stderr.split('\n').length, 2)
      assert.equal((JSON.parse(stderr) as { code: string }).code, 'invalid')
    }
  })
})

import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { COMMANDS } from '../../../src/faces/cli/commands.ts'
import { startHealthyApi } from '../healthy-api.ts'
import { INVOCATION_ID } from '../samples.ts'
import { run } from './run.ts'

/** A command line of each command that ends by itself; how the others print is in their own specs. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  upload: ['acme/thumb'],
  functions: [],
  remove: ['thumb', '-y'],
  cancel: [INVOCATION_ID],
  logs: ['thumb'],
  explain: [INVOCATION_ID],
  peers: [],
  status: [],
  strategy: [],
  stats: [],
  alerts: [],
  events: [],
  id: [],
  drain: ['birch'],
  resume: ['birch'],
  leave: ['-y'],
  prune: [],
  token: ['new'],
  completion: ['bash'],
  complete: ['--', 'invoke', '']
}

const OWN_SPECS = ['run', 'tasks', 'wait', 'apply', 'invoke', 'peer', 'doctor', 'simulate', 'bench', 'costs', 'quote', 'recover']

describe('output formats', () => {
  it('are tried with every command', () => {
    assert.deepEqual([...Object.keys(LINES), ...OWN_SPECS].sort(), COMMANDS.map(({ name }) => name).sort())
  })

  for (const [name, args] of Object.entries(LINES)) {
    it(`${name}: JSON is JSON, JSON lines are lines of it, YAML is YAML, a name is a word`, async () => {
      await using api = await startHealthyApi()
      const print = async (format: string): Promise<string> => {
        const { code, stdout, stderr } = await run([name, '-o', format, ...args], { api: api.url })
        assert.equal(code, 0, `${format}: ${stderr}`)
        return stdout
      }
      assert.ok(typeof JSON.parse(await print('json')) === 'object')
      const lines = (await print('jsonl')).trimEnd().split('\n')
      for (const line of lines) assert.ok(typeof JSON.parse(line) === 'object')
      for (const document of parseAllDocuments(await print('yaml'))) assert.deepEqual(document.errors, [])
      for (const word of (await print('name')).trimEnd().split('\n')) assert.match(word, /^\S+$/)
    })
  }

  for (const [argv, path] of [
    [['events'], 'GET /v1/events'],
    [['logs', 'thumb'], 'GET /v1/logs']
  ] as const) {
    it(`cares ${argv.join(' ')}: what has an end is one document, empty or not, and what goes on is an object a line`, async () => {
      await using api = await startHealthyApi()
      const { items } = JSON.parse((await run([...argv, '--json'], { api: api.url })).stdout) as { items: readonly unknown[] }
      const lines = (await run([...argv, '-o', 'jsonl'], { api: api.url })).stdout.trimEnd().split('\n')
      assert.deepEqual(
        items,
        lines.map(line => JSON.parse(line) as unknown)
      )
      assert.ok(items.length > 1)
      api.answer(path, response => void response.end(''))
      assert.deepEqual(JSON.parse((await run([...argv, '--json'], { api: api.url })).stdout), { items: [] })
    })
  }

  it('list under items what has been of the peers, too', async () => {
    await using api = await startHealthyApi()
    const { items } = JSON.parse((await run(['stats', '--since', '3m', '--json'], { api: api.url })).stdout) as {
      items: { name: string }[]
    }
    assert.equal(items[0]?.name, 'atlas')
  })

  it('hold for the version', async () => {
    assert.deepEqual(JSON.parse((await run(['--version', '--json'])).stdout), { version: '0.1.0' })
  })

  it('colour nothing in a pipe, and colour states on a terminal that wants it', async () => {
    await using api = await startHealthyApi()
    const escape = '\u001B['
    assert.ok(!(await run(['peers'], { api: api.url })).stdout.includes(escape))
    assert.ok(!(await run(['peers', '--color', 'auto'], { api: api.url })).stdout.includes(escape))
    assert.ok((await run(['peers', '--color', 'auto'], { api: api.url, tty: true })).stdout.includes(`${escape}32malive`))
    assert.ok((await run(['peers', '--color', 'always'], { api: api.url })).stdout.includes(`${escape}32malive`))
    assert.ok(!(await run(['peers', '--color', 'never'], { api: api.url, tty: true })).stdout.includes(escape))
    assert.ok(!(await run(['peers', '--no-color'], { api: api.url, tty: true })).stdout.includes(escape))
  })

  it('keep the columns of a coloured table in line', async () => {
    await using api = await startHealthyApi()
    const plain = (await run(['peers'], { api: api.url })).stdout
    const coloured = (await run(['peers', '--color', 'always'], { api: api.url })).stdout
    assert.equal(stripVTControlCharacters(coloured), plain)
  })

  it('say on stderr that a list is empty and how to fill it, and nothing with --quiet', async () => {
    await using api = await startHealthyApi()
    api.answer('GET /v1/functions', { items: [] })
    assert.deepEqual(await run(['functions'], { api: api.url }), {
      code: 0,
      stdout: '',
      stderr: 'no functions; make one: cares upload IMAGE\n'
    })
    assert.deepEqual(await run(['functions', '-q'], { api: api.url }), { code: 0, stdout: '', stderr: '' })
    assert.deepEqual(JSON.parse((await run(['functions', '--json'], { api: api.url })).stdout), { items: [] })
  })

  it('draw a watched list over itself on a terminal, and line by line in a pipe', async () => {
    await using api = await startHealthyApi()
    const watch = async (tty: boolean, ...flags: string[]) => {
      const interrupt = new AbortController()
      let samples = 0
      const clock = {
        sleep: async () => {
          if (++samples === 2) interrupt.abort(new Error('enough'))
          interrupt.signal.throwIfAborted()
        }
      }
      return (await run(['stats', '-w', ...flags], { api: api.url, tty, clock, signal: interrupt.signal })).stdout
    }
    const drawn = await watch(true)
    // oxlint-disable-next-line no-control-regex -- how a terminal is told to go back
    assert.equal(drawn.split(/\u001B\[\d+A\u001B\[J/).length, 2, 'not drawn over itself')
    assert.match(drawn, /FUNCTION +CALLS[^]*thumb +630/)
    const line = '12:00:00.000Z peers=3/5 cpu=37% mem=43% reserved=33% running=14 ok=2929 failed=23\n'
    assert.equal(await watch(false), line + line)
    for (const sample of (await watch(true, '-o', 'jsonl')).trimEnd().split('\n')) assert.ok('totals' in (JSON.parse(sample) as object))
  })
})

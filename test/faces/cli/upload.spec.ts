import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guessName } from '../../../src/faces/cli/commands/upload.ts'
import { parseFunctionFile } from '../../../src/faces/cli/function-file.ts'
import { CaresError } from '../../../src/model/errors.ts'
import { problem, startFakeApi } from '../fake-api.ts'
import { THUMB, UPPER } from '../samples.ts'
import { run } from './run.ts'

describe('cares upload', () => {
  const names: readonly (readonly [image: string, name: string])[] = [
    ['busybox', 'busybox'],
    ['acme/thumb:1.4', 'thumb'],
    ['localhost:5000/a/My_Tool', 'my-tool'],
    ['ghcr.io/acme/ocr@sha256:abc', 'ocr'],
    ['acme/7zip', 'zip'],
    ['./filters/upper.sh --fast', 'upper-sh'],
    [`acme/${'x'.repeat(80)}`, 'x'.repeat(63)]
  ]
  for (const [image, name] of names) {
    it(`calls a function of ${image.slice(0, 30)} ${name.slice(0, 30)}`, () => {
      assert.equal(guessName(image), name)
    })
  }

  it('asks for a name when none can be made', () => {
    assert.throws(
      () => guessName('acme/123'),
      new CaresError('invalid', 'no function name can be made of "acme/123"', { hint: 'cares upload IMAGE NAME' })
    )
  })

  it('sends every flag in the units of the API, and nothing that was not said', async () => {
    await using api = await startFakeApi({ 'POST /v1/functions': { result: 'updated', dryRun: false, because: '', function: THUMB } })
    const flags = '--contract http --port 80 --ready /up --cpu .5 --memory 64Mi --timeout 2m --concurrency 4 --prewarm 0 --idempotent'
    const more = '-e A=1 -e B=x=y --network egress --if-revision 3 --pull always'
    const { code, stdout } = await run(['upload', 'acme/thumb', 'small', ...flags.split(' '), ...more.split(' ')], { api: api.url })
    assert.equal(code, 0)
    assert.match(stdout, /^thumb updated {2}revision 1\n/)
    assert.equal(api.asked[0]?.url, '/v1/functions?ifRevision=3&pull=always')
    assert.deepEqual(JSON.parse(api.asked[0].body), {
      name: 'small',
      image: 'acme/thumb',
      contract: 'http',
      port: 80,
      readyPath: '/up',
      cpus: 0.5,
      memoryBytes: 64 * 2 ** 20,
      timeoutMs: 120_000,
      concurrency: 4,
      prewarm: 0,
      idempotent: true,
      env: { A: '1', B: 'x=y' },
      network: 'egress'
    })
    await run(['upload', 'acme/thumb'], { api: api.url })
    assert.deepEqual(JSON.parse(api.asked[1]?.body ?? ''), { name: 'thumb', image: 'acme/thumb' })
  })

  it('says what is wrong in the words of the command line, not in those of the API', async () => {
    const issues = [
      { path: 'memoryBytes', message: 'must be at least 6Mi' },
      { path: 'env.PORT', message: 'the name is set by CARES itself' },
      { path: 'placement.require[0]', message: 'must be like zone=eu' },
      { path: 'name', message: 'must be short' }
    ]
    await using api = await startFakeApi({ 'POST /v1/functions': problem('invalid', 'the request body is not valid', 400, { issues }) })
    const { code, stderr } = await run(['upload', 'acme/thumb', '--memory', '1Ki'], { api: api.url })
    assert.equal(code, 2)
    assert.equal(
      stderr,
      'cares: --memory: must be at least 6Mi (and 3 more)\n  -e PORT: the name is set by CARES itself\n  --require: must be like zone=eu\n  NAME: must be short\n  try: cares upload --help\n'
    )
  })

  it('passes on what the peer warns of', async () => {
    const warnings = ['no peer can run thumb: it asks for 64Gi of memory, and the largest peer shares 8Gi']
    await using api = await startFakeApi({
      'POST /v1/functions': { result: 'created', dryRun: false, because: '', warnings, function: THUMB }
    })
    const { code, stdout, stderr } = await run(['upload', 'acme/thumb', '--memory', '64Gi'], { api: api.url })
    assert.deepEqual([code, stderr], [0, `warning: ${warnings[0]}\n`])
    assert.match(stdout, /^thumb created/)
  })

  it('shows on a terminal that it is at work, and clears that line', async () => {
    await using api = await startFakeApi({ 'POST /v1/functions': { result: 'created', dryRun: false, because: '', function: THUMB } })
    const clock = {
      every: (_: number, task: () => void | Promise<void>) => {
        void task()
        return { [Symbol.dispose]: () => {} }
      }
    }
    const line = '\r\u001B[Kfinding acme/thumb … 0s\r\u001B[K'
    assert.equal((await run(['upload', 'acme/thumb'], { api: api.url, clock, tty: true })).stderr, line)
    assert.equal((await run(['upload', 'acme/thumb'], { api: api.url, clock })).stderr, '')
    assert.equal((await run(['upload', 'acme/thumb', '-q'], { api: api.url, clock, tty: true })).stderr, '')
  })
})

describe('cares apply', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cares-cli-'))
  })
  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  const cluster = () =>
    startFakeApi({
      'GET /v1/functions': { items: [THUMB, UPPER] },
      'GET /v1/functions/thumb': THUMB,
      'GET /v1/functions/upper': UPPER,
      'GET /v1/functions/new': problem('not_found', 'no function named new', 404),
      'POST /v1/functions': (response, { body }) => {
        const { name, memoryBytes = THUMB.memoryBytes } = JSON.parse(body) as { name: string; memoryBytes?: number }
        if (name === 'upper') return void response.end(JSON.stringify({ result: 'unchanged', dryRun: false, because: '', function: UPPER }))
        const changed = { ...THUMB, name, memoryBytes, revision: name === 'new' ? 1 : 2 }
        response.end(JSON.stringify({ result: name === 'new' ? 'created' : 'updated', dryRun: false, because: '', function: changed }))
      }
    })

  it('tells for each function of a folder whether it was created, updated or unchanged', async () => {
    await writeFile(join(directory, 'b.json'), '{"name":"upper","image":"busybox"}')
    await writeFile(
      join(directory, 'a.yaml'),
      'name: thumb\nimage: acme/thumb\nresources: { memory: 512Mi }\n---\nname: new\nimage: acme/new\n'
    )
    await writeFile(join(directory, 'notes.txt'), 'not a function')
    await using api = await cluster()
    const { code, stdout, stderr } = await run(['apply', '-f', directory], { api: api.url })
    assert.equal(stderr, '')
    assert.equal(code, 0)
    assert.equal(
      stdout,
      [
        'NAME   RESULT     REV  CHANGES',
        'thumb  updated      2  memory 256Mi -> 512Mi',
        'new    created      1',
        'upper  unchanged   12',
        ''
      ].join('\n')
    )
  })

  it('only says what would be done with --dry-run', async () => {
    await using api = await cluster()
    const { stdout } = await run(['apply', '-f', '-', '--dry-run'], { api: api.url, stdin: 'name: new\nimage: acme/new' })
    assert.match(stdout, /^new {3}would-be-created {4}1$/m)
    assert.ok(api.asked.filter(({ method }) => method === 'POST').every(({ url }) => url.includes('dryRun=true')))
  })

  it('goes on after a function that is refused, and exits with what that means', async () => {
    await using api = await cluster()
    api.answer('POST /v1/functions', problem('no_quorum', 'no majority', 503))
    const { code, stdout, stderr } = await run(['apply', '-f', '-'], {
      api: api.url,
      stdin: 'name: new\nimage: a\n---\nname: thumb\nimage: a'
    })
    assert.equal(code, 5)
    assert.equal(stdout.match(/failed/g)?.length, 2)
    assert.equal(stderr, 'cares: new: no majority\ncares: thumb: no majority\n')
  })

  it('has eight functions in hand at once, reads them in one list, and tells them in the order of the file', async () => {
    await using api = await cluster()
    const names = Array.from({ length: 20 }, (_, at) => `fn-${String(at).padStart(2, '0')}`)
    const waiting: (() => void)[] = []
    let most = 0
    api.answer('POST /v1/functions', async (response, { body }) => {
      const { name } = JSON.parse(body) as { name: string }
      // The last to come are answered first, once no more come.
      await new Promise<void>(resolve => {
        waiting.push(resolve)
        most = Math.max(most, waiting.length)
        if (waiting.length === 8) for (const go of waiting.splice(0).reverse()) go()
        else if (name >= 'fn-16') resolve()
      })
      response.end(JSON.stringify({ result: 'created', dryRun: false, because: '', function: { ...THUMB, name } }))
    })
    const stdin = names.map(name => `name: ${name}\nimage: a\n`).join('---\n')
    const { code, stdout } = await run(['apply', '-f', '-', '-o', 'name'], { api: api.url, stdin })
    assert.deepEqual([code, stdout], [0, names.map(name => `${name}\n`).join('')])
    assert.equal(most, 8)
    assert.equal(api.asked.length, 21)
  })

  const mistakes: readonly (readonly [claim: string, stdin: string, message: RegExp])[] = [
    ['the same name twice', 'name: a\nimage: a\n---\nname: a\nimage: b', /^cares: stdin describes a twice\n/],
    ['nothing', '', /^cares: stdin describes no function\n/],
    ['a missing key', 'name: a', /^cares: stdin:1:1: image: is required\n/],
    ['a wrong type', 'name: a\nimage: b\nresources: { cpu: lots }', /resources\.cpu: must be a number\n/],
    ['another kind', 'kind: Pod\nname: a\nimage: b', /kind: must be Function\n/],
    ['a list', '- 1', /^cares: stdin:1:1: must be an object\n/],
    [
      'more documents than it takes, and says what to do',
      'name: a\n---\n'.repeat(1_001),
      /more than 1000 documents\n {2}try: split it into several files/
    ],
    ['more than a limit', 'name: a\nimage: b\nprewarm: 65', /prewarm: must be at most 64\n/]
  ]
  for (const [claim, stdin, message] of mistakes) {
    it(`refuses ${claim}, and asks no peer for it`, async () => {
      const { code, stderr } = await run(['apply', '-f', '-'], { stdin })
      assert.equal(code, 2)
      assert.match(stderr, message)
    })
  }

  it('takes a revision for one function only', async () => {
    await using api = await cluster()
    assert.equal((await run(['apply', '-f', '-', '--if-revision', '1'], { api: api.url, stdin: 'name: thumb\nimage: a' })).code, 0)
    assert.ok(api.asked.some(({ url }) => url.includes('ifRevision=1')))
    assert.equal((await run(['apply', '-f', '-', '--if-revision', '1'], { stdin: 'name: a\nimage: a\n---\nname: b\nimage: b' })).code, 2)
  })

  it('changes nothing when any file has a mistake', async () => {
    await writeFile(join(directory, 'a.yaml'), 'name: thumb\nimage: acme/thumb\n')
    await writeFile(join(directory, 'b.yaml'), 'name: new\nimage: acme/new\nresources:\n  cpu: 1\n  memroy: 1Gi\n')
    await using api = await cluster()
    const { code, stderr } = await run(['apply', '-f', directory], { api: api.url })
    assert.equal(code, 2)
    assert.equal(stderr, `cares: ${join(directory, 'b.yaml')}:5:3: resources.memroy: unknown key; did you mean memory?\n`)
    assert.equal(api.asked.length, 0)
  })

  it('says what cannot be read', async () => {
    assert.match((await run(['apply', '-f', join(directory, 'none')])).stderr, /none: no such file/)
    assert.match((await run(['apply'])).stderr, /what should be applied\?/)
  })
})

describe('a function file', () => {
  it('says everything in the words of people', () => {
    const text = `
apiVersion: cares/v1
kind: Function
name: thumb
image: acme/thumb:1.4
contract: http
http: { port: 8080, ready: /_/health }
resources: { cpu: 0.5, memory: 256Mi }
timeout: 30s
concurrency: 8
prewarm: 0
idempotent: true
env: { LOG: info, LEVEL: 3, FAST: true }
network: none
`
    assert.deepEqual(parseFunctionFile(text, 'f.yaml'), [
      {
        name: 'thumb',
        image: 'acme/thumb:1.4',
        contract: 'http',
        port: 8080,
        readyPath: '/_/health',
        cpus: 0.5,
        memoryBytes: 256 * 2 ** 20,
        timeoutMs: 30_000,
        concurrency: 8,
        prewarm: 0,
        idempotent: true,
        env: { LOG: 'info', LEVEL: '3', FAST: 'true' },
        network: 'none'
      }
    ])
  })

  it('may be empty, and documents in it too', () => {
    assert.deepEqual(parseFunctionFile('', 'f.yaml'), [])
    assert.deepEqual(parseFunctionFile('---\n# nothing yet\n', 'f.yaml'), [])
  })

  const mistakes: readonly (readonly [what: string, text: string, message: string])[] = [
    ['an unknown key', 'name: a\nimage: b\ntimout: 3s', 'f.yaml:3:1: timout: unknown key; did you mean timeout?'],
    ['a key of a later version', 'name: a\nimage: b\nscale: { min: 0 }', 'f.yaml:3:1: scale: unknown key; known here: '],
    [
      'a size that is none',
      'name: a\nimage: b\nresources:\n  memory: lots',
      'f.yaml:4:11: resources.memory: not a size: "lots"; write a size like 256Mi'
    ],
    ['a size that is too small', 'name: a\nimage: b\nresources:\n  memory: 1Ki', 'f.yaml:4:11: resources.memory: must be at least 6Mi'],
    ['a name that is not allowed', 'name: Thumb\nimage: b', 'f.yaml:1:7: name: must be 1 to 63'],
    ['a missing image', 'name: a', 'f.yaml:1:1: image: '],
    ['a second document', 'name: a\nimage: b\n---\nname: b\nimage: c\nkind: Task', 'f.yaml:6:7: kind: '],
    ['broken YAML', 'name: [a', 'f.yaml:1:9: '],
    ['a variable that is reserved', 'name: a\nimage: b\nenv: { PORT: 80 }', 'f.yaml:3:']
  ]
  for (const [what, text, message] of mistakes) {
    it(`says where ${what} stands`, () => {
      assert.throws(
        () => parseFunctionFile(text, 'f.yaml'),
        (error: unknown) => {
          assert.ok(error instanceof CaresError)
          assert.equal(error.code, 'invalid')
          assert.ok(error.message.startsWith(message), error.message)
          return true
        }
      )
    })
  }
})

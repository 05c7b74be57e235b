import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taskView } from '../../../src/api/views/task-view.ts'
import { explanationLines } from '../../../src/faces/explain-view.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { type TaskItem, taskListSchema, taskSchema } from '../../../src/model/rest-tasks.ts'
import { sampleTask } from '../../support/fake-tasks.ts'
import { type Answer, problem, startFakeApi } from '../fake-api.ts'
import { TASK_EXPLANATION } from '../healthy-api.ts'
import { EXPLANATION, NOW, THUMB } from '../samples.ts'
import { run } from './run.ts'

const DONE: TaskItem = { ...taskView(sampleTask('birch' as PeerId), id => ({ id, name: id })), submittedAt: NOW }
const DEAD: TaskItem = {
  ...DONE,
  state: 'dead',
  failures: 3,
  usage: null,
  outputBytes: null,
  exitCode: 3,
  error: { code: 'function_failed', message: 'exit code 3', exitCode: 3, stderr: 'no way' }
}
const LIST = { items: [DONE, DEAD], counts: { queued: 0, running: 0, succeeded: 1, dead: 1, cancelled: 0 }, next: null }

const api = (more: Readonly<Record<string, Answer>> = {}) =>
  startFakeApi({
    'GET /v1/tasks': LIST,
    'POST /v1/tasks': { created: true, task: { ...DONE, state: 'queued' } },
    'GET /v1/tasks/t-1': DONE,
    'DELETE /v1/tasks/t-1': { ...DONE, state: 'cancelled' },
    'GET /v1/tasks/t-1/result': response => void response.end('hello\n'),
    'GET /v1/tasks/t-1/explain': { id: 't-1', state: 'succeeded', reasons: ['placed on birch'] },
    'GET /v1/tasks/t-1/logs': response =>
      void response.end(
        `${JSON.stringify({ at: NOW, peer: 'birch', function: 'report', invocation: 't-1', stream: 'stdout', text: 'hi' })}\n`
      ),
    'GET /v1/peers': { items: [] },
    ...more
  })

describe('cares run', () => {
  it('submits what was asked for, waits, and prints what the program wrote and nothing else', async () => {
    await using fake = await api()
    const argv = ['run', 'acme/report', '-e', 'A=b=c', '--cpu', '2', '--memory', '1Gi', '--timeout', '5m', '--attempts', '1', '--name', 'n']
    const outcome = await run([...argv, '--idempotency-key', 'k', '--caller', 'nightly', '--input', 'x', '--', 'sh', '-c', 'echo hello'], {
      api: fake.url
    })
    assert.deepEqual([outcome.code, outcome.stdout], [0, 'hello\n'])
    const [asked] = fake.asked
    assert.equal(asked?.headers['idempotency-key'], 'k')
    assert.equal(asked?.headers['x-cares-caller'], 'nightly')
    assert.deepEqual(JSON.parse(asked?.body ?? ''), {
      image: 'acme/report',
      args: ['sh', '-c', 'echo hello'],
      name: 'n',
      env: { A: 'b=c' },
      cpus: 2,
      memoryBytes: 2 ** 30,
      timeoutMs: 300_000,
      attempts: 1,
      inputBase64: 'eA=='
    })
  })

  it('prints only the id with --detach', async () => {
    await using fake = await api()
    assert.deepEqual(await run(['run', 'acme/report', '-d', '-q'], { api: fake.url }), { code: 0, stdout: 't-1\n', stderr: '' })
  })

  it('says when no peer could ever run it, and waits all the same', async () => {
    const warnings = ['no peer can run cat: it asks for 64 cores, and the largest peer shares 2']
    await using fake = await api({ 'POST /v1/tasks': { created: true, warnings, task: { ...DONE, state: 'queued' } } })
    const { code, stderr } = await run(['run', 'acme/cat', '-d'], { api: fake.url })
    assert.deepEqual([code, stderr], [0, `warning: ${warnings[0]}; it waits for one that can\n`])
  })

  it('exits with 8 when the program failed for good, and says how', async () => {
    await using fake = await api({ 'GET /v1/tasks/t-1': DEAD })
    const { code, stdout, stderr } = await run(['run', 'acme/report'], { api: fake.url })
    assert.deepEqual([code, stdout], [8, ''])
    assert.match(stderr, /report \(t-1\) has failed for good: exit code 3/)
  })

  it('says how to give more time to a task that ran out of it', async () => {
    const late = { ...DEAD, error: { code: 'timeout', message: 'it had not ended within 3s' } }
    await using fake = await api({ 'GET /v1/tasks/t-1': late })
    const { stderr } = await run(['run', 'acme/report'], { api: fake.url })
    assert.match(stderr, /for good: it had not ended within 3s\n {2}try: cares run … --timeout/)
  })

  it('takes a file, and flags on top of it', async () => {
    await using fake = await api()
    const folder = await mkdtemp(join(tmpdir(), 'cares-run-'))
    try {
      const file = join(folder, 'task.yaml')
      await writeFile(file, 'image: acme/report\nmemory: 64Mi\ntimeout: 10s\nenv: { A: a, B: b }\n')
      assert.equal((await run(['run', '-f', file, '-e', 'B=c', '-d'], { api: fake.url })).code, 0)
      assert.deepEqual(JSON.parse(fake.asked[0]?.body ?? ''), {
        image: 'acme/report',
        memoryBytes: 64 * 2 ** 20,
        timeoutMs: 10_000,
        env: { A: 'a', B: 'c' }
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('says whether a flag or the file is wrong', async () => {
    const argv = ['run', '-f', '-', '--memory', '1Ki', '-d']
    const { code, stderr } = await run(argv, { stdin: 'image: acme/report\ncpus: 9000\n' })
    assert.equal(code, 2)
    assert.match(
      stderr,
      /^cares: stdin: cpus: must be at most 256 \(and 1 more\)\n {2}--memory: must be at least 6Mi\n {2}try: cares run --help/
    )
  })

  it('gives a function the words behind it as arguments', async () => {
    await using fake = await api()
    assert.equal((await run(['run', '-d', '--function', 'ocr', '--', '--lang', 'de'], { api: fake.url })).code, 0)
    assert.deepEqual(JSON.parse(fake.asked[0]?.body ?? ''), { function: 'ocr', args: ['--lang', 'de'] })
  })

  for (const [argv, said] of [
    [[], 'nothing to run: needs either an image or a function\n  try: cares run IMAGE   or cares run --function NAME'],
    [
      ['acme/report', '--function', 'ocr'],
      'either an image or a function, not both: a function brings its image along\n  try: cares run --function ocr -- acme/report   (as its arguments)'
    ],
    [['acme/site', '--publish', '0'], '--publish: must be at least 1024\n  try: cares run --help'],
    [['acme/site', '--publish', '70000'], '--publish: must be at most 65535\n  try: cares run --help']
  ] as const)
    it(`says in one word what is wrong with ${argv.join(' ') || 'nothing'}, and what to write`, async () => {
      assert.deepEqual(await run(['run', ...argv]), { code: 2, stdout: '', stderr: `cares: ${said}\n` })
    })

  for (const [what, argv] of [
    ['nothing to run', []],
    ['a file that is not there', ['-f', '/nowhere/task.yaml']],
    ['a reserved variable', ['acme/report', '-e', 'CARES_TASK=x']],
    ['no attempts', ['acme/report', '--attempts', '0']],
    ['a memory that is none', ['acme/report', '--memory', 'lots']]
  ] as const)
    it(`refuses ${what} without asking anybody`, async () => {
      await using fake = await api()
      assert.equal((await run(['run', ...argv], { api: fake.url })).code, 2)
      assert.deepEqual(fake.asked, [])
    })
})

describe('cares tasks, wait, cancel, logs and explain', () => {
  it('are drawn from answers that the API may give', () => {
    for (const item of [DONE, DEAD]) assert.deepEqual(taskSchema.safeParse(item).error, undefined)
    assert.deepEqual(taskListSchema.safeParse(LIST).error, undefined)
  })

  it('list tasks by state, and show one with its attempts', async () => {
    await using fake = await api()
    const { stdout } = await run(['tasks', '--state', 'dead'], { api: fake.url })
    assert.match(stdout, /^NAME +ID +STATE +TRY +PEER +EXIT +TOOK +AGE\nreport +t-1 +succeeded +1\/3 +birch +0 +1ms/)
    assert.equal(fake.asked[0]?.url, '/v1/tasks?state=dead&limit=1000')
    assert.match((await run(['tasks', 't-1'], { api: fake.url })).stdout, /^t-1 +report, succeeded.*\n[^]*attempts +0 of 3 have failed/)
    for (const format of ['json', 'jsonl', 'yaml', 'name', 'wide'])
      assert.equal((await run(['tasks', '-o', format], { api: fake.url })).code, 0, format)
  })

  it('wait for all, and exit as the first that did not succeed', async () => {
    await using fake = await api({ 'GET /v1/tasks/t-2': { ...DEAD, id: 't-2' } })
    assert.deepEqual(await run(['wait', 't-1', 't-2'], { api: fake.url }), {
      code: 8,
      stdout: 't-1  succeeded\nt-2  dead  exit code 3\n',
      stderr: ''
    })
  })

  it('fetch what one has written, and nothing else', async () => {
    await using fake = await api()
    assert.deepEqual(await run(['wait', 't-1', '--result'], { api: fake.url }), { code: 0, stdout: 'hello\n', stderr: '' })
    assert.equal((await run(['wait', 't-1', 't-2', '--result'], { api: fake.url })).code, 2)
    fake.answer('GET /v1/tasks/t-1', DEAD)
    assert.deepEqual([(await run(['wait', 't-1', '--result'], { api: fake.url })).code], [8])
  })

  it('wait no longer than they are told', async () => {
    await using fake = await api({ 'GET /v1/tasks/t-1': { ...DONE, state: 'running' } })
    assert.equal((await run(['wait', 't-1', '--timeout', '1ms'], { api: fake.url })).code, 7)
  })

  it('say that there is no such task', async () => {
    await using fake = await api({ 'GET /v1/tasks/t-9': problem('not_found', 'no task t-9', 404) })
    for (const command of ['tasks', 'wait', 'logs']) assert.equal((await run([command, 't-9'], { api: fake.url })).code, 4, command)
  })

  it('cancel, show lines and reasons', async () => {
    await using fake = await api()
    assert.equal((await run(['cancel', 't-1'], { api: fake.url })).stdout, 't-1  cancelled\n')
    assert.match((await run(['logs', 't-1'], { api: fake.url })).stdout, /hi\n$/)
    assert.equal((await run(['explain', 't-1'], { api: fake.url })).stdout, 't-1  succeeded\nplaced on birch\n')
  })

  it('show by which numbers one was placed as of a call, why not elsewhere, and when neither is known', async () => {
    const known = { ...TASK_EXPLANATION, recomputes: false }
    await using fake = await api({ 'GET /v1/tasks/t-1/explain': known })
    const { stdout } = await run(['explain', 't-1', '--why-not', 'atlas'], { api: fake.url })
    assert.equal(fake.asked.at(-1)?.url, '/v1/tasks/t-1/explain?whyNot=atlas')
    const call = explanationLines(EXPLANATION, { width: 80, color: false, unicode: true, wide: false } as never)
    for (const line of call.slice(1, -1)) assert.ok(stdout.includes(line.trimEnd()), line)
    assert.match(stdout, /^These numbers do not come to this choice.*\nWhy not atlas: no warm container\n$/m)
    for (const [state, said] of [
      ['running', 'Its placement is not known: another orchestrator made it, or it was long ago.'],
      ['queued', 'It has not been placed.']
    ] as const) {
      fake.answer('GET /v1/tasks/t-1/explain', { id: 't-1', state, reasons: ['atlas was lost'], placement: null })
      assert.equal((await run(['explain', 't-1'], { api: fake.url })).stdout, `t-1  ${state}\natlas was lost\n${said}\n`)
    }
    fake.answer('GET /v1/tasks/t-1/explain', problem('not_found', 'no placement of task t-1 is known', 404))
    const refused = await run(['explain', 't-1', '--why-not', 'atlas'], { api: fake.url })
    assert.deepEqual([refused.code, refused.stdout], [4, ''])
    assert.match(refused.stderr, /^cares: no placement of task t-1 is known/)
  })

  const noFunction = problem('not_found', 'no function named report', 404)
  const named = {
    'GET /v1/functions/report': noFunction,
    'GET /v1/invocations': { items: [], missing: [] },
    'GET /v1/tasks/report': DONE,
    'DELETE /v1/tasks/report': { ...DONE, state: 'cancelled' }
  }

  it('take the name of a task', async () => {
    await using fake = await api(named)
    const { stdout } = await run(['cancel', 'report'], { api: fake.url })
    assert.equal(stdout, `${DONE.id}  cancelled\n`)
    assert.match((await run(['logs', 'report'], { api: fake.url })).stdout, /hi\n$/)
    assert.equal((await run(['explain', 'report'], { api: fake.url })).stdout, 't-1  succeeded\nplaced on birch\n')
  })

  it('take a function of that name before a task, and tell of several tasks or of neither', async () => {
    await using fake = await api({ ...named, 'GET /v1/functions/report': THUMB, 'GET /v1/logs': response => void response.end() })
    await run(['logs', 'report'], { api: fake.url })
    assert.deepEqual(
      fake.asked.map(({ url }) => url).filter(url => url.startsWith('/v1/tasks')),
      []
    )
    fake.answer('GET /v1/functions/report', noFunction)
    for (const [answer, code, said] of [
      [problem('conflict', 'several tasks are called report', 409), 5, /several tasks are called report/],
      [problem('not_found', 'no task report', 404), 4, /no function and no task named report/]
    ] as const) {
      fake.answer('GET /v1/tasks/report', answer)
      for (const command of ['logs', 'explain']) {
        const { code: exit, stderr } = await run([command, 'report'], { api: fake.url })
        assert.equal(exit, code, command)
        assert.match(stderr, said)
      }
    }
  })

  it('tell what came of each that was to be cancelled, though one of them fails', async () => {
    await using fake = await api({
      'DELETE /v1/tasks/t-8': problem('no_quorum', 'there is no quorum', 503),
      'DELETE /v1/tasks/t-9': problem('not_found', 'no task t-9', 404)
    })
    const all = await run(['cancel', 't-8', 't-1', 't-9'], { api: fake.url })
    assert.deepEqual([all.code, all.stdout], [5, 't-8  there is no quorum\nt-1  cancelled\nt-9  no task t-9\n'])
    assert.equal((await run(['cancel', 't-1', 't-9'], { api: fake.url })).code, 4)
    const { items } = JSON.parse((await run(['cancel', 't-1', 't-8', '--json'], { api: fake.url })).stdout) as { items: unknown }
    const error = { code: 'no_quorum', message: 'there is no quorum' }
    assert.deepEqual(items, [
      { id: 't-1', found: true },
      { id: 't-8', found: false, error }
    ])
  })

  /** What a peer answers that has heard no orchestrator for 31 s. */
  const stale =
    (body: object): Answer =>
    response => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-cares-stale-ms': '31000' })
      response.end(JSON.stringify(body))
    }
  const AS_OF = 'cares: as of 31s ago: no orchestrator answers\n'

  it('say once, and not to programs, how old it is what they show', async () => {
    await using fake = await api({
      'GET /v1/tasks': stale(LIST),
      'GET /v1/tasks/t-1': stale(DONE),
      'GET /v1/tasks/t-1/explain': stale({ id: 't-1', state: 'running', reasons: [] }),
      'GET /v1/functions': stale({ items: [THUMB] })
    })
    for (const argv of [['tasks'], ['tasks', 't-1'], ['wait', 't-1', 't-1'], ['explain', 't-1'], ['functions']]) {
      const { code, stderr } = await run(argv, { api: fake.url })
      assert.deepEqual([code, stderr], [0, AS_OF], argv.join(' '))
    }
    const { stdout, stderr } = await run(['tasks', 't-1', '--json'], { api: fake.url })
    assert.deepEqual([JSON.parse(stdout), stderr], [DONE, AS_OF])
    assert.equal((await run(['tasks', '-q'], { api: fake.url })).stderr, '')
  })

  it('wait on for a service that was healthy when an orchestrator was heard last', async () => {
    const health = { publish: null, port: null, healthPath: null, health: 'healthy', healthSince: NOW, restarts: 0 } as const
    const healthy: TaskItem = { ...DONE, state: 'running', service: health }
    let nowMs = 0
    const clock = {
      nowMs: () => nowMs,
      sleep: async (ms: number) => {
        nowMs += ms
      }
    }
    await using fake = await api({ 'GET /v1/tasks/t-1': stale(healthy) })
    const { code, stderr, stdout } = await run(['wait', 't-1', '--timeout', '10s'], { api: fake.url, clock })
    assert.deepEqual([code, stdout, nowMs], [7, '', 10_000])
    assert.match(stderr, /task t-1 is still running, as of 31s ago: no orchestrator answers\n/)
    assert.ok(fake.asked.length < 15, 'it does not ask without a pause')
    const answers = [stale(healthy), stale(healthy), healthy]
    fake.answer('GET /v1/tasks/t-1', async (response, asked) => {
      const answer = answers.shift()
      if (typeof answer === 'function') await (answer as (to: typeof response, what: typeof asked) => unknown)(response, asked)
      else response.end(JSON.stringify(answer))
    })
    assert.deepEqual((await run(['wait', 't-1'], { api: fake.url, clock })).code, 0)
    assert.deepEqual(answers, [])
  })
})

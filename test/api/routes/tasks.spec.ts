import assert from 'node:assert/strict'
import { CaresError } from '../../../src/model/errors.ts'
import type { Digest } from '../../../src/model/ids.ts'
import type { Problem } from '../../../src/model/rest.ts'
import type { TaskExplanation, TaskItem, TaskList, TaskSubmitted } from '../../../src/model/rest-tasks.ts'
import type { TaskQuery, TaskRequest, TaskService, TaskWhy } from '../../../src/model/task-service.ts'
import { ATLAS, BIRCH, sampleReceipt } from '../../support/samples.ts'
import { fakeTasks, sampleTask } from '../../support/fake-tasks.ts'
import { createHarness } from '../harness.ts'

const TASK = sampleTask(BIRCH)
const harnessWith = (script: Partial<TaskService> = {}) => createHarness({ tasks: fakeTasks(TASK, script) })

describe('/v1/tasks', () => {
  it('lists what is asked for, with the names of peers and where to go on', async () => {
    const queries: TaskQuery[] = []
    await using harness = harnessWith({
      list: async query => {
        queries.push(query)
        return { items: [TASK], next: 7 }
      }
    })
    const list = (await harness.app.inject('/v1/tasks?state=dead,queued&function=thumb&peer=birch&limit=5&cursor=9')).json<TaskList>()
    assert.deepEqual(queries, [{ limit: 5, states: ['dead', 'queued'], function: 'thumb', worker: BIRCH, before: 9 }])
    assert.deepEqual([list.items[0]?.worker?.name, list.next, list.counts.succeeded], ['birch', '7', 1])
  })

  for (const query of ['state=done', 'limit=0', 'limit=1001', 'limit=x', 'cursor=-1', 'status=dead'])
    it(`refuses ?${query}`, async () => {
      await using harness = harnessWith()
      assert.equal((await harness.app.inject(`/v1/tasks?${query}`)).statusCode, 422)
    })

  it('accepts a task with its input and its key, and says where it is', async () => {
    const submitted: unknown[] = []
    await using harness = harnessWith({
      submit: async (request: TaskRequest, { input, key, caller }) => {
        const bytes = input === undefined ? undefined : Buffer.concat(await Array.fromAsync(input)).toString('hex')
        submitted.push([request, bytes, key, caller])
        return { task: TASK, created: submitted.length === 1 }
      }
    })
    const post = async (payload: object) =>
      harness.app.inject({ method: 'POST', url: '/v1/tasks', headers: { 'idempotency-key': 'k', 'x-cares-caller': 'nightly' }, payload })
    const first = await post({ image: 'acme/report', args: ['-x'], inputBase64: '/wA=' })
    const again = await post({ image: 'acme/report', input: 'ü' })
    assert.deepEqual([first.statusCode, first.headers['location'], again.statusCode], [202, '/v1/tasks/t-1', 200])
    assert.deepEqual([first.json<TaskSubmitted>().created, again.json<TaskSubmitted>().created], [true, false])
    assert.deepEqual(submitted, [
      [{ image: 'acme/report', args: ['-x'] }, 'ff00', 'k', 'nightly'],
      [{ image: 'acme/report' }, 'c3bc', 'k', 'nightly']
    ])
  })

  for (const caller of ['two words', 'x'.repeat(65), ''])
    it(`refuses to charge ${JSON.stringify(caller)}`, async () => {
      await using harness = harnessWith()
      const headers = { 'x-cares-caller': caller }
      const answer = await harness.app.inject({ method: 'POST', url: '/v1/tasks', headers, payload: { image: 'acme/report' } })
      assert.equal(answer.statusCode, 422)
    })

  for (const [what, payload] of [
    ['neither image nor function', {}],
    ['both image and function', { image: 'a', function: 'b' }],
    ['two inputs', { image: 'a', input: '', inputBase64: '' }],
    ['an input that is not base 64', { image: 'a', inputBase64: '%' }],
    ['a field that there is not', { image: 'a', memory: 5 }],
    ['no attempt', { image: 'a', attempts: 0 }],
    ['an attempt that never ends', { image: 'a', timeoutMs: 8 * 86_400_000 }],
    ['an argument with a NUL', { image: 'a', args: ['\0'] }],
    ['a reserved variable', { image: 'a', env: { CARES_TASK: 'x' } }],
    ['a name with a space', { image: 'a', name: 'a b' }]
  ] as const)
    it(`refuses a task with ${what}`, async () => {
      await using harness = harnessWith()
      const answer = await harness.app.inject({ method: 'POST', url: '/v1/tasks', payload })
      assert.deepEqual([answer.statusCode, answer.json<Problem>().code], [422, 'invalid'], answer.body)
    })

  it('tells what was expected of one, as far as its peer was there to expect it', async () => {
    await using harness = harnessWith()
    assert.equal((await harness.app.inject('/v1/tasks/t-1')).json<TaskItem>().predictedMs, 281)
    assert.equal((await harness.app.inject('/v1/tasks')).json<TaskList>().items[0]?.predictedMs, 281)
  })

  it('says which machines the image of one is for', async () => {
    await using harness = createHarness({ tasks: fakeTasks({ ...TASK, spec: { ...TASK.spec, arch: 'arm64' } }) })
    assert.equal((await harness.app.inject('/v1/tasks/t-1')).json<TaskItem>().arch, 'arm64')
  })

  it('reads, waits for, cancels and explains one', async () => {
    await using harness = harnessWith()
    for (const url of ['/v1/tasks/t-1', '/v1/tasks/report', '/v1/tasks/t-1?wait=1s']) {
      const item = (await harness.app.inject(url)).json<TaskItem>()
      assert.deepEqual(
        [item.id, item.state, item.attempt, item.exitCode, item.outputBytes, item.error],
        ['t-1', 'succeeded', 1, 0, 2, null]
      )
    }
    assert.equal((await harness.app.inject({ method: 'DELETE', url: '/v1/tasks/t-1' })).json<TaskItem>().id, 't-1')
    const { reasons } = (await harness.app.inject('/v1/tasks/t-1/explain')).json<TaskExplanation>()
    assert.deepEqual(reasons, ['placed on birch'])
  })

  it('waits no longer than it is told', async () => {
    const waiting = Promise.withResolvers<AbortSignal>()
    await using harness = harnessWith({
      waitFor: async (_, { signal }) => {
        waiting.resolve(signal)
        await new Promise(resolve => signal.addEventListener('abort', resolve))
        return TASK
      }
    })
    const answer = harness.app.inject('/v1/tasks/t-1?wait=30s')
    const signal = await waiting.promise
    harness.clock.advance(29_999)
    assert.equal(signal.aborted, false)
    harness.clock.advance(1)
    assert.equal((await answer).statusCode, 200)
  })

  it('gives the bytes of a result as they are, or says why there are none', async () => {
    await using harness = harnessWith()
    const answer = await harness.app.inject('/v1/tasks/t-1/result')
    assert.deepEqual([answer.headers['content-length'], answer.body], ['2', 'hi'])
    await using other = harnessWith({
      output: async () => {
        throw new CaresError('conflict', 'it is running', { retryable: true })
      }
    })
    assert.equal((await other.app.inject('/v1/tasks/t-1/result')).statusCode, 409)
  })

  it('gives the lines that it has written', async () => {
    await using harness = harnessWith()
    await harness.app.inject('/v1/tasks/report/logs?tail=7')
    const query = harness.service.asked.find(({ method }) => method === 'logs')?.args[0]
    assert.deepEqual(query, { invocation: 't-1', tail: 7, follow: false })
  })

  it('knows no others', async () => {
    await using harness = harnessWith()
    for (const url of ['/v1/tasks/t-2', '/v1/tasks/t-2/result', '/v1/tasks/t-2/logs', '/v1/tasks/t-2?wait=1s'])
      assert.equal((await harness.app.inject(url)).statusCode, 404, url)
  })
})

describe('/v1/payloads', () => {
  const post = async (harness: ReturnType<typeof harnessWith>, payload: string | Buffer, headers: Record<string, string> = {}) =>
    harness.app.inject({ method: 'POST', url: '/v1/payloads', headers, payload })

  it('keeps bytes of whatever type they say they are, and answers with their address', async () => {
    const kept: string[] = []
    await using harness = harnessWith({
      upload: async bytes => {
        kept.push(Buffer.concat(await Array.fromAsync(bytes)).toString())
        return { digest: 'sha256:abc' as Digest, bytes: 5, holders: [BIRCH] }
      }
    })
    for (const type of ['application/octet-stream', 'application/json', 'nonsense']) {
      const answer = await post(harness, '{"a":', { 'content-type': type })
      assert.deepEqual([answer.statusCode, answer.json()], [201, { digest: 'sha256:abc', bytes: 5 }], type)
    }
    assert.deepEqual(kept, ['{"a":', '{"a":', '{"a":'])
  })

  it('refuses what says that it is too large before a byte of it is kept', async () => {
    await using harness = harnessWith({ upload: async () => assert.fail('it was kept') })
    const answer = await post(harness, 'x', { 'content-length': String(2 ** 26 + 1) })
    assert.deepEqual([answer.statusCode, answer.json<Problem>().code], [413, 'too_large'])
  })

  it('are named by a task in place of an input, and beside none', async () => {
    const named: unknown[] = []
    await using harness = harnessWith({
      submit: async (_, { input, inputDigest }) => {
        named.push([input, inputDigest])
        return { task: TASK, created: true }
      }
    })
    const digest = `sha256:${'a'.repeat(64)}`
    const submit = async (payload: object) => (await harness.app.inject({ method: 'POST', url: '/v1/tasks', payload })).statusCode
    assert.equal(await submit({ image: 'a', inputDigest: digest }), 202)
    assert.deepEqual(named, [[undefined, digest]])
    for (const wrong of [{ inputDigest: digest, input: '' }, { inputDigest: 'sha256:../../x' }, { inputDigest: digest.toUpperCase() }])
      assert.equal(await submit({ image: 'a', ...wrong }), 422, JSON.stringify(wrong))
  })

  it('tells why a task is where it is with the names of peers, not with their ids', async () => {
    await using harness = harnessWith({
      explain: async () => ({
        reasons: [`attempt 1 was given to ${BIRCH}`, 'placed on 12D3KooWnobodyknows'],
        receipt: null,
        recomputes: null
      })
    })
    const { reasons } = (await harness.app.inject('/v1/tasks/t-1/explain')).json<TaskExplanation>()
    assert.deepEqual(reasons, ['attempt 1 was given to birch', 'placed on 12D3KooWnobodyknows'])
  })
})

describe('/v1/tasks/:id/explain', () => {
  const explained = async (
    query: string,
    why?: Partial<TaskWhy>
  ): Promise<{ status: number; explanation: TaskExplanation; problem: Problem }> => {
    const known: TaskWhy = { reasons: [], receipt: sampleReceipt(), recomputes: true, ...why }
    await using harness = harnessWith({ explain: async () => known })
    const answer = await harness.app.inject(`/v1/tasks/t-1/explain${query}`)
    return { status: answer.statusCode, explanation: answer.json(), problem: answer.json() }
  }

  it('tells by which numbers one was placed, as of a call, and that they come to the choice', async () => {
    const { placement, recomputes, whyNot } = (await explained('')).explanation
    assert.deepEqual(
      [placement?.chosen?.name, placement?.term, placement?.needs.cpus, recomputes, whyNot],
      ['birch', 3, 0.5, true, undefined]
    )
    const rows = placement?.verdicts.map(({ peer, fits, cost }) => [peer.name, fits, cost?.total])
    assert.deepEqual(rows, [
      ['birch', true, 50],
      ['atlas', true, 180]
    ])
  })

  it('tells why not another peer, and of one that was left out what that means of a task', async () => {
    const { explanation } = await explained('?whyNot=atlas')
    assert.deepEqual(explanation.whyNot, {
      peer: { id: ATLAS, name: 'atlas' },
      why: '130ms more than the chosen one; most of its cost is start (130ms)'
    })
    const decision = {
      chosen: null,
      verdicts: [{ peer: ATLAS, fits: false as const, reason: 'excluded' as const }],
      skipped: 0,
      rejected: { excluded: 1 }
    }
    const unplaced = (await explained('?whyNot=atlas', { receipt: sampleReceipt({ decision }) })).explanation
    assert.match(unplaced.whyNot?.why ?? '', /^took no tasks then: it had just refused one/)
    assert.equal(unplaced.placement?.chosen, null)
  })

  it('refuses to say why not where the placement is not known, and of peers that are not', async () => {
    const { status, explanation } = await explained('', { receipt: null, recomputes: null })
    assert.deepEqual([status, explanation.placement], [200, null])
    const refused = await explained('?whyNot=atlas', { receipt: null, recomputes: null })
    assert.deepEqual([refused.status, refused.problem.code], [404, 'not_found'])
    assert.match(refused.problem.detail, /^no placement of task t-1 is known, so it cannot be said why not atlas/)
    assert.equal((await explained('?whyNot=oak')).status, 404)
    assert.equal((await explained('?whynot=atlas')).status, 422)
  })
})

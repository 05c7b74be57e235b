import assert from 'node:assert/strict'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { TaskStore } from '../../src/model/ports/task-store.ts'
import type { TaskChange, TaskId, TaskRecord, TaskSession } from '../../src/model/task.ts'
import { sampleResult, sampleSubmit, sampleTaskSpec } from '../support/sample-task.ts'

/** Where the tasks of one cluster are kept, seen by several peers. */
export interface TestTasks {
  /** The store of one more peer, started. */
  peer(): Promise<TaskStore>
  /** Stops all of them. */
  end(): Promise<void>
}

const AT = '2026-01-01T00:00:00.000Z'
const id = (n: number): TaskId => `t-${n}` as TaskId
const submit = (n: number, changes: Partial<Extract<TaskChange, { type: 'submit' }>> = {}): TaskChange =>
  sampleSubmit({ id: id(n), ...changes })
const assign = (n: number, attempt = 1): TaskChange => {
  return { type: 'assign', id: id(n), attempt, worker: 'birch' as PeerId, session: 's-1' as TaskSession, at: AT }
}
const complete = (n: number, attempt = 1): TaskChange => ({
  type: 'complete',
  id: id(n),
  attempt,
  result: sampleResult(),
  at: '2026-01-02T00:00:00.000Z'
})
const fail = (n: number, attempt = 1, stderr = 'no'): TaskChange => {
  return {
    type: 'fail',
    id: id(n),
    attempt,
    failure: { code: 'function_failed', message: 'no', stderr },
    counts: true,
    final: false,
    at: AT
  }
}

/** What every driver of the port `TaskStore` must do. */
export function taskStoreCompliance(create: () => Promise<TestTasks>): void {
  let tasks: TestTasks
  let store: TaskStore
  beforeEach(async () => {
    tasks = await create()
    store = await tasks.peer()
  })
  afterEach(async () => tasks.end())

  const signal = new AbortController().signal
  const commit = async (...changes: readonly TaskChange[]): Promise<readonly string[]> =>
    (await store.commit(changes, { signal })).map(outcome => (outcome.type === 'refused' ? outcome.code : outcome.type))
  const statesOf = async (): Promise<readonly string[]> =>
    (await store.list({ limit: 100 })).items.map(({ id: of, state }) => `${of} ${state}`).toReversed()

  it('keeps a task from its submission to its end, and every change has its outcome', async () => {
    assert.deepEqual(await commit(submit(1), submit(2)), ['changed', 'changed'])
    assert.deepEqual(await commit(assign(1), assign(9), assign(1), complete(2)), ['changed', 'not_found', 'unchanged', 'stale'])
    assert.deepEqual(await commit(fail(1), assign(1, 2), complete(1), complete(1, 2)), ['changed', 'changed', 'stale', 'changed'])
    const task = await store.find(id(1))
    assert.deepEqual(
      [task?.state, task?.attempt, task?.failures, task?.result?.exitCode, task?.attempts.map(({ attempt }) => attempt)],
      ['succeeded', 2, 1, 0, [1, 2]]
    )
    assert.deepEqual(await statesOf(), ['t-1 succeeded', 't-2 queued'])
    assert.equal(await store.find(id(9)), undefined)
  })

  it('gives a task back exactly as it was submitted', async () => {
    const spec = sampleTaskSpec({ args: ['-x', '', 'ü 😀'], env: { A: "'; DROP TABLE", B: '\ud800' }, function: 'ocr' })
    await commit(submit(1, { key: 'k', spec, input: { bytes: 1, inline: 'AA==' } }), assign(1), fail(1, 1, 'nul \0 and \ud800'))
    const task = await store.find(id(1))
    assert.deepEqual(task?.spec, spec)
    assert.deepEqual([task?.key, task?.input, task?.attempts[0]?.failure?.stderr], ['k', { bytes: 1, inline: 'AA==' }, 'nul \0 and \ud800'])
  })

  it('knows a task again by its id, or by the key of its client, and refuses the key for another request', async () => {
    await commit(submit(1, { key: 'k' }))
    assert.deepEqual(await store.commit([submit(2, { key: 'k' })], { signal }), [{ type: 'unchanged', id: id(1) }])
    assert.deepEqual(await commit(submit(1, { key: 'k' }), submit(3, { key: 'k', fingerprint: 'other' })), ['unchanged', 'conflict'])
    assert.deepEqual(await statesOf(), ['t-1 queued'])
  })

  it('records one result, however many peers bring one at once', async () => {
    const stores = [store, await tasks.peer(), await tasks.peer()]
    await commit(...Array.from({ length: 10 }, (_, n) => [submit(n), assign(n)]).flat())
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, async (_, at) => stores[at % 3]?.commit([complete(at % 10)], { signal }) ?? [])
    )
    assert.equal(outcomes.flat().filter(({ type }) => type === 'changed').length, 10)
    assert.equal(new Set((await store.list({ limit: 100 })).items.map(({ endSeq }) => endSeq)).size, 10)
  })

  it('finds by id, by the beginning of one, and by name: what is not over first, then the newest; two at most', async () => {
    await commit(submit(10), submit(11), submit(2, { spec: sampleTaskSpec({ name: 'nightly' }) }))
    const matches = async (text: string): Promise<readonly TaskId[]> => (await store.match(text)).map(({ id: of }) => of)
    assert.deepEqual(await matches('t-10'), [id(10)])
    assert.deepEqual(await matches('t-1'), [id(11), id(10)])
    assert.deepEqual(await matches('nightly'), [id(2)])
    await commit(submit(3), { type: 'cancel', id: id(11), at: AT })
    assert.deepEqual(await matches('report'), [id(3), id(10)], 'the newest of those that are not over')
    await commit({ type: 'cancel', id: id(10), at: AT })
    assert.deepEqual(await matches('report'), [id(3), id(11)], 'one that is not over, then the newest that is')
    for (const text of ['x', '%', '_', 't-1%', "'"]) assert.deepEqual(await matches(text), [], text)
  })

  it('lists the newest first, page by page, and only what was asked for', async () => {
    await commit(...[1, 2, 3, 4, 5].map(n => submit(n)), assign(2), assign(4), complete(4))
    const first = await store.list({ limit: 2 })
    assert.deepEqual([first.items.map(({ id: of }) => of), first.next === null], [[id(5), id(4)], false])
    const second = await store.list({ limit: 3, before: first.next ?? 0 })
    assert.deepEqual([second.items.map(({ id: of }) => of), second.next], [[id(3), id(2), id(1)], null])
    const only = async (query: Partial<Parameters<TaskStore['list']>[0]>): Promise<readonly TaskId[]> =>
      (await store.list({ limit: 10, ...query })).items.map(({ id: of }) => of)
    assert.deepEqual(await only({ states: ['running', 'succeeded'] }), [id(4), id(2)])
    assert.deepEqual(await only({ worker: 'birch', states: ['running'] }), [id(2)])
    assert.deepEqual(await only({ function: 'ocr' }), [])
    assert.deepEqual(await store.counts(), { queued: 3, running: 1, succeeded: 1, dead: 0, cancelled: 0 })
  })

  it('gives an orchestrator what is not over, and refuses the changes of every term before its own', async () => {
    await commit(submit(1), submit(2), submit(3), assign(2), { type: 'cancel', id: id(3), at: AT })
    assert.deepEqual(
      (await store.open({ term: 5 })).map(({ id: of }) => of),
      [id(1), id(2)]
    )
    assert.equal((await store.commit([assign(1)], { term: 5, signal }))[0]?.type, 'changed')
    await store.open({ term: 6 })
    await assert.rejects(store.commit([complete(1)], { term: 5, signal }), { code: 'stale' })
    assert.equal((await store.find(id(1)))?.state, 'running')
    assert.deepEqual(await commit({ type: 'cancel', id: id(1), at: AT }), ['changed'], 'whoever carries no term may still cancel')
  })

  it('tells every peer of every change, and the one that made it before its commit resolves', async () => {
    const other = await tasks.peer()
    const heard: TaskRecord[] = []
    const elsewhere: TaskRecord[] = []
    const all = Promise.withResolvers<void>()
    store.onChange(task => void heard.push(task))
    other.onChange(task => {
      elsewhere.push(task)
      if (task.state === 'succeeded') all.resolve()
    })
    await commit(submit(1))
    assert.deepEqual(
      heard.map(({ state }) => state),
      ['queued']
    )
    await commit(assign(1))
    assert.equal(heard.at(-1)?.state, 'running')
    await commit(assign(1), complete(1))
    assert.deepEqual([heard.length, heard.at(-1)?.state], [3, 'succeeded'])
    await all.promise
    assert.equal(elsewhere.at(-1)?.id, id(1))
  })

  it('forgets what was over before a moment, with its key, and nothing else', async () => {
    await commit(submit(1, { key: 'k' }), assign(1), complete(1), submit(2), submit(3), {
      type: 'cancel',
      id: id(3),
      at: '2026-01-09T00:00:00.000Z'
    })
    const [outcome] = await store.commit([{ type: 'expire', before: '2026-01-05T00:00:00.000Z', at: AT }], { signal })
    assert.deepEqual(outcome, { type: 'expired', count: 1 })
    assert.deepEqual(await statesOf(), ['t-2 queued', 't-3 cancelled'])
    assert.deepEqual(await commit(submit(4, { key: 'k', fingerprint: 'other' })), ['changed'])
  })

  it('says which large inputs and results tasks refer to', async () => {
    const blob = (text: string) => ({
      bytes: 70_000,
      blob: { digest: `sha256:${text}` as Digest, bytes: 70_000, holders: ['elm' as PeerId] }
    })
    const blobs = async (): Promise<readonly string[]> => (await store.blobs()).map(({ digest }) => digest).sort()
    await commit(submit(1, { input: blob('in') }), submit(2, { input: blob('other') }), submit(3))
    assert.deepEqual(await blobs(), ['sha256:in', 'sha256:other'])
    await commit(assign(1), { type: 'complete', id: id(1), attempt: 1, result: sampleResult({ output: blob('out') }), at: AT })
    assert.deepEqual(await blobs(), ['sha256:other', 'sha256:out'], 'an input is let go with the end of its task')
  })

  it('gives a published port to one service at a time, whoever asks, and says which are published', async () => {
    const web = (n: number, publish: number): TaskChange => submit(n, { spec: sampleTaskSpec({ service: { publish, port: 80 } }) })
    const published = async (): Promise<readonly unknown[]> =>
      (await store.published()).map(({ id: of, spec }) => `${of} ${spec.service?.publish}`).sort()
    const other = await tasks.peer()
    assert.deepEqual(await commit(submit(1), web(2, 8080), web(3, 8080)), ['changed', 'changed', 'conflict'])
    const [outcome] = await other.commit([web(4, 8080)], { signal })
    assert.equal(outcome?.type === 'refused' && outcome.code, 'conflict')
    assert.deepEqual(await commit(web(5, 8081), assign(2), { type: 'health', id: id(2), attempt: 1, health: 'healthy', at: AT }), [
      'changed',
      'changed',
      'changed'
    ])
    assert.equal((await store.find(id(2)))?.attempts.at(-1)?.health, 'healthy')
    assert.deepEqual(await published(), ['t-2 8080', 't-5 8081'])
    assert.deepEqual(await commit({ type: 'cancel', id: id(2), at: AT }, web(6, 8080)), ['changed', 'changed'])
    assert.deepEqual(await published(), ['t-5 8081', 't-6 8080'])
  })

  it('changes nothing for a caller that has given up', async () => {
    await assert.rejects(store.commit([submit(1)], { signal: AbortSignal.abort(new Error('gone')) }))
    assert.deepEqual(await statesOf(), [])
  })
}

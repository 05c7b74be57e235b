import assert from 'node:assert/strict'
import { createSystemClock } from '../../../src/daemon/system-clock.ts'
import type { ClusterUid } from '../../../src/model/ids.ts'
import type { TaskStore } from '../../../src/model/ports/task-store.ts'
import { PostgresTaskStore } from '../../../src/store/postgres/postgres-task-store.ts'
import { taskStoreCompliance } from '../../compliance/task-store.ts'
import { postgresPrograms, type PostgresServer, startPostgres } from '../../support/postgres-server.ts'
import { sampleSubmit } from '../../support/sample-task.ts'
import { skip } from '../../support/skip.ts'
import { createTestLog } from '../../support/test-log.ts'

describe('PostgresTaskStore', function () {
  this.timeout(60_000)
  let server: PostgresServer
  let databases = 0
  const stores: TaskStore[] = []
  const signal = new AbortController().signal

  before(async function () {
    const programs = postgresPrograms()
    if (programs === null) skip(this, 'there is no PostgreSQL server: sudo apt-get install postgresql')
    server = await startPostgres(programs)
  })
  after(async () => server?.dispose())
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.stop()
  })

  const open = async (url: string, cluster: string | null = 'c-1'): Promise<TaskStore> => {
    const components = { cluster: () => cluster as ClusterUid | null, clock: createSystemClock(), log: createTestLog() }
    const store = new PostgresTaskStore({ url }, components)
    stores.push(store)
    await store.start()
    return store
  }
  const newUrl = (): string => server.url(`db${++databases}`)

  describe('like every task store', () => {
    taskStoreCompliance(async () => {
      const url = newUrl()
      return {
        peer: async () => open(url),
        end: async () => {
          for (const store of stores.splice(0)) await store.stop()
        }
      }
    })
  })

  it('has its tables made by one of all peers that begin at once', async () => {
    const url = newUrl()
    const peers = await Promise.all(Array.from({ length: 8 }, async () => open(url)))
    await Promise.all(peers.map(async (peer, n) => peer.commit([sampleSubmit({ id: `t-${n}` as never })], { signal })))
    assert.equal((await peers[0]?.counts())?.queued, 8)
  })

  it('is known by an id that is written once: the same for all peers, whoever comes first, and another one in another database', async () => {
    const url = newUrl()
    const [first, second, elsewhere] = await Promise.all([open(url), open(url), open(newUrl())])
    for (const store of [first, second, elsewhere]) await store.counts()
    assert.match(first.id ?? '', /^[0-9a-f-]{36}$/)
    assert.equal(second.id, first.id)
    assert.notEqual(elsewhere.id, first.id)
    const later = await open(url)
    await later.counts()
    assert.equal(later.id, first.id)
  })

  it('does not say which one it is before it was reached', async () => {
    const store = await open('postgres://cares@127.0.0.1:1/none')
    await assert.rejects(store.counts())
    assert.equal(store.id, null)
  })

  it('refuses the database of another cluster, and work before there is one', async () => {
    const url = newUrl()
    await (await open(url, 'c-1')).commit([sampleSubmit()], { signal })
    await assert.rejects((await open(url, 'c-2')).commit([sampleSubmit()], { signal }), { code: 'conflict' })
    await assert.rejects((await open(url, null)).commit([sampleSubmit()], { signal }), { code: 'no_quorum', retryable: true })
  })

  it('says that the server is away, and goes on when it is there again, with nothing lost and everything heard', async () => {
    const url = newUrl()
    const store = await open(url)
    const other = await open(url)
    await store.commit([sampleSubmit({ id: 't-1' as never })], { signal })
    await other.counts()
    await server.kill()
    await assert.rejects(store.commit([sampleSubmit({ id: 't-2' as never })], { signal }), { code: 'no_quorum', retryable: true })
    await assert.rejects(other.list({ limit: 1 }), { code: 'no_quorum' })
    const heard = Promise.withResolvers<void>()
    // It may be the first that it hears of t-1, too, if the server was killed before that came through.
    other.onChange(({ id }) => {
      if (id === 't-3') heard.resolve()
    })
    await server.start()
    await store.commit([sampleSubmit({ id: 't-3' as never })], { signal })
    await heard.promise
    assert.deepEqual(
      (await store.list({ limit: 9 })).items.map(({ id }) => id),
      ['t-3', 't-1']
    )
  })

  it('shows no password when the server refuses it', async () => {
    const store = await open('postgres://cares:hunter2@127.0.0.1:1/none')
    await assert.rejects(store.counts(), (err: Error & { hint?: string }) => {
      assert.equal(`${err.message} ${err.hint}`.includes('hunter2'), false)
      return true
    })
  })
})

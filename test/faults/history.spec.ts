import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../e2e/cluster.ts'
import type { PeerProcess } from '../e2e/peer-process.ts'
import { History } from './history.ts'

describe('the judge of a history', () => {
  let root: string
  let cluster: Cluster

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cares-history-'))
    cluster = { dataOf: (name: string) => join(root, name), alive: [] } as unknown as Cluster
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  /** What the judge says of one call that ended so and was started so often. */
  async function judge(outcome: 'ok' | 'fail' | 'unknown' | 'pending', starts: number): Promise<string> {
    const history = new History(cluster)
    history.operations.push({ kind: 'call', key: 'k', through: 'peer-0', startedMs: 0, outcome, tookMs: 0, detail: '' })
    writeFileSync(join(root, 'starts'), 'k\n'.repeat(starts))
    return (await history.contradictions(cluster)).join('; ')
  }

  it('finds nothing in what may be', async () => {
    for (const [outcome, starts] of [
      ['ok', 1],
      ['fail', 0],
      ['unknown', 0],
      ['unknown', 1]
    ] as const) {
      assert.equal(await judge(outcome, starts), '', `${outcome}, ${starts} starts`)
    }
  })

  it('finds what may not be', async () => {
    assert.match(await judge('ok', 2), /started 2 times/)
    assert.match(await judge('unknown', 2), /started 2 times/)
    assert.match(await judge('ok', 0), /answered and never started/)
    assert.match(await judge('fail', 1), /told that it was not/)
    assert.match(await judge('pending', 0), /never answered/)
  })
})

/** What a peer answers, by method and path without its query; anything else is not found. */
type Answers = Readonly<Record<string, unknown>>

const TASK = { id: 't-1', state: 'succeeded', failures: 0, attemptsMax: 5 }
/** A peer that accepts a task, and says at the end that it was done. */
const SOUND: Answers = {
  'POST /v1/tasks': { task: TASK },
  'GET /v1/tasks': { items: [TASK] },
  'GET /v1/tasks/t-1': TASK,
  'GET /v1/tasks/t-1/result': 't-1.1'
}
/** Its program began once, and came to its end. */
const RAN = 't-1 1 10.00 beat\nt-1 1 10.05 beat\nt-1 1 10.10 end\n'

describe('the judge of a history, asked about tasks, uploads and terms', () => {
  let root: string
  const servers: Server[] = []

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cares-history-'))
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
    rmSync(root, { recursive: true, force: true })
  })

  /** A peer as its clients see it. */
  async function peerOf(name: string, answers: Answers): Promise<PeerProcess> {
    const server = createServer((request, response) => {
      const answer = answers[`${request.method} ${request.url?.split('?')[0]}`]
      response.statusCode = answer === undefined ? 404 : 200
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}))
    }).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { name, id: name, api, log: () => '' } as unknown as PeerProcess
  }

  /** What the judge says of one task that a client submitted through the first of these peers, and looked up there. */
  async function judge(answers: readonly Answers[], beats: string): Promise<string> {
    const alive = await Promise.all(answers.map(async (of, index) => peerOf(`peer-${index}`, of)))
    const history = new History({ alive, dataOf: name => join(root, name) })
    const [first] = alive
    assert.ok(first)
    await history.task(first)
    await history.tasks.lookUp(first)
    writeFileSync(join(root, 'beats'), beats)
    return (await history.contradictions({ alive, dataOf: name => join(root, name) })).join('; ')
  }

  it('finds nothing in a task that ran once, or again after it had failed', async () => {
    assert.equal(await judge([SOUND, SOUND], RAN), '')
    const second = { ...SOUND, 'GET /v1/tasks/t-1/result': 't-1.2' }
    const again = 't-1 1 9.00 beat\nt-1 1 9.05 beat\nt-1 2 10.00 beat\nt-1 2 10.30 end\n'
    assert.equal(await judge([second, second], again), '')
  })

  for (const [claim, answers, beats, said] of [
    [
      'a task that was acknowledged, and that a peer does not know',
      [SOUND, { 'GET /v1/tasks': { items: [] } }],
      RAN,
      /peer-1 does not know it/
    ],
    ['attempts that overlap', [SOUND], `${RAN}t-1 2 10.05 beat\nt-1 2 10.30 end\n`, /attempt 1 on \? ran until 10100/],
    ['a result that nothing has made', [SOUND], 't-1 1 10.00 beat\n', /which no run of it has made/],
    [
      'two results, by two peers',
      [SOUND, { ...SOUND, 'GET /v1/tasks/t-1/result': 't-1.2' }],
      `${RAN}t-1 2 11.00 beat\nt-1 2 11.10 end\n`,
      /told that t-1 is succeeded with t-1\.1, peer-1 says succeeded with t-1\.2/
    ],
    [
      'one key that named two tasks',
      [{ ...SOUND, 'GET /v1/tasks': { items: [TASK, { ...TASK, id: 't-2' }].map(withKey) }, 'GET /v1/tasks/t-2/result': 't-1.1' }],
      RAN,
      /two tasks for the key/
    ]
  ] as const satisfies readonly (readonly [string, readonly Answers[], string, RegExp])[]) {
    it(`finds ${claim}`, async () => {
      assert.match(await judge(answers, beats), said)
    })
  }

  it('finds an upload that was acknowledged, and that a peer does not know', async () => {
    const [taken, forgetful] = [await peerOf('peer-0', { 'POST /v1/functions': {} }), await peerOf('peer-1', {})]
    const stage = { alive: [forgetful], dataOf: (name: string) => join(root, name) }
    const history = new History(stage)
    await history.upload(taken)
    assert.match((await history.contradictions(stage)).join(), /the upload u-\S+ was acknowledged, and peer-1 answers 404/)
  })

  it('finds two orchestrators of one term', async () => {
    const lead = (id: string): Answers => ({ 'GET /v1/cluster': { self: { id }, orchestrator: { id }, term: 7 } })
    const stage = { alive: [await peerOf('a', lead('a')), await peerOf('b', lead('b'))], dataOf: (name: string) => join(root, name) }
    const history = new History(stage)
    for (const peer of stage.alive) await history.look(peer)
    assert.deepEqual(await history.contradictions(stage), ['term 7 had more than one orchestrator: a, b'])
  })

  it('says what was never tried', async () => {
    const peer = await peerOf('peer-0', SOUND)
    const history = new History({ alive: [peer], dataOf: name => join(root, name) })
    assert.deepEqual(history.untried(), ['call', 'upload', 'task'])
    await history.task(peer)
    assert.deepEqual(history.untried(), ['call', 'upload'])
  })
})

function withKey(task: typeof TASK): object {
  return { ...task, idempotencyKey: 'k' }
}

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { ErrorCode } from '../../src/model/errors.ts'
import { ask, Cluster, upload } from './cluster.ts'
import { processFunctions } from './functions.ts'
import { cares } from './peer-process.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

interface WrongRequest {
  readonly what: string
  readonly path: string
  readonly init?: RequestInit
  readonly status: number
  readonly code: ErrorCode
}

const WRONG_REQUESTS: readonly WrongRequest[] = [
  { what: 'an unknown function', path: '/fn/nobody', init: { method: 'POST', body: 'x' }, status: 404, code: 'not_found' },
  { what: 'an unknown path', path: '/v2/peers', status: 404, code: 'not_found' },
  { what: 'an unknown peer', path: '/v1/peers/nobody', status: 404, code: 'not_found' },
  { what: 'an unknown invocation', path: `/v1/invocations/i-${'a'.repeat(26)}`, status: 404, code: 'not_found' },
  {
    what: 'text that is not JSON',
    path: '/v1/functions',
    init: { method: 'POST', headers: JSON_TYPE, body: '{"name":' },
    status: 400,
    code: 'bad_request'
  },
  {
    what: 'a field that does not exist',
    path: '/v1/functions',
    init: { method: 'POST', headers: JSON_TYPE, body: '{"name":"a","image":"true","memroyBytes":1}' },
    status: 422,
    code: 'invalid'
  },
  {
    what: 'a name that is not allowed',
    path: '/v1/functions',
    init: { method: 'POST', headers: JSON_TYPE, body: '{"name":"../a","image":"true"}' },
    status: 422,
    code: 'invalid'
  },
  {
    what: 'a description that is far too large',
    path: '/v1/functions',
    init: { method: 'POST', headers: JSON_TYPE, body: JSON.stringify({ name: 'a', image: 'x'.repeat(2_000_000) }) },
    status: 413,
    code: 'too_large'
  },
  {
    what: 'a command that does not exist',
    path: '/v1/functions',
    init: { method: 'POST', headers: JSON_TYPE, body: '{"name":"a","image":"/no/such/program","contract":"stdio"}' },
    status: 422,
    code: 'image_not_found'
  },
  {
    what: 'a revision that is not the current one',
    path: '/v1/functions?ifRevision=7',
    init: { method: 'POST', headers: JSON_TYPE, body: '{"name":"upper","image":"cat","contract":"stdio"}' },
    status: 412,
    code: 'revision_mismatch'
  },
  { what: 'a function that fails', path: '/fn/failing', init: { method: 'POST', body: 'x' }, status: 500, code: 'function_failed' },
  { what: 'a function that hangs', path: '/fn/hanging', init: { method: 'POST', body: 'x' }, status: 504, code: 'timeout' },
  { what: 'a web function that crashes', path: '/fn/web/crash', status: 502, code: 'function_protocol' }
]

describe('wrong input', () => {
  const functions = processFunctions()
  let cluster: Cluster
  before(async () => {
    cluster = await Cluster.start({ peers: 2 })
    const [first] = cluster.alive
    assert.ok(first)
    for (const [name, wish] of Object.entries(functions)) await upload(cluster, first, { name, ...wish })
  })
  after(() => cluster.stop())
  afterEach('every peer is healthy', async () => {
    assert.equal(cluster.alive.length, 2, 'a peer has ended')
    for (const peer of cluster.alive) {
      assert.equal((await ask(peer, '/readyz')).status, 200, peer.name)
      assert.equal((await ask(peer, '/fn/upper', { method: 'POST', body: 'still here' })).text, 'STILL HERE', peer.name)
    }
  })

  for (const { what, path, init, status, code } of WRONG_REQUESTS) {
    it(`${what} is answered with ${status} ${code}, through either peer`, async () => {
      for (const peer of cluster.alive) {
        const reply = await ask(peer, path, init)
        assert.deepEqual([reply.status, reply.problem?.code], [status, code], `${peer.name}: ${reply.text.slice(0, 300)}`)
        assert.notEqual(reply.problem?.detail, '')
      }
    })
  }

  it('a failed function tells its exit code and the end of its stderr', async () => {
    const [first] = cluster.alive
    assert.ok(first)
    const { problem } = await ask(first, '/fn/failing', { method: 'POST', body: 'x' })
    assert.equal(problem?.exitCode, 3)
    assert.match(problem.stderr ?? '', /the reason/)
  })

  it('a function that writes without end is cut off, and what it holds is given back', async () => {
    const [first] = cluster.alive
    assert.ok(first)
    const answer = await fetch(`${first.api}/fn/flooding`, { method: 'POST', body: 'x' })
    let bytes = 0
    await assert.rejects(async () => {
      for await (const chunk of answer.body ?? []) bytes += (chunk as Uint8Array).length
    })
    assert.ok(bytes > 0)
  })

  it('a function that ends before it has read its input answers all the same', async () => {
    for (const peer of cluster.alive) {
      const reply = await ask(peer, '/fn/deaf', { method: 'POST', body: 'x'.repeat(5_000_000) })
      assert.deepEqual([reply.status, reply.text], [200, 'no matter what\n'], peer.name)
    }
  })

  it('bytes that are not HTTP close the connection and nothing else', async () => {
    const [first] = cluster.alive
    assert.ok(first)
    const { port, hostname } = new URL(first.api)
    const socket = connect(Number(port), hostname)
    socket.end(`\u0000\u0001 nonsense ${'x'.repeat(100_000)}\r\n\r\n`)
    socket.resume()
    await new Promise(resolve => {
      socket.once('close', resolve)
      socket.once('error', resolve)
    })
  })

  const commands: readonly (readonly [what: string, args: readonly string[], code: number])[] = [
    ['a command that does not exist', ['frobnicate'], 2],
    ['a flag that does not exist', ['peers', '--frobnicate'], 2],
    ['a size that is none', ['upload', 'cat', 'a', '--memory', 'lots'], 2],
    ['an unknown function', ['invoke', 'nobody', '-d', 'x'], 4],
    ['a function that fails', ['invoke', 'failing', '-d', 'x'], 8],
    ['a function that hangs', ['invoke', 'hanging', '-d', 'x'], 7]
  ]
  for (const [what, args, code] of commands) {
    it(`${what} ends the command with ${code}, its message on stderr and nothing on stdout`, async () => {
      const [first] = cluster.alive
      const result = await cares(args, { env: { CARES_API: first?.api ?? '' } })
      assert.equal(result.code, code, result.stderr)
      assert.equal(result.stdout, '')
      assert.match(result.stderr, /^cares: /)
    })
  }

  it('no peer at all ends a command with 3', async () => {
    const { code, stderr } = await cares(['--api', 'http://127.0.0.1:9', 'peers'])
    assert.equal(code, 3, stderr)
  })
})

import assert from 'node:assert/strict'
import { reasonText } from '../../../src/model/llc.ts'
import type { Peer } from '../../../src/model/rest.ts'
import { startFakeApi } from '../fake-api.ts'
import { INVOCATION, INVOCATION_ID, samplePeer } from '../samples.ts'
import { run } from './run.ts'

const MIB = 2 ** 20

function llcOf(mode: 'enforced' | 'advisory', reason: string): NonNullable<Peer['llc']> {
  return { mode, reason, why: reasonText(reason), bytes: 12 * MIB, ways: 12, expectedBytes: 0 }
}

const ATLAS = samplePeer('atlas', { llc: llcOf('advisory', 'no_kernel') })
const BIRCH = samplePeer('birch', { llc: llcOf('enforced', 'allocates') })
const list = (items: readonly Peer[]) => ({ items, view: { peer: ATLAS.id, name: 'atlas' } })

describe('cares bench --ways', () => {
  it('runs with more and fewer ways where that can be enforced, and says what was learned', async () => {
    const asked: { ways: string; on: string }[] = []
    await using api = await startFakeApi({
      'GET /v1/peers': list([ATLAS, BIRCH]),
      'POST /fn/thumb': (response, { headers }) => {
        asked.push({ ways: String(headers['x-cares-ways']), on: String(headers['x-cares-on']) })
        response.writeHead(200, { 'x-cares-invocation': INVOCATION_ID }).end('done')
      },
      [`GET /v1/invocations/${INVOCATION_ID}*`]: response => {
        const ways = Number(asked.at(-1)?.ways)
        const usage = { queueMs: 0, pullMs: 0, startMs: 1, runMs: ways >= 4 ? 100 : 150, bytesIn: 0, bytesOut: 4, llcBytes: ways * MIB }
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ ...INVOCATION, start: 'warm', usage }))
      },
      'GET /v1/functions/thumb/quote*': { revision: 3, cache: { bytes: 4 * MIB, slowdown: 0.5, basis: 'ways' } }
    })
    const { code, stdout } = await run(['bench', 'thumb', '--ways', 'all', '--runs', '2', '--sizes', '1Ki'], { api: api.url })
    assert.equal(code, 0, stdout)
    assert.deepEqual([...new Set(asked.map(({ ways }) => ways))], ['12', '8', '4', '2', '1'])
    assert.equal(asked.length, 5 * 3, 'the first run with each does not count')
    assert.ok(asked.every(({ on }) => on === BIRCH.id))
    assert.match(stdout, /^thumb r3: run time by ways of the last-level cache of birch$/m)
    assert.match(stdout, /^ *1Ki +2 +2Mi +2 +150ms +150ms +150ms +50 %$/m)
    assert.match(stdout, /^With 1Ki: 4Mi expected to be needed, up to 50 % slower without \(by runs with few and many ways\)$/m)
  })

  it('is refused where no peer can, with what each can do and why', async () => {
    await using api = await startFakeApi({ 'GET /v1/peers': list([ATLAS, samplePeer('cedar', { llc: null })]) })
    const { code, stderr } = await run(['bench', 'thumb', '--ways', '1,2'], { api: api.url })
    assert.equal(code, 6)
    assert.match(stderr, /no peer can confine .*: atlas: advisory, this kernel has no resctrl .*; cedar: runs no functions/)
    assert.equal(api.asked.length, 1, 'nothing is run')
  })

  it('is refused by the peer that was asked for, though another could', async () => {
    await using api = await startFakeApi({ 'GET /v1/peers': list([ATLAS, BIRCH]) })
    const { code, stderr } = await run(['bench', 'thumb', '--ways', '1,2', '--on', 'atlas'], { api: api.url })
    assert.equal(code, 6)
    assert.match(stderr, /atlas cannot confine/)
    assert.equal((await run(['bench', 'thumb', '--ways', '2', '--on', 'nobody'], { api: api.url })).code, 4)
    assert.equal((await run(['bench', 'thumb', '--ways', '2,13', '--on', 'birch'], { api: api.url })).code, 2)
  })

  for (const wrong of ['0', '33', '1.5', 'some', '']) {
    it(`refuses ${JSON.stringify(wrong)} ways`, async () => assert.equal((await run(['bench', 'thumb', '--ways', wrong])).code, 2))
  }
})

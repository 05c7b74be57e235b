import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { noTasks } from '../../src/core/tasks/apply-changes.ts'
import { decodeSnapshot, encodeSnapshot, SNAPSHOT_BYTES_MAX } from '../../src/store/snapshot-data.ts'
import { SNAPSHOT_BYTES_MAX as WIRE_BYTES_MAX } from '../../src/wire/limits.ts'
import { sampleFunction } from '../support/samples.ts'

const withBody = (body: string, version = '1'): Uint8Array =>
  Buffer.from(`cares-snapshot ${version} ${crc32(body).toString(16).padStart(8, '0')}\n${body}`)
const EMPTY = '{"index":1,"functions":[],"removed":[],"draining":[]}'

describe('snapshot data', () => {
  it('can be read with the eye, and again by the program', () => {
    const tables = {
      functions: new Map([['thumb', sampleFunction()]]),
      removed: new Map([['old', 2]]),
      draining: new Set(['p']),
      strategy: { name: 'cost', objective: 'cheap' } as const,
      tasks: noTasks(),
      remembered: new Map()
    }
    const data = encodeSnapshot(7, tables)
    assert.match(Buffer.from(data).toString(), /^cares-snapshot 1 [0-9a-f]{8}\n\{"index":7,"functions":\[\{"name":"thumb"/)
    assert.deepEqual(decodeSnapshot(data), { index: 7, tables })
  })

  it('reads the plainest one', () => {
    assert.equal(decodeSnapshot(withBody(EMPTY)).index, 1)
  })

  const record = JSON.stringify(sampleFunction())
  const unreadable: readonly (readonly [claim: string, data: Uint8Array, message: RegExp])[] = [
    ['nothing', new Uint8Array(), /does not start like one/],
    ['no first line', Buffer.alloc(1_000, 'x'), /does not start like one/],
    ['a newer version', withBody(EMPTY, '2'), /version 2, this peer reads 1/],
    ['what is no JSON', withBody('{'), /JSON/],
    ['an unknown field', withBody(EMPTY.replace('{', '{"more":1,')), /unknown field/],
    ['a missing table', withBody('{"index":1,"functions":[],"removed":[]}'), /draining: is required/],
    ['a negative revision', withBody(EMPTY.replace('"removed":[]', '"removed":[["a",-1]]')), /removed\[0\]/],
    ['a function with a missing field', withBody(EMPTY.replace('"functions":[]', '"functions":[{"name":"x"}]')), /functions\[0\]/],
    ['a function twice', withBody(EMPTY.replace('"functions":[]', `"functions":[${record},${record}]`)), /twice/]
  ]
  for (const [claim, data, message] of unreadable) {
    it(`refuses ${claim}`, () => assert.throws(() => decodeSnapshot(data), { code: 'protocol', message }))
  }

  it('has a bound at both ends, which peers may speak of', () => {
    assert.ok(SNAPSHOT_BYTES_MAX <= WIRE_BYTES_MAX)
    const functions = new Map(['a', 'b'].map(name => [name, sampleFunction({ name, env: { X: 'x'.repeat(1_000) } })]))
    const tables = { functions, removed: new Map(), draining: new Set<string>(), tasks: noTasks(), remembered: new Map() }
    assert.throws(() => encodeSnapshot(1, tables, 2_000), { code: 'limit_reached' })
    assert.throws(() => decodeSnapshot(new Uint8Array(SNAPSHOT_BYTES_MAX + 1)), { code: 'protocol' })
  })
})

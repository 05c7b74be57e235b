import assert from 'node:assert/strict'
import { crc32, deflateRawSync } from 'node:zlib'
import {
  DRAINING_MAX,
  ENV_BYTES_MAX,
  FUNCTIONS_BYTES_MAX,
  FUNCTIONS_MAX,
  PEER_ID_BYTES_MAX,
  REMEMBERED_MAX,
  TEXT_BYTES_MAX,
  TOMBSTONES_MAX
} from '../../src/core/registry/limits.ts'
import { COMMAND_VERSION } from '../../src/core/registry/command-version.ts'
import { applyTaskChanges, noTasks } from '../../src/core/tasks/apply-changes.ts'
import { TASKS_BYTES_MAX } from '../../src/core/tasks/limits.ts'
import type { Remembered } from '../../src/model/command.ts'
import { CONSTRAINTS_MAX } from '../../src/model/function.ts'
import { valuesOf } from '../../src/model/shards.ts'
import type { RegistryTables } from '../../src/model/ports/store.ts'
import { snapshotVersion } from '../../src/model/snapshot-format.ts'
import type { TaskId } from '../../src/model/task.ts'
import { decodeSnapshot, encodeSnapshot, inOneGo, SNAPSHOT_BYTES_MAX } from '../../src/store/snapshot-data.ts'
import * as wire from '../../src/wire/limits.ts'
import { sampleSubmit } from '../support/sample-task.ts'
import { sampleFunction } from '../support/samples.ts'

const NOTHING: RegistryTables = { functions: new Map(), removed: new Map(), draining: new Set(), tasks: noTasks(), remembered: new Map() }

const withBody = (body: Uint8Array, version = '1'): Uint8Array =>
  Buffer.concat([Buffer.from(`cares-snapshot ${version} ${crc32(body).toString(16).padStart(8, '0')}\n`), body])

const block = (data: Uint8Array, length = data.length): Uint8Array => {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(length)
  return Buffer.concat([prefix, data])
}
const withText = (text: string): Uint8Array => withBody(block(deflateRawSync(text)))

const HEAD = { index: 1, removed: 0, remembered: 0, functions: 0, tasks: 0, draining: [], taskSeq: 0 }
const withHead = (change: object, ...rows: readonly string[]): Uint8Array =>
  withText(`${[JSON.stringify({ ...HEAD, ...change }), ...rows].join('\n')}\n`)

describe('snapshot data', () => {
  it('can be read again', () => {
    const tables: RegistryTables = {
      ...NOTHING,
      functions: new Map([['thumb', sampleFunction()]]),
      removed: new Map([['old', 2]]),
      remembered: new Map([['c', { seq: 4, outcome: { type: 'drain-set', peer: 'p', draining: true } }]]),
      draining: new Set(['p']),
      strategy: { name: 'cost', objective: 'cheap' },
      tasks: applyTaskChanges(noTasks(), [sampleSubmit({ id: 't-a' as TaskId, key: 'k' })]).tables
    }
    const data = inOneGo(encodeSnapshot(7, tables))
    assert.match(Buffer.from(data).toString('latin1'), /^cares-snapshot 1 [0-9a-f]{8}\n/)
    assert.deepEqual(inOneGo(decodeSnapshot(data)), { index: 7, tables })
  })

  it('is made and read in many steps when there is much of it, and is a fraction of its text', () => {
    const changes = Array.from({ length: 2_000 }, (_, i) => sampleSubmit({ id: `t-${i}` as TaskId }))
    const tables = { ...NOTHING, tasks: applyTaskChanges(noTasks(), changes).tables }
    const encoding = encodeSnapshot(7, tables)
    let pauses = 0
    let step = encoding.next()
    for (; step.done !== true; step = encoding.next()) pauses++
    assert.ok(pauses >= 2, `${pauses} pauses`)
    const numbers: number[] = []
    const decoding = decodeSnapshot(step.value)
    let read = decoding.next()
    let textBytes = 0
    for (; read.done !== true; read = decoding.next()) {
      for (const row of read.value) {
        if (row.table === 'tasks') numbers.push(row.seq)
        textBytes += row.text.length
      }
    }
    assert.deepEqual(read.value.tables, tables)
    assert.deepEqual(
      numbers,
      Array.from({ length: 2_000 }, (_, i) => i + 1),
      'rows come in the order of their keys'
    )
    assert.ok(step.value.length < textBytes / 5, `${step.value.length} of ${textBytes}`)
  })

  it('reads the plainest one', () => {
    assert.deepEqual(inOneGo(decodeSnapshot(withHead({}))), { index: 1, tables: NOTHING })
  })

  const record = JSON.stringify(sampleFunction())
  const taskText = (fields: object): string => {
    const [task] = valuesOf(applyTaskChanges(noTasks(), [sampleSubmit()]).tables.tasks)
    return JSON.stringify({ ...task, ...fields })
  }
  const unreadable: readonly (readonly [claim: string, data: Uint8Array, message: RegExp])[] = [
    ['nothing', new Uint8Array(), /does not start like one/],
    ['no first line', Buffer.alloc(1_000, 'x'), /does not start like one/],
    ['no block', withBody(new Uint8Array()), /more or fewer rows/],
    ['half a length', withBody(Buffer.from([0, 0])), /no length/],
    ['half a block', withBody(block(deflateRawSync('x\n'), 100)), /cut off/],
    ['what was not deflated', withBody(block(Buffer.alloc(64, 'x'))), /cannot be read/],
    ['a block that unfolds to more than memory', withBody(block(deflateRawSync(Buffer.alloc(9 * 2 ** 20)))), /larger than/],
    ['half a line', withText('{'), /does not end with a line/],
    ['what is no JSON', withText('{\n'), /JSON/],
    ['an unknown field', withHead({ more: 1 }), /unknown field/],
    ['a missing table', withHead({ draining: undefined }), /draining: is required/],
    ['a negative revision', withHead({ removed: 1 }, '["a",-1]'), /removed\[0\]/],
    ['an outcome that is none', withHead({ remembered: 1 }, '["a",{}]'), /remembered\[0\]/],
    ['a function with a missing field', withHead({ functions: 1 }, '{"name":"x"}'), /functions\[0\]/],
    ['a function twice', withHead({ functions: 2 }, record, record), /twice/],
    ['fewer functions than it says', withHead({ functions: 2 }, record), /fewer/],
    ['a task twice', withHead({ tasks: 2 }, taskText({ id: 't-1' }), taskText({ id: 't-1', seq: 2 })), /twice/],
    ['two tasks with one number', withHead({ tasks: 2 }, taskText({ id: 't-1' }), taskText({ id: 't-2' })), /twice/],
    ['a task that is none', withHead({ tasks: 1 }, record), /tasks\[0\]/],
    ['more rows than it says', withHead({ functions: 1 }, record, record), /tasks\[0\]/]
  ]
  for (const [claim, data, message] of unreadable) {
    it(`refuses ${claim}`, () => assert.throws(() => inOneGo(decodeSnapshot(data)), { code: 'protocol', message }))
  }

  it('has the version of the commands that made its tables, so that older peers can have it until there is something new in it', () => {
    const versions = [undefined, COMMAND_VERSION + 1].map(commandVersion => {
      const data = inOneGo(encodeSnapshot(7, { ...NOTHING, ...(commandVersion === undefined ? {} : { commandVersion }) }))
      return snapshotVersion(data)
    })
    assert.deepEqual(versions, [1, COMMAND_VERSION + 1])
  })

  it('refuses one of a newer version, and says what to upgrade', () => {
    const next = inOneGo.bind(null, decodeSnapshot(withBody(Buffer.from('{}'), String(COMMAND_VERSION + 1))))
    assert.throws(next, { code: 'incompatible', message: /this peer reads up to/, hint: /upgrade this peer/ })
  })

  it('is larger than all that the tables can hold', () => {
    // Every character of a text may take six bytes, a row that much besides its texts, and an outcome has a function.
    const [escaped, row] = [6, 1_024]
    const spec = ENV_BYTES_MAX + 3 * TEXT_BYTES_MAX + CONSTRAINTS_MAX * wire.TEXT_CHARS_MAX
    const most =
      TASKS_BYTES_MAX +
      escaped * FUNCTIONS_BYTES_MAX +
      FUNCTIONS_MAX * row +
      TOMBSTONES_MAX * (escaped * wire.ID_CHARS_MAX + 32) +
      REMEMBERED_MAX * (escaped * spec + row) +
      DRAINING_MAX * escaped * PEER_ID_BYTES_MAX
    assert.ok(most * 1.001 < SNAPSHOT_BYTES_MAX, `${most} of ${SNAPSHOT_BYTES_MAX}`)
  })

  it('can be read with as many large outcomes as are remembered', () => {
    const env = { A: 'a'.repeat(30_000) }
    const outcomes = Array.from({ length: REMEMBERED_MAX }, (_, seq): [string, Remembered] => {
      return [`c-${seq}`, { seq, outcome: { type: 'function-created', function: sampleFunction({ name: `f${seq}`, env }) } }]
    })
    const tables = { ...NOTHING, remembered: new Map(outcomes) }
    const read = inOneGo(decodeSnapshot(inOneGo(encodeSnapshot(7, tables)))).tables
    assert.deepEqual([...read.remembered.keys()], [...tables.remembered.keys()], 'in their order')
    assert.deepEqual(read.remembered.get('c-511'), tables.remembered.get('c-511'))
  })

  it('has a bound at both ends, which peers may speak of', () => {
    assert.ok(SNAPSHOT_BYTES_MAX <= wire.SNAPSHOT_BYTES_MAX)
    const functions = new Map(['a', 'b'].map(name => [name, sampleFunction({ name })]))
    assert.throws(() => inOneGo(encodeSnapshot(1, { ...NOTHING, functions }, 100)), { code: 'limit_reached' })
    assert.throws(() => inOneGo(decodeSnapshot({ length: SNAPSHOT_BYTES_MAX + 1 } as Uint8Array)), { code: 'protocol' })
  })
})

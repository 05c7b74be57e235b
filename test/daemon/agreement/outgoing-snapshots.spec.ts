import assert from 'node:assert/strict'
import type { SnapshotChunk, SnapshotMeta } from '../../../src/model/consensus.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Store } from '../../../src/model/ports/store.ts'
import { OutgoingSnapshots } from '../../../src/daemon/agreement/outgoing-snapshots.ts'
import { SnapshotHealth } from '../../../src/daemon/agreement/snapshot-health.ts'
import { snapshotChecksum } from '../../../src/store/snapshot-data.ts'
import { createTestLog, type TestLog } from '../../support/test-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const [A, B] = ['a', 'b'] as PeerId[] as [PeerId, PeerId]
const DATA = Buffer.from('0123456789')
const meta = (index: number): SnapshotMeta => ({ index, term: 1, configuration: { voters: [A], learners: [B] } })

/** A store that makes a snapshot only when it is told to. */
class SlowStore {
  made = 0
  #finish = Promise.withResolvers<{ index: number; data: Uint8Array; checksum: number }>()
  snapshot = async (): ReturnType<Store['snapshot']> => {
    this.made++
    return this.#finish.promise
  }
  async fail(reason: CaresError): Promise<void> {
    this.#finish.reject(reason)
    this.#finish = Promise.withResolvers()
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  async finish(index: number): Promise<void> {
    this.#finish.resolve({ index, data: DATA, checksum: snapshotChecksum(DATA) })
    this.#finish = Promise.withResolvers()
    await new Promise<void>(resolve => setImmediate(resolve))
  }
}

function setUp(): {
  store: SlowStore
  failures: CaresError[]
  clock: ManualClock
  log: TestLog
  sent: string[]
  ask: (to: PeerId, offset?: number, log?: { logStart: number; index: number }) => void
  snapshots: OutgoingSnapshots
  health: SnapshotHealth
} {
  const store = new SlowStore()
  const failures: CaresError[] = []
  const [clock, log] = [new ManualClock(), createTestLog()]
  const sent: string[] = []
  const health = new SnapshotHealth()
  const snapshots = new OutgoingSnapshots(4, { store, clock, log, snapshotHealth: health, onDiskFailed: err => failures.push(err) })
  const ask = (to: PeerId, offset?: number, { logStart, index } = { logStart: 1, index: 7 }): void => {
    const at = offset === undefined ? null : { index, offset }
    const deliver = ({ snapshot, offset, data }: SnapshotChunk): void =>
      void sent.push(`${to} ${snapshot.index} ${offset} ${Buffer.from(data).toString()}`)
    snapshots.chunk({ to, at, deliver }, { logStart, describe: () => meta(index) })
  }
  return { store, failures, clock, log, sent, ask, snapshots, health }
}

describe('outgoing snapshots', () => {
  it('keep nobody waiting while one is made, make one for all, and send each the chunk of its newest wish', async () => {
    const { store, sent, ask } = setUp()
    ask(A)
    ask(B)
    ask(A, 4)
    assert.deepEqual(sent, [])
    await store.finish(7)
    assert.deepEqual(sent, ['a 7 4 4567', 'b 7 0 0123'])
    ask(B, 8)
    assert.deepEqual(sent.slice(2), ['b 7 8 89'])
    assert.equal(store.made, 1)
  })

  it('make another one when the log behind the old one is cut', async () => {
    const { store, sent, ask } = setUp()
    ask(A)
    await store.finish(7)
    ask(A, 4, { logStart: 8, index: 9 })
    await store.finish(9)
    assert.deepEqual(sent, ['a 7 0 0123', 'a 9 4 4567'])
    assert.equal(store.made, 2)
  })

  it('throw away what nobody wants any more when it is made', async () => {
    const { store, sent, ask, snapshots } = setUp()
    ask(A)
    snapshots.forget()
    await store.finish(7)
    assert.deepEqual(sent, [])
    ask(A)
    assert.equal(store.made, 2)
  })

  it('tell when the disk fails', async () => {
    const { store, failures, ask } = setUp()
    ask(A)
    const error = new CaresError('internal', 'it failed', { details: { disk: 'io' } })
    await store.fail(error)
    assert.deepEqual(failures, [error])
  })

  it('say why one cannot be made for as long as somebody needs it and none is made', async () => {
    const { store, ask, clock, health, snapshots } = setUp()
    const tooLarge = new CaresError('limit_reached', 'it is too large')
    const fail = async (): Promise<void> => {
      ask(A)
      await store.fail(tooLarge)
      assert.equal(health.failure, 'cannot make a snapshot of what is agreed: it is too large')
      await clock.pass(10_000)
    }
    await fail()
    ask(A)
    await store.finish(7)
    assert.equal(health.failure, undefined, 'one was made')
    snapshots.forget()
    await fail()
    snapshots.forget()
    assert.equal(health.failure, undefined, 'nobody needs one')
  })

  it('log that one cannot be made for another reason, and try again later', async () => {
    const { store, failures, sent, ask, clock, log } = setUp()
    ask(A)
    await store.finish(3)
    assert.deepEqual(failures, [], 'no reason to lead no more')
    assert.match(String(log.records.map(({ fields }) => ('err' in fields ? fields.err : ''))), /tables are at 3/)
    ask(A)
    assert.equal(store.made, 1, 'not at once')
    await clock.pass(10_000)
    ask(A)
    await store.finish(7)
    assert.deepEqual(sent, ['a 7 0 0123'])
  })
})

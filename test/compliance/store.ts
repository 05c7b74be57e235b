import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { applyTaskChanges, noTasks } from '../../src/core/tasks/apply-changes.ts'
import type { TaskId } from '../../src/model/task.ts'
import { sampleSubmit, sampleTaskSpec, tasksWith } from '../support/sample-task.ts'
import type { Command, Outcome } from '../../src/model/command.ts'
import type { Configuration, Entry, SnapshotChunk, SnapshotMeta } from '../../src/model/consensus.ts'
import type { FunctionRecord } from '../../src/model/function.ts'
import type { ClusterUid, PeerId } from '../../src/model/ids.ts'
import type { Applied, Persisted, RegistryTables, Store } from '../../src/model/ports/store.ts'
import { sampleFunction } from '../support/samples.ts'

/** A disk that outlives the stores that open it. */
export interface TestDisk {
  /** A new store over the disk, not started. */
  store(): Store
}

/** Small, so that even small tables take several. */
const CHUNK_BYTES = 100
const A = '12D3KooWA' as PeerId
const B = '12D3KooWB' as PeerId
const CONFIGURATION: Configuration = { voters: [A], learners: [B] }
/** None agreed is one of them. */
const STRATEGIES: readonly Pick<RegistryTables, 'strategy'>[] = [
  {},
  { strategy: { name: 'greedy' } },
  { strategy: { name: 'cost', objective: 'latency' } }
]
const NO_TABLES: RegistryTables = { functions: new Map(), removed: new Map(), draining: new Set(), tasks: noTasks(), remembered: new Map() }

const noop = (index: number, term = 1): Entry => ({ index, term, kind: 'noop' })
const bytes = (index: number, command: Uint8Array, term = 1): Entry => ({ index, term, kind: 'command', command })
const configuration = (index: number, term = 1): Entry => ({ index, term, kind: 'configuration', configuration: CONFIGURATION })
const tablesWith = (...functions: readonly FunctionRecord[]): RegistryTables => ({
  ...NO_TABLES,
  functions: new Map(functions.map(record => [record.name, record]))
})
const meta = (index: number, term = 1): SnapshotMeta => ({ index, term, configuration: CONFIGURATION })
const drained = (index: number): Applied => {
  const command: Command = { type: 'peer-drain', peer: A, draining: true, at: '2026-01-02T03:04:05.000Z' }
  return { index, command, outcome: { type: 'drain-set', peer: A, draining: true } }
}

/** Brings the snapshot of one store to another, in chunks. */
async function copy(from: Store, to: Store, snapshot: SnapshotMeta): Promise<void> {
  const { data, checksum } = await from.snapshot()
  for (let offset = 0; offset < data.length; offset += CHUNK_BYTES) {
    const chunk = data.subarray(offset, offset + CHUNK_BYTES)
    await to.stage({ snapshot, bytes: data.length, checksum, offset, data: chunk, dataChecksum: 0 })
  }
}

/** What every Store must do, whatever it keeps its rows in. */
export function storeCompliance(name: string, newDisk: () => TestDisk): void {
  describe(`store: ${name}`, () => {
    let disk: TestDisk
    let opened: Store[] = []

    const open = async (on: TestDisk = disk): Promise<{ store: Store; loaded: Persisted }> => {
      const store = on.store()
      opened.push(store)
      await store.start()
      return { store, loaded: await store.load() }
    }
    /** What the disk says after the store that wrote it is closed. */
    const reopened = async (store: Store): Promise<Persisted> => {
      await store.stop()
      return (await open()).loaded
    }

    beforeEach(() => {
      disk = newDisk()
    })
    afterEach(async () => {
      await Promise.all(opened.map(store => store.stop()))
      opened = []
    })

    it('finds nothing on a new disk, in session 1', async () => {
      const { loaded } = await open()
      assert.deepEqual(loaded, {
        cluster: null,
        staged: null,
        session: 1,
        hardState: { term: 0, votedFor: null },
        snapshot: { index: 0, term: 0, configuration: { voters: [], learners: [] } },
        entries: [],
        tables: NO_TABLES,
        appliedIndex: 0,
        addresses: []
      })
    })

    it('takes a new session with each load, also when nothing else was written', async () => {
      const sessions: number[] = []
      for (let i = 0; i < 3; i++) {
        const { store, loaded } = await open()
        sessions.push(loaded.session)
        await store.stop()
      }
      assert.deepEqual(sessions, [1, 2, 3])
    })

    it('gives back what was written, byte for byte', async () => {
      const { store } = await open()
      const all = Uint8Array.from({ length: 256 }, (_, i) => i)
      const entries = [noop(1), configuration(2), bytes(3, all), bytes(4, new Uint8Array()), bytes(5, all.subarray(10, 20), 2)]
      await store.setCluster('uid-1' as ClusterUid)
      await store.persist({ hardState: { term: 2, votedFor: B }, append: entries })
      const tables: RegistryTables = {
        functions: new Map([['thumb', sampleFunction({ env: { ключ: '"\n\0' }, readyPath: '/ready', arch: 'arm64' })]]),
        removed: new Map([['old', 7]]),
        draining: new Set([A]),
        strategy: { name: 'cost', objective: 'cheap' },
        tasks: tasksWith(sampleSubmit({ key: 'k', input: { bytes: 1, inline: 'AA==' }, spec: sampleTaskSpec({ arch: 'arm64' }) })),
        remembered: new Map([
          ['b', { seq: 1, outcome: { type: 'function-created', function: sampleFunction() } }],
          ['a', { seq: 2, outcome: { type: 'refused', code: 'conflict', message: 'no' } }]
        ])
      }
      store.apply([drained(3)], tables, 4)
      await store.setAddresses([
        { id: A, addresses: ['/ip4/10.0.0.1/tcp/4001'], name: 'atlas', life: { session: 3, startedAt: '2026-01-02T03:04:05.000Z' } },
        { id: B, addresses: [] }
      ])
      const loaded = await reopened(store)
      assert.deepEqual(
        { ...loaded, entries: loaded.entries.map(plain) },
        {
          cluster: 'uid-1',
          session: 2,
          hardState: { term: 2, votedFor: B },
          snapshot: { index: 0, term: 0, configuration: { voters: [], learners: [] } },
          entries: entries.map(plain),
          tables,
          appliedIndex: 4,
          staged: null,
          addresses: [
            { id: A, addresses: ['/ip4/10.0.0.1/tcp/4001'], name: 'atlas', life: { session: 3, startedAt: '2026-01-02T03:04:05.000Z' } },
            { id: B, addresses: [] }
          ]
        }
      )
    })

    it('replaces the end of the log', async () => {
      const { store } = await open()
      await store.persist({ append: [noop(1), noop(2), noop(3)] })
      await store.persist({ hardState: { term: 2, votedFor: null }, truncateFrom: 2, append: [noop(2, 2)] })
      assert.deepEqual((await reopened(store)).entries, [noop(1), noop(2, 2)])
    })

    it('removes from the tables what is no longer in them', async () => {
      const { store } = await open()
      await store.persist({ append: [noop(1), noop(2)] })
      store.apply(
        [],
        {
          ...tablesWith(sampleFunction(), sampleFunction({ name: 'ocr' })),
          draining: new Set([A, B]),
          tasks: noTasks(),
          remembered: new Map()
        },
        1
      )
      const after: RegistryTables = {
        ...tablesWith(sampleFunction({ revision: 2 })),
        removed: new Map([['ocr', 1]]),
        draining: new Set([B])
      }
      store.apply([], after, 2)
      assert.deepEqual((await reopened(store)).tables, after)
    })

    it('forgets the entries before a cut, and those only', async () => {
      const { store } = await open()
      await store.persist({ append: [noop(1), noop(2), noop(3)] })
      store.apply([], tablesWith(sampleFunction()), 2)
      await store.compact(meta(2))
      const { snapshot, entries, appliedIndex, tables } = await reopened(store)
      assert.deepEqual({ snapshot, entries, appliedIndex }, { snapshot: meta(2), entries: [noop(3)], appliedIndex: 2 })
      assert.deepEqual(tables, tablesWith(sampleFunction()))
    })

    it('takes the snapshot of another peer in place of its own log and tables', async () => {
      const from = await open(newDisk())
      const tables: RegistryTables = {
        ...tablesWith(sampleFunction()),
        removed: new Map([['old', 3]]),
        draining: new Set([B]),
        tasks: noTasks(),
        remembered: new Map()
      }
      await from.store.persist({ append: [noop(1), noop(2), noop(3)] })
      from.store.apply([], tables, 3)
      assert.equal((await from.store.snapshot()).index, 3)

      const { store } = await open()
      await store.persist({ append: [noop(1), noop(2)] })
      store.apply([], tablesWith(sampleFunction({ name: 'other' })), 1)
      await copy(from.store, store, meta(3))
      assert.deepEqual(await store.restore(meta(3)), tables)
      await store.persist({ append: [noop(4)] })
      const loaded = await reopened(store)
      assert.deepEqual({ ...loaded, session: 0 }, { ...loaded, session: 0, snapshot: meta(3), entries: [noop(4)], tables, appliedIndex: 3 })
    })

    it('refuses a snapshot in which any byte is wrong, and changes nothing', async () => {
      const from = await open(newDisk())
      await from.store.persist({ append: [noop(1)] })
      from.store.apply([], tablesWith(sampleFunction()), 1)
      const { data, checksum } = await from.store.snapshot()
      const { store } = await open()
      const broken = [data.subarray(0, -1), data.subarray(1), new Uint8Array(100)]
      for (let at = 0; at < data.length; at += 7) broken.push(data.map((byte, i) => (i === at ? byte ^ 4 : byte)))
      for (const [i, bad] of broken.entries()) {
        for (const sum of [checksum, crc32(bad)]) {
          await store.stage({ snapshot: meta(1), bytes: bad.length, checksum: sum, offset: 0, data: bad, dataChecksum: 0 })
          await assert.rejects(store.restore(meta(1)), { code: 'protocol' }, `variant ${i}`)
        }
      }
      await copy(from.store, store, meta(2))
      await assert.rejects(store.restore(meta(2)), { code: 'protocol' }, 'announced for another index')
      const { tables, snapshot, appliedIndex } = await reopened(store)
      assert.deepEqual({ tables, index: snapshot.index, appliedIndex }, { tables: NO_TABLES, index: 0, appliedIndex: 0 })
    })

    it('keeps the parts of a snapshot through a restart, and forgets those of one that is overtaken', async () => {
      const from = await open(newDisk())
      await from.store.persist({ append: [noop(1)] })
      from.store.apply([], tablesWith(sampleFunction()), 1)
      const { data, checksum } = await from.store.snapshot()
      const offer = { snapshot: meta(1), bytes: data.length, checksum }
      const part = (offset: number, end?: number): SnapshotChunk => ({
        ...offer,
        offset,
        data: data.subarray(offset, end),
        dataChecksum: 0
      })

      const { store } = await open()
      await store.stage({ ...part(0), snapshot: meta(9), bytes: 10_000 })
      await store.stage(part(0, 10))
      await store.stage(part(10, 30))
      await store.stop()
      const again = await open()
      assert.deepEqual(again.loaded.staged, { offer, received: 30 })
      await again.store.stage(part(30))
      assert.deepEqual(await again.store.restore(meta(1)), tablesWith(sampleFunction()))
      await again.store.stage({ ...part(0, 10), snapshot: meta(2) })
      await again.store.persist({ append: [noop(2)] })
      again.store.apply([], NO_TABLES, 2)
      assert.equal((await reopened(again.store)).staged, null)
    })

    it('makes equal snapshots of equal tables, whatever the order in which they were filled', async () => {
      const functions = [sampleFunction(), sampleFunction({ name: 'ocr' }), sampleFunction({ name: 'a' })]
      const made = []
      for (const order of [functions, functions.toReversed()]) {
        const { store } = await open(newDisk())
        await store.persist({ append: [noop(1)] })
        store.apply([], { ...tablesWith(...order), draining: new Set(order.map(({ name }) => name)) }, 1)
        made.push(Buffer.from((await store.snapshot()).data).toString())
      }
      assert.equal(made[0], made[1])
    })

    it('forgets the cluster on reset, and keeps counting sessions', async () => {
      const { store } = await open()
      await store.setCluster('uid-1' as ClusterUid)
      await store.persist({ hardState: { term: 5, votedFor: A }, append: [noop(1), noop(2)] })
      store.apply(
        [],
        {
          ...tablesWith(sampleFunction()),
          removed: new Map([['x', 1]]),
          draining: new Set([A]),
          strategy: { name: 'greedy' },
          tasks: noTasks(),
          remembered: new Map()
        },
        2
      )
      await store.compact(meta(1))
      await store.setAddresses([{ id: B, addresses: [] }])
      await store.reset()
      await store.persist({ hardState: { term: 1, votedFor: B }, append: [noop(1)] }) // A new cluster may start at once.
      const loaded = await reopened(store)
      const fresh = (await open(newDisk())).loaded
      assert.deepEqual(loaded, { ...fresh, session: 2, hardState: { term: 1, votedFor: B }, entries: [noop(1)] })
    })

    const unsound: readonly (readonly [claim: string, attempt: (store: Store) => Promise<unknown>])[] = [
      ['a term that goes back', store => store.persist({ hardState: { term: 2, votedFor: null }, append: [] })],
      ['a second vote in one term', store => store.persist({ hardState: { term: 3, votedFor: B }, append: [] })],
      ['a gap in the log', store => store.persist({ append: [noop(5)] })],
      ['an entry that is there already', store => store.persist({ append: [noop(3)] })],
      ['replacing an applied entry', store => store.persist({ truncateFrom: 2, append: [noop(2)] })],
      ['applying what is not in the log', async store => store.apply([], NO_TABLES, 4)],
      ['applying a command twice', async store => store.apply([drained(2)], NO_TABLES, 3)],
      ['tables that go back', async store => store.apply([], NO_TABLES, 1)],
      ['a cut after what is applied', store => store.compact(meta(3))],
      [
        'a snapshot older than the tables',
        async store => {
          const other = await open(newDisk())
          await copy(other.store, store, meta(0))
          return store.restore(meta(0))
        }
      ]
    ]
    for (const [claim, attempt] of unsound) {
      it(`refuses ${claim}, changes nothing and goes on`, async () => {
        const { store } = await open()
        await store.persist({ hardState: { term: 3, votedFor: A }, append: [noop(1), noop(2), noop(3)] })
        store.apply([], tablesWith(sampleFunction()), 2)
        await assert.rejects(attempt(store), { code: 'internal' })
        await store.persist({ append: [noop(4)] })
        const { hardState, entries, tables, appliedIndex } = await reopened(store)
        assert.deepEqual(hardState, { term: 3, votedFor: A })
        assert.deepEqual(entries, [noop(1), noop(2), noop(3), noop(4)])
        assert.deepEqual({ tables, appliedIndex }, { tables: tablesWith(sampleFunction()), appliedIndex: 2 })
      })
    }

    it('is open to one store at a time', async () => {
      const { store } = await open()
      const second = disk.store()
      await assert.rejects(second.start(), { code: 'conflict' })
      await store.persist({ append: [noop(1)] }) // The refused one has taken nothing away.
      await store.stop()
      await second.start()
      assert.equal((await second.load()).entries.length, 1)
      await second.stop()
    })

    it('may be started and stopped twice, and not be used outside of that', async () => {
      const store = disk.store()
      await assert.rejects(store.load(), { code: 'stopping' })
      await store.start()
      await store.start()
      await assert.rejects(store.persist({ append: [] }), { code: 'internal' })
      await store.load()
      await assert.rejects(store.load(), { code: 'internal' })
      await store.stop()
      await store.stop()
      for (const use of [store.persist({ append: [] }), store.snapshot(), store.setCluster('x' as ClusterUid)])
        await assert.rejects(use, { code: 'stopping' })
      await store.start()
      assert.equal((await store.load()).session, 2)
      await store.stop()
    })

    it('agrees with a plain model after any sequence of operations and re-openings', async function () {
      this.timeout(60_000) // Some hundred fsyncs, on whatever disk there is.
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async operations => {
          disk = newDisk()
          let { store, loaded } = await open()
          let model = loaded
          for (const { type, size, cut } of operations) {
            if (type === 'reopen') {
              loaded = await reopened(store)
              store = opened.at(-1) as Store
              model = nextSession(model)
              assert.deepEqual(canonical(loaded), canonical(model))
            } else {
              model = await ACTIONS[type](store, model, { size, cut })
            }
          }
          assert.deepEqual(canonical(await reopened(store)), canonical(nextSession(model)))
          await opened.at(-1)?.stop()
        }),
        { numRuns: 40 }
      )
    })
  })
}

interface Sizes {
  /** How much of it. */
  readonly size: number
  /** Where, as a part of what is possible. */
  readonly cut: number
}

const operation = fc.record({
  type: fc.constantFrom('persist', 'apply', 'compact', 'restore', 'reset', 'addresses', 'reopen'),
  size: fc.nat({ max: 4 }),
  cut: fc.double({ min: 0, max: 1, noNaN: true })
})

/** Each does one operation to the store, and says what a dumb model of it holds then. */
const ACTIONS: Readonly<
  Record<
    'persist' | 'apply' | 'compact' | 'restore' | 'reset' | 'addresses',
    (store: Store, model: Persisted, sizes: Sizes) => Promise<Persisted>
  >
> = {
  persist: async (store, model, { size, cut }) => {
    const last = model.snapshot.index + model.entries.length
    const from = model.appliedIndex + 1 + Math.floor(cut * (last - model.appliedIndex))
    const term = model.hardState.term + 1
    const append = Array.from({ length: size }, (_, i) =>
      i % 2 === 0 ? bytes(from + i, Buffer.from([i, size]), term) : configuration(from + i, term)
    )
    const hardState = { term, votedFor: size % 2 === 0 ? A : null }
    await store.persist({ hardState, truncateFrom: from, append })
    return { ...model, hardState, entries: [...model.entries.filter(({ index }) => index < from), ...append] }
  },
  apply: async (store, model, { size, cut }) => {
    const last = model.snapshot.index + model.entries.length
    const appliedIndex = model.appliedIndex + Math.floor(cut * (last - model.appliedIndex))
    const functions = new Map(model.tables.functions)
    functions.set(`f${size}`, sampleFunction({ name: `f${size}`, revision: appliedIndex + 1 }))
    functions.delete(`f${(size + 1) % 5}`)
    const removed = new Map(model.tables.removed).set(`f${(size + 1) % 5}`, appliedIndex)
    // Records come and go, and stay what they were.
    const id = (at: number): TaskId => `t-${at}` as TaskId
    const expired = size === 4 ? [{ type: 'expire', before: '9', at: '9' } as const] : []
    const { tables: tasks } = applyTaskChanges(model.tables.tasks, [
      sampleSubmit({ id: id(size) }),
      { type: 'cancel', id: id(size - 1), at: '1' },
      ...expired
    ])
    const outcome: Outcome = { type: 'drain-set', peer: A, draining: size > 2 }
    const remembered = new Map([...model.tables.remembered, [`c${appliedIndex}`, { seq: appliedIndex, outcome }] as const].slice(-3))
    const tables = {
      functions,
      removed,
      draining: new Set(size > 2 ? [A] : [B]),
      ...STRATEGIES[size % STRATEGIES.length],
      tasks,
      remembered
    }
    store.apply([], tables, appliedIndex)
    return { ...model, tables, appliedIndex }
  },
  compact: async (store, model, { cut }) => {
    const index = model.snapshot.index + Math.floor(cut * (model.appliedIndex - model.snapshot.index))
    const snapshot = meta(index, model.hardState.term)
    await store.compact(snapshot)
    return { ...model, snapshot, entries: model.entries.filter(entry => entry.index > index) }
  },
  restore: async (store, model) => {
    // Its own snapshot is as good as that of another peer that has come equally far.
    const { index } = await store.snapshot()
    const snapshot = meta(index, model.hardState.term)
    await copy(store, store, snapshot)
    assert.deepEqual(await store.restore(snapshot), model.tables)
    return { ...model, snapshot, entries: [] }
  },
  reset: async (store, model) => {
    await store.reset()
    const { session } = model
    return {
      cluster: null,
      session,
      hardState: { term: 0, votedFor: null },
      snapshot: { index: 0, term: 0, configuration: { voters: [], learners: [] } },
      entries: [],
      tables: NO_TABLES,
      appliedIndex: 0,
      staged: null,
      addresses: []
    }
  },
  addresses: async (store, model, { size }) => {
    const addresses = [A, B].slice(0, size).map(id => ({ id, addresses: [`/ip4/10.0.0.${size}/tcp/4001`] }))
    await store.setAddresses(addresses)
    await store.setCluster(`uid-${size}` as ClusterUid)
    return { ...model, addresses, cluster: `uid-${size}` as ClusterUid }
  }
}

function nextSession(model: Persisted): Persisted {
  return { ...model, session: model.session + 1 }
}

/** A Buffer and a Uint8Array of the same bytes are not deeply equal. */
function plain(entry: Entry): Entry {
  return entry.kind === 'command' ? { ...entry, command: Uint8Array.from(entry.command) } : entry
}

function canonical(persisted: Persisted): Persisted {
  const addresses = [...persisted.addresses].sort((a, b) => (a.id < b.id ? -1 : 1))
  return { ...persisted, entries: persisted.entries.map(plain), addresses }
}
